"""Contact rules: the table of what the gate asks, and the forms that change it from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from components import dates, empty, exports, form_fields, notices, policy_fields, tables
from components.form_fields import Places
from components.policy_words import CHECKS, sentence
from components.tables import Column
from services import lender, policy
from services.actors import Actor, Permission
from services.exports import Field
from services.policy import PolicyRuleView, terms

_SHOWN = {"on": "In force", "planned": "Planned", "off": "Off"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A rule as the table shows it."""

    id: int
    check: str
    says: str
    effect: str
    source: str
    effective_from: date
    effective_to: date | None


_COLUMNS = (
    Column("says", "Rule", width=470),
    Column("effect", "Effect", width=70, help="Stops the contact, or warns and lets it pass"),
    Column("source", "Where it comes from", width=420),
    Column("effective_from", "From", "date"),
    Column("effective_to", "Until", "date", help="First day on which it holds no more"),
)
_FIELDS = (
    Field("check", "Check"),
    *(Field(column.name, column.label) for column in _COLUMNS),
)


def show(actor: Actor) -> None:
    """The rules of a kind, the one chosen with its history, and for who may change settings the forms."""
    today, every = lender.current().today, policy.rules(actor)
    groups = {
        "on": [rule for rule in every if rule.is_on(today)],
        "planned": [rule for rule in every if rule.is_planned(today)],
        "off": _off(every, today),
    }
    shown = st.segmented_control(
        "Show", list(_SHOWN), default="on", required=True, key="contact_rules.shown", label_visibility="collapsed",
        format_func=lambda name: f"{_SHOWN[name]} {len(groups[name])}",
    )  # fmt: skip
    picked = _table(groups[shown], shown) or st.query_params.get("rule")
    chosen = next((rule for rule in every if str(rule.id) == str(picked)), None)
    if chosen is not None:
        _opened(actor, chosen, every, today)
    elif groups[shown]:
        may_change = actor.may(Permission.CONFIGURE)
        st.caption("Choose a rule to see what it said before" + (" and to change it." if may_change else "."))
    if actor.may(Permission.CONFIGURE):
        with st.expander("Add a rule of our own", icon=":material/add:"):
            _add(actor, today)


def _off(every: Sequence[PolicyRuleView], today: date) -> list[PolicyRuleView]:
    """Rules that neither hold nor will: the last row of each."""
    followed = {rule.replaces_id for rule in every if not rule.was_taken_back}
    return [
        rule
        for rule in every
        if not (rule.is_on(today) or rule.is_planned(today) or rule.was_taken_back or rule.id in followed)
    ]


def _table(rules: Sequence[PolicyRuleView], shown: str) -> int | None:
    if not rules:
        said = {
            "on": ("No rule is in force: every contact is allowed.", "Take rules into force under **Off**."),
            "planned": ("No change is planned.", "Choose a rule under **In force** to change it from a day on."),
            "off": ("Every rule is in force.", None),
        }[shown]
        empty.empty(*said)
        return None
    lines = [
        _Line(
            rule.id,
            CHECKS[rule.rule],
            sentence(rule),
            "stops" if rule.severity == "block" else "warns",
            rule.source,
            rule.effective_from,
            rule.effective_to,
        )
        for rule in rules
    ]
    picked: int | None = tables.table(lines, _COLUMNS, key=f"contact_rules.table.{shown}", select="id")
    tables.totals(len(lines), noun="rules, in the order in which they are asked")
    exports.downloads("Contact rules", lines, columns=_FIELDS, key="contact_rules.export")
    return picked


def _opened(actor: Actor, rule: PolicyRuleView, every: Sequence[PolicyRuleView], today: date) -> None:
    with st.container(border=True, gap="small"):
        st.markdown(f"**{sentence(rule)}**")
        st.caption(rule.source)
        following = next((one for one in every if one.replaces_id == rule.id and not one.was_taken_back), None)
        if following is not None:
            st.markdown(f":material/event: From {dates.day(following.effective_from)} on: {sentence(following)}")
        _history(rule, {one.id: one for one in every})
        if not actor.may(Permission.CONFIGURE):
            return
        if rule.is_planned(today) or (rule.is_on(today) and rule.effective_to is not None):
            _take_back(actor, rule)
        elif rule.is_on(today):
            left, right = st.columns([3, 2], gap="large")
            with left:
                _change(actor, rule, today)
            with right:
                _end(actor, rule, today)
        else:
            _resume(actor, rule, today)


def _history(rule: PolicyRuleView, every: dict[int, PolicyRuleView]) -> None:
    before = every.get(rule.replaces_id or 0)
    while before is not None:
        if not before.was_taken_back and before.is_enabled:
            until = dates.day(before.effective_to or rule.effective_from)
            st.caption(f"From {dates.day(before.effective_from)} until {until}: {sentence(before)}")
        before = every.get(before.replaces_id or 0)


