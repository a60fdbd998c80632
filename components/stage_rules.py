"""Stages on the Strategy page: what each holds, the rules in force, a leader's grid for the next ones, the history."""

from collections import Counter

import streamlit as st

from components import dates, guard, money, notices, stage_cached, stage_grid, stage_history, stage_trial
from services import jobs, stages
from services.actors import Actor, Permission
from services.cases import ALL_STAGES
from services.stages import StageVersion, State, Strategy


def show(actor: Actor) -> None:
    """The section of stages."""
    with notices.showing_errors():
        strategy = stages.view(actor)
        products = _named(strategy)
        _head(actor, strategy)
        if strategy.applying_run_id is not None and actor.may(Permission.VIEW_JOBS):
            _progress(actor, strategy.applying_run_id)
        if actor.may(Permission.CHANGE_STRATEGY):
            _editor(actor, strategy, products)
        else:
            stage_grid.shown(strategy.in_force.rule_set, products, key="strategy.in_force")
        stage_history.show(actor, strategy, products)


def _named(strategy: Strategy) -> dict[int, str]:
    """Names of products by id; where two have the same name, with their id."""
    often = Counter(name for _, name in strategy.products)
    return {key: name if often[name] == 1 else f"{name} ({key})" for key, name in strategy.products}


def _head(actor: Actor, strategy: Strategy) -> None:
    held = {count.stage: count for count in stage_cached.counts(actor)}
    cases = sum(count.cases for count in held.values())
    now = strategy.in_force
    st.markdown(
        f"##### Version {now.version} decides the stage of {money.count(cases)} open cases",
        help="A rule asks about days past due, overdue amount, risk, product and class of a case. "
        "The first rule that matches gives the stage.",
    )
    with st.container(horizontal=True, gap="large"):
        for code, label in ALL_STAGES.items():
            count = held.get(code)
            amount = money.full(count.overdue_amount) if count else money.full(None)
            with st.container(width="content", gap=None):
                st.metric(label, money.count(count.cases if count else 0), help=f"Overdue: {amount}", width="content")
                if count and actor.may(Permission.WORK_QUEUE):
                    _cases_link(label)
    for version in strategy.versions:
        if version.state is State.FUTURE:
            st.info(_coming(version), icon=":material/event_upcoming:")


def _cases_link(stage: str) -> None:
    """A way to the cases of a stage, by the name under which the queue's filter has it."""
    st.page_link("pages/queue.py", label="Cases", icon=":material/list:", query_params={"stage": stage, "tab": "all"})


def _coming(version: StageVersion) -> str:
    until = f", until {dates.day(version.holds_until)}" if version.holds_until else ""
    begins = dates.day(version.effective_from)
    return f"Version {version.version} takes over on {begins}{until}. It can be withdrawn below."


@st.fragment(run_every="2s")
def _progress(actor: Actor, run_id: int) -> None:
    """How far cases are put into their stages; the page is drawn anew when that is done."""
    if not guard.still(actor):
        return
    with notices.showing_errors():
        run = jobs.view(actor, run_id)
        if run.status in {"done", "failed", "cancelled"}:
            stage_cached.clear()
            st.rerun()
        waits = "waiting for a worker" if run.status == "queued" else run.note or "running"
        st.progress(run.share_done or 0.0, text=f"{run.label}: {waits}")


_SEEN = "strategy.seen"


def _editor(actor: Actor, strategy: Strategy, products: dict[int, str]) -> None:
    """The grid begins with a version and keeps what is edited, also when someone else saves meanwhile: that is told."""
    seen = st.session_state.setdefault(_SEEN, strategy.newest)
    versions = {version.version: version for version in strategy.versions}
    start = st.selectbox(
        "Start from",
        list(versions),
        index=list(versions).index(strategy.in_force.version),
        format_func=lambda number: f"Version {number}: {versions[number].state.value.lower()}",
        key=f"strategy.start.{seen}",
        width=280,
        help="The rules that the grid begins with. Choosing another drops what you edited.",
    )
    st.caption(
        "Edit a cell, add a row at the end, or tick rows to delete them. Rules are tried in the order of their place; "
        "an empty condition asks nothing."
    )
    begun = versions[start].rule_set
    wanted = stage_grid.edit(begun, products, key=f"strategy.grid.{seen}.{start}")
    if seen != strategy.newest:
        _overtaken(versions[strategy.newest], is_edited=wanted != begun)
    stage_trial.show(actor, strategy, wanted, seen_version=seen, on_saved=_start_again)


def _start_again() -> None:
    st.session_state.pop(_SEEN, None)


def _overtaken(newest: StageVersion, *, is_edited: bool) -> None:
    if not is_edited:
        _start_again()
        st.rerun()
    st.warning(
        f"{newest.created_by_name or 'Someone'} saved version {newest.version} while you were editing. "
        "Your grid begins with older rules and cannot be applied.",
        icon=":material/sync_problem:",
    )
    st.button("Start again from the rules that hold now", key="strategy.start_again", on_click=_start_again)
