"""Planning a visit on the borrower's page: which address, what it is, when, by whom; and the borrower's visits."""

from datetime import date, time, timedelta

import streamlit as st

from components import case_people, dates, empty, form_fields, notices, receipt_form, tables
from components.form_fields import Places
from components.tables import Column
from services import contacts, visits
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.errors import InvalidInput
from services.visits import PLACES, STATUSES, Address, Plan

_VISITS = (
    Column("number", "Visit", width=90),
    Column("on", "Day", "date", width=100),
    Column("status", "Status", width=100),
    Column("place", "Place", width=130),
    Column("agent", "Agent", width=130),
    Column("outcome", "Outcome", width=150),
    Column("person", "Met", width=100),
    Column("reason", "Called off", width=180),
)


def agreed_time(key: str) -> time | None:
    """The time that was agreed with the borrower, if any."""
    return st.time_input(
        "Agreed time (optional)", value=None, help="By the clocks of the place.", key=key, step=timedelta(minutes=15)
    )


def show(actor: Actor, view: BorrowerView) -> None:
    """Address, place, day, agent; what the gate says of the address stands beneath."""
    if view.case is None:
        st.caption("There is no open case: nothing is overdue, so nobody is visited.")
        return
    addresses = visits.places.of_borrower(actor, view.id)
    if not addresses:
        empty.empty("No address is known at which contact is not refused.", "Import a contacts file with addresses.")
        return
    form, places = form_fields.drawn(f"visit.{view.id}"), Places()
    limits = visits.current(actor)
    chosen = _address(addresses, form)
    place = st.segmented_control(
        "What is it?", list(PLACES), default=chosen.place or "residence", required=True,
        format_func=PLACES.__getitem__, key=f"{form}.place.{chosen.contact_point_id}",
        help="Where the borrower asked to be met comes first, then the home, then the workplace",
    )  # fmt: skip
    if chosen.answer is not None and not chosen.answer.is_allowed and place == chosen.place:
        st.markdown(f":red[● Not to be visited now:] {notices.plain(chosen.answer.reason)}")
    with st.form("visit_form", border=False):
        left, right = st.columns(2)
        with left:
            on = st.date_input("Day", value=view.today, min_value=view.today, key=f"{form}.on", format="DD/MM/YYYY",
                               max_value=view.today + timedelta(days=limits.plan_days))  # fmt: skip
            places.under("planned_on")
        with right:
            at = agreed_time(f"{form}.at")
        agent_id = _agent(actor, view, form)
        places.under("agent")
        purpose = st.text_input("Purpose (optional)", key=f"{form}.purpose", max_chars=200)
        is_sent = st.form_submit_button("Plan the visit", type="primary", icon=":material/add_location:")
    places.under("place", "contact_point")
    if is_sent:
        with places.showing_errors():
            if not isinstance(on, date):
                raise InvalidInput({"planned_on": "Choose the day."})
            wanted = Plan(chosen.contact_point_id, place, on, at, purpose)
            made = visits.plan(actor, view.id, wanted, agent_id=agent_id, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Visit {made.number} is planned for {dates.day(made.planned_on)}")


def _address(addresses: list[Address], form: str) -> Address:
    if len(addresses) == 1:
        st.caption(f"Address: {addresses[0].masked}")
        return addresses[0]
    by_id = {each.contact_point_id: each for each in addresses}
    chosen = st.selectbox("Address", list(by_id), format_func=lambda each: _called(by_id[each]), key=f"{form}.address")
    return by_id[chosen]


def _called(each: Address) -> str:
    whose = f" ({each.party_name})" if each.party_name else ""
    return f"{each.masked}{whose}{f' · {PLACES[each.place]}' if each.place else ''}"


def _agent(actor: Actor, view: BorrowerView, form: str) -> int | None:
    """Who visits: a leader chooses among the owner and the field agents of the case."""
    if not actor.may(Permission.ALLOCATE_CASES):
        return None
    offered = case_people.visitors(actor, view)
    if not offered:
        st.caption("The case has neither owner nor field agent: it is planned for you. Add somebody to the case first.")
        return None
    return st.selectbox("Who", list(offered), format_func=offered.__getitem__, key=f"{form}.agent")


def section(actor: Actor, view: BorrowerView) -> None:
    """The borrower's visits and receipts, newest first; nothing when there are none."""
    if not actor.may(Permission.VIEW_VISITS):
        return
    made = visits.of_borrower(actor, view.id)
    if made:
        st.markdown("**Visits**")
        rows = [
            {"number": each.number, "on": each.planned_on, "status": STATUSES[each.status], "place": PLACES[each.place],
             "agent": each.agent_name, "outcome": each.outcome_label,
             "person": contacts.PERSONS.get(each.person or "", ""), "reason": each.cancel_reason}
            for each in made
        ]  # fmt: skip
        tables.table(rows, _VISITS, key="borrower.visits")
    taken = visits.receipts.of_borrower(actor, view.id)
    if taken:
        st.markdown("**Receipts**")
        for each in taken:
            receipt_form.line(actor, each)