def _change(actor: Actor, rule: PolicyRuleView, today: date) -> None:
    form, places = form_fields.drawn(f"contact_rules.change.{rule.id}"), Places()
    with st.form(f"contact_rules_change.{rule.id}", border=False):
        st.markdown("**Change it**")
        entered = policy_fields.draw(form, places, rule.rule, rule.parameters)
        severity = _severity(form, rule.severity)
        on, reason = _day_and_reason(form, places, today)
        places.under("parameters")
        is_sent = st.form_submit_button("Change the rule", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            policy.change(actor, rule.id, policy_fields.read(entered), severity=severity, on=on, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"The rule changes on {dates.day(on)}")


def _end(actor: Actor, rule: PolicyRuleView, today: date) -> None:
    form, places = form_fields.drawn(f"contact_rules.end.{rule.id}"), Places()
    with st.form(f"contact_rules_end.{rule.id}", border=False):
        st.markdown("**End it**")
        st.caption("The gate asks it no more. It can be taken into force again.")
        if rule.source.startswith("IN-"):
            st.caption(
                ":orange[:material/warning: This rule comes from the regulator. End it only if it binds you no more.]"
            )
        on, reason = _day_and_reason(form, places, today, "Ends on")
        is_sent = st.form_submit_button("End the rule", icon=":material/block:")
    if is_sent:
        with places.showing_errors():
            policy.end(actor, rule.id, on=on, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"The rule ends on {dates.day(on)}")


def _resume(actor: Actor, rule: PolicyRuleView, today: date) -> None:
    form, places = form_fields.drawn(f"contact_rules.resume.{rule.id}"), Places()
    with st.form(f"contact_rules_resume.{rule.id}", border=False):
        st.markdown("**Take it into force**")
        if not rule.is_enabled:
            st.caption("It ships switched off, since its text could not be confirmed. Check it before it binds.")
        on, reason = _day_and_reason(form, places, today)
        is_sent = st.form_submit_button("Take into force", type="primary", icon=":material/check:")
    if is_sent:
        with places.showing_errors():
            policy.resume(actor, rule.id, on=on, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"The rule holds from {dates.day(on)} on")


def _take_back(actor: Actor, rule: PolicyRuleView) -> None:
    form, places = form_fields.drawn(f"contact_rules.take_back.{rule.id}"), Places()
    with st.form(f"contact_rules_take_back.{rule.id}", border=False):
        st.caption("It has not happened yet. Taken back, what holds today goes on.")
        reason = st.text_input("Why?", key=f"{form}.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Take back what is planned", icon=":material/undo:")
    if is_sent:
        with places.showing_errors():
            policy.take_back(actor, rule.id, reason=reason)
            form_fields.done(form)
            notices.after_rerun("Taken back: nothing is planned of this rule")


def _add(actor: Actor, today: date) -> None:
    rule: str = st.segmented_control(
        "What it limits", list(terms.ADDABLE), default="cap", required=True, format_func=CHECKS.__getitem__,
        key="contact_rules.kind",
    )  # fmt: skip
    form, places = form_fields.drawn(f"contact_rules.add.{rule}"), Places()
    with st.form(f"contact_rules_add.{rule}", border=False):
        name = st.text_input(
            "What it is for", key=f"{form}.name", max_chars=120, placeholder="Fewer messages to those who pay by debit"
        )
        places.under("name")
        entered = policy_fields.draw(form, places, rule, {})
        severity = _severity(form, "block")
        on, reason = _day_and_reason(form, places, today)
        is_sent = st.form_submit_button("Add the rule", type="primary", icon=":material/add:")
    if is_sent:
        with places.showing_errors():
            policy.add(actor, rule, policy_fields.read(entered), severity=severity, name=name, on=on, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"The rule holds from {dates.day(on)} on")


def _severity(form: str, now: str) -> str:
    chosen: str = st.radio(
        "Effect", list(terms.SEVERITIES), index=list(terms.SEVERITIES).index(now), horizontal=True,
        format_func=terms.SEVERITIES.__getitem__, key=f"{form}.severity",
    )  # fmt: skip
    return chosen


def _day_and_reason(form: str, places: Places, today: date, label: str = "Holds from") -> tuple[date, str]:
    tomorrow = today + timedelta(days=1)
    on: date = st.date_input(
        label, value=tomorrow, min_value=tomorrow, key=f"{form}.on", format="DD/MM/YYYY", width=200
    )
    places.under("on")
    reason = st.text_input("Why?", key=f"{form}.reason", max_chars=300)
    places.under("reason")
    return on, reason
