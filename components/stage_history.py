"""The history of stage rules: every version with who, when, why and what it changed; withdrawing a future one."""

from collections.abc import Sequence

import streamlit as st

from components import dates, form_fields, notices, palette, stage_grid, stage_words, tables
from components.case_panel import plain
from components.form_fields import Places
from components.stage_words import Products
from components.tables import Column
from services import stages
from services.actors import Actor, Permission
from services.stages import StageVersion, State, Strategy


def show(actor: Actor, strategy: Strategy, products: Products) -> None:
    """A line a version, newest first; the chosen one is opened beneath."""
    st.markdown("##### History of the stage rules")
    chosen = tables.table(
        [_row(version) for version in strategy.versions], _columns(), key="strategy.history", select="version"
    )
    opened = next((version for version in strategy.versions if version.version == chosen), None)
    if opened is None:
        st.caption("Choose a version to see its rules and what it changed.")
        return
    _opened(strategy.versions, opened, products)
    if opened.state is State.FUTURE and actor.may(Permission.CHANGE_STRATEGY):
        _withdraw(actor, opened)


def _columns() -> tuple[Column, ...]:
    colours = palette.current()
    states = {
        State.IN_FORCE.value: colours.cured,
        State.FUTURE.value: colours.due_soon,
        State.REPLACED.value: colours.unknown,
        State.WITHDRAWN.value: colours.unknown,
    }
    return (
        Column("version", "Version", "number", width="small"),
        Column("state", "State", "chip", colours=states, width="small"),
        Column("effective_from", "Holds from", "date"),
        Column("holds_until", "Until", "date", help="First date on which another version holds instead"),
        Column("made_by", "Saved by"),
        Column("created_at", "Saved", "moment"),
        Column("reason", "Why", width="large"),
    )


def _row(version: StageVersion) -> dict[str, object]:
    return {
        "version": version.version,
        "state": version.state.value,
        "effective_from": version.effective_from,
        "holds_until": version.holds_until,
        "made_by": version.created_by_name or "Recoup",
        "created_at": version.created_at,
        "reason": version.reason,
    }


def _opened(versions: Sequence[StageVersion], opened: StageVersion, products: Products) -> None:
    earlier = (one for one in versions if one.version < opened.version and one.state is not State.WITHDRAWN)
    before = next(earlier, None)
    if opened.withdrawn_at is not None:
        st.markdown(
            f":material/undo: Withdrawn {dates.moment(opened.withdrawn_at)} by "
            f"{plain(opened.withdrawn_by_name or 'Recoup')}: {plain(opened.withdraw_reason or '')}"
        )
    if before is not None:
        changes = stage_words.changes(before.rule_set, opened.rule_set, products) or ["Nothing: the rules are the same"]
        st.markdown(f"**Changed against version {before.version}**")
        st.markdown("\n".join(f"- {plain(change)}" for change in changes))
    st.markdown(f"**Rules of version {opened.version}**")
    stage_grid.shown(opened.rule_set, products, key=f"strategy.rules_of.{opened.version}")


def _withdraw(actor: Actor, version: StageVersion) -> None:
    form, places = form_fields.drawn(f"strategy.withdraw.{version.version}"), Places()
    with st.popover("Withdraw this version", icon=":material/undo:"), st.form("strategy_withdraw", border=False):
        st.markdown(f"Version {version.version} will not hold from {dates.day(version.effective_from)}. It stays here.")
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300)
        places.under("withdraw_reason")
        is_sent = st.form_submit_button(f"Withdraw version {version.version}", type="primary")
    if is_sent:
        with places.showing_errors():
            stages.withdraw(actor, version.version, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"Version {version.version} is withdrawn")
