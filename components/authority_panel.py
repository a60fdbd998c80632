"""Authority: what each level may decide, who holds which level, and who stands in for whom."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

import streamlit as st

from components import dates, empty, form_fields, notices, tables
from components.tables import Column
from services import approvals, lender
from services import money as amounts
from services.actors import Actor, Permission
from services.approvals import authority, delegating
from services.approvals.authority import ANY_KIND, Holder, Limit
from services.errors import InvalidInput

_LIMITS = (
    Column("label", "Kind of request"),
    Column("level", "Level", "number", width=70),
    Column("title", "Held by"),
    Column("max_amount", "Up to", "money", help="Empty: any amount"),
    Column("max_percent", "Up to %", "number", help="Share of what is owed. Empty: any"),
    Column("hours", "Hours", "number", help="How long a request waits there before it goes to the next level"),
)
_HOLDERS = (Column("name", "Name"), Column("role", "Role"), Column("level", "Level", "number"))
_DELEGATIONS = (
    Column("from_name", "Away"),
    Column("to_name", "Stands in"),
    Column("starts_on", "From", "date"),
    Column("ends_on", "Until", "date", help="First day on which it holds no more"),
    Column("reason", "Reason"),
)


def limits(actor: Actor) -> None:
    """What each level may decide; whoever changes settings changes it here."""
    st.subheader("A request waits at the lowest level that may decide it", anchor=False)
    lines = authority.limits(actor)
    tables.table(lines, _LIMITS, key="approvals.limits")
    if actor.may(Permission.CONFIGURE):
        _set_limit(actor, lines)
    if actor.may(Permission.CONFIGURE) or actor.may(Permission.DECIDE_REQUESTS):
        st.subheader("Who holds which level", anchor=False)
        people = authority.holders(actor)
        if not people:
            empty.empty("Nobody may decide requests yet.", "Make a user a leader on the Users page.")
            return
        tables.table(people, _HOLDERS, key="approvals.holders")
        if actor.may(Permission.CONFIGURE):
            _set_level(actor, people)


def _set_limit(actor: Actor, lines: list[Limit]) -> None:
    kinds = {ANY_KIND: "Every other kind", **approvals.labels()}
    levels = {level.level: level.title for level in authority.levels(actor)}
    with st.popover("Set a limit", icon=":material/tune:"):
        kind = st.selectbox("Kind of request", list(kinds), format_func=kinds.__getitem__, key="limit.kind")
        level = st.selectbox("Level", list(levels), format_func=lambda one: f"{one}, {levels[one]}", key="limit.level")
        line = next((one for one in lines if (one.kind, one.level) == (kind, level)), None)
        _limit_form(actor, kind, level, line)


def _limit_form(actor: Actor, kind: str, level: int, line: Limit | None) -> None:
    form, places = form_fields.drawn(f"limit.{kind}.{level}"), form_fields.Places()
    with st.form(f"approvals.limit.{kind}.{level}", border=False):
        up_to = st.text_input(
            "Up to this amount (empty: any)", value=_typed(line.max_amount if line else None), key=f"{form}.amount"
        )
        places.under("max_amount")
        share = st.text_input(
            "Up to this percentage (empty: any)",
            value=_typed(line.max_percent if line else None),
            key=f"{form}.percent",
        )
        places.under("max_percent")
        hours = st.number_input(
            "Hours until it goes to the next level", 1, 24 * 90, value=line.hours if line else 24, key=f"{form}.hours"
        )
        places.under("hours")
        is_sent = st.form_submit_button("Set the limit", type="primary")
        is_removed = line is not None and st.form_submit_button("Remove it", help="The level may then not decide it")
    if is_sent or is_removed:
        with places.showing_errors():
            if is_removed:
                authority.remove_limit(actor, kind, level)
            else:
                amount = amounts.parse(up_to, field="max_amount") if up_to.strip() else None
                authority.set_limit(
                    actor, kind, level, max_amount=amount, max_percent=_percent(share), hours=int(hours)
                )
            form_fields.done(form)
            notices.after_rerun("The limits are changed, for what is asked from now on.")


def _typed(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _percent(typed: str) -> Decimal | None:
    bare = typed.replace("%", "").strip()
    if not bare:
        return None
    try:
        return Decimal(bare)
    except InvalidOperation:
        raise InvalidInput({"max_percent": f"“{bare}” is not a percentage; write it like 12.5."}) from None


def _set_level(actor: Actor, people: list[Holder]) -> None:
    by_id, levels = {one.id: one for one in people}, {one.level: one.title for one in authority.levels(actor)}
    with st.popover("Give a level", icon=":material/badge:"), st.form("approvals.level", border=False):
        user_id = st.selectbox("Who", list(by_id), format_func=lambda one: by_id[one].name, key="level.who")
        level = st.selectbox("Level", list(levels), format_func=lambda one: f"{one}, {levels[one]}", key="level.level")
        if st.form_submit_button("Give this level", type="primary"):
            with notices.showing_errors():
                authority.set_level(actor, user_id, level)
                notices.after_rerun(f"{by_id[user_id].name} holds level {level} from now on.")


def standing_in(actor: Actor) -> None:
    """Delegations that hold now or later, and the form that makes one."""
    st.subheader("While someone is away, another decides with their authority", anchor=False)
    found = delegating.delegations(actor)
    if found:
        chosen = tables.table(found, _DELEGATIONS, key="approvals.delegations", select="id")
        if chosen is not None and st.button("End it now", icon=":material/event_busy:", key="approvals.end_delegation"):
            with notices.showing_errors():
                delegating.end_delegation(actor, chosen)
                notices.after_rerun("The delegation is ended.")
        st.caption("Choose a line to end it early.")
    else:
        empty.empty("Nobody stands in for anyone.", "Name a deputy before you go on leave.")
    _delegate(actor)


def _delegate(actor: Actor) -> None:
    people = {one.id: one for one in authority.holders(actor)}
    givers = list(people) if actor.may(Permission.CONFIGURE) else [one for one in people if one == actor.id]
    if not givers or len(people) < 2:
        return
    today = lender.current().today
    form, places = form_fields.drawn("delegate"), form_fields.Places()
    with st.popover("Name a deputy", icon=":material/group_add:"), st.form("approvals.delegate", border=False):
        giver = st.selectbox("Who is away", givers, format_func=lambda one: people[one].name, key=f"{form}.from")
        takers = [one for one in people if len(givers) > 1 or one != actor.id]
        taker = st.selectbox("Who stands in", takers, format_func=lambda one: people[one].name, key=f"{form}.to")
        places.under("to_user_id")
        first = st.date_input("First day", value=today, min_value=today, key=f"{form}.first", format="DD/MM/YYYY")
        places.under("starts_on")
        last = st.date_input(
            "Last day", value=today + timedelta(days=7), min_value=today, key=f"{form}.last", format="DD/MM/YYYY"
        )
        places.under("ends_on")
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=200, placeholder="Leave")
        places.under("reason")
        is_sent = st.form_submit_button("Delegate", type="primary")
    if is_sent and isinstance(first, date) and isinstance(last, date):
        with places.showing_errors():
            delegating.delegate(
                actor,
                from_user_id=giver,
                to_user_id=taker,
                starts_on=first,
                ends_on=last + timedelta(days=1),
                reason=reason,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            notices.after_rerun(f"{people[taker].name} stands in until {dates.day(last)}.")
