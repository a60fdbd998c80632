"""Outside agencies: adding, changing, taking back all their cases, and letting them work again."""

from datetime import date
from decimal import Decimal

import streamlit as st

from components import allocation_cached, dates, empty, form_fields, money, notices, palette, tables
from components.form_fields import Places
from components.tables import Column
from services import allocation, lender
from services.actors import Actor, Permission
from services.allocation import Agency


def show(actor: Actor) -> None:
    """The agencies with what their people have, and what may be done with the chosen one."""
    agencies = allocation.agencies(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        cases = sum(agency.open_cases for agency in agencies)
        words = f"{_counted(len(agencies))} {money.count(cases)} open cases" if agencies else "No agency works yet"
        st.subheader(words, anchor=False, width="content")
        with st.popover("Add agency", icon=":material/add_business:", type="primary", key="allocation.add_agency"):
            _add(actor)
    if not agencies:
        empty.empty(
            "All collectors work in-house.",
            "Add an agency, then choose it for its people under **Collectors**. An admin adds them as users.",
            icon=":material/business:",
        )
        return
    colours = palette.current()
    states = {"Works": colours.cured, "Suspended": colours.broken}
    columns = (
        Column("name", "Agency", is_pinned=True),
        Column("state", "State", "chip", colours=states),
        Column("people", "Collectors", "number"),
        Column("open_cases", "Open cases", "number"),
        Column("overdue_amount", "Overdue", "money"),
        Column("commission", "Commission", "percent", "Of what its people collect, less what is taken back"),
        Column("monthly_fee", "Fee a month", "money"),
        Column("agreement_until", "Agreement until", "date"),
        Column("contact", "Contact", width="medium"),
        Column("suspended_reason", "Why suspended", width="medium"),
    )
    chosen = tables.table([_row(agency) for agency in agencies], columns, key="allocation.agencies", select="id")
    agency = next((one for one in agencies if one.id == chosen), None)
    if agency is None:
        st.caption("Choose an agency to change it, or to take all its cases back.")
        return
    st.markdown(f"**{notices.plain(agency.name)}**")
    with st.container(horizontal=True):
        with st.popover("Change", icon=":material/edit:", key=f"agency.change.{agency.id}"):
            _change(actor, agency)
        if actor.may(Permission.SET_TARGETS):
            with st.popover("Set terms", icon=":material/payments:", key=f"agency.terms.{agency.id}"):
                _terms(actor, agency)
        if agency.suspended_at is None:
            with st.popover("Recall all cases", icon=":material/undo:", key=f"agency.recall.{agency.id}"):
                _recall(actor, agency)
        else:
            with st.popover("End the suspension", icon=":material/play_arrow:", key=f"agency.resume.{agency.id}"):
                _resume(actor, agency)


def _counted(number: int) -> str:
    return "1 agency has" if number == 1 else f"{number} agencies have"


def _row(agency: Agency) -> dict[str, object]:
    return {
        "id": agency.id,
        "name": agency.name,
        "state": "Works" if agency.suspended_at is None else "Suspended",
        "people": agency.people,
        "open_cases": agency.open_cases,
        "overdue_amount": agency.overdue_amount,
        "commission": agency.commission_percent / 100 if agency.commission_percent is not None else None,
        "monthly_fee": agency.monthly_fee,
        "agreement_until": agency.agreement_until,
        "contact": agency.contact,
        "suspended_reason": agency.suspended_reason,
    }


def _add(actor: Actor) -> None:
    form, places = form_fields.drawn("agency.add"), Places()
    with st.form(f"{form}.form", border=False):
        name = st.text_input("Name", key=f"{form}.name")
        places.under("name")
        contact = st.text_input("Whom to call there (may be empty)", key=f"{form}.contact")
        until = st.date_input("Agreement until (may be empty)", value=None, format="DD/MM/YYYY", key=f"{form}.until")
        if st.form_submit_button("Add agency", type="primary"):
            with places.showing_errors():
                allocation.add_agency(actor, name=name, contact=contact, agreement_until=_day(until))
                form_fields.done(form)
                notices.after_rerun(f"{name.strip()} is added.")


def _change(actor: Actor, agency: Agency) -> None:
    with st.form(f"agency.change_form.{agency.id}.{agency.version}", border=False):
        contact = st.text_input("Whom to call there", value=agency.contact or "")
        until = st.date_input("Agreement until", value=agency.agreement_until, format="DD/MM/YYYY")
        st.caption("After that day its people are given no cases.")
        if st.form_submit_button("Save", type="primary"):
            with notices.showing_errors():
                allocation.change_agency(
                    actor, agency.id, contact=contact, agreement_until=_day(until), version=agency.version
                )
                notices.after_rerun(f"{agency.name} is saved.")


def _terms(actor: Actor, agency: Agency) -> None:
    form, places = form_fields.drawn(f"agency.terms.{agency.id}"), Places()
    months = _months()
    with st.form(f"{form}.form", border=False):
        month = st.selectbox("From", months, format_func=lambda first: f"{first:%B %Y}", key=f"{form}.month")
        percent = st.number_input(
            "Commission, percent of what its people collect",
            value=float(agency.commission_percent or 0),
            min_value=0.0,
            max_value=100.0,
            step=0.5,
            key=f"{form}.percent",
        )
        places.under("commission_percent")
        fee = st.number_input(
            "Fee a month", value=float(agency.monthly_fee or 0), min_value=0.0, step=1000.0, key=f"{form}.fee"
        )
        places.under("monthly_fee")
        st.caption("It holds until other terms are set for a later month, and counts in the cost to collect.")
        if st.form_submit_button("Set terms", type="primary"):
            with places.showing_errors():
                allocation.set_terms(
                    actor,
                    agency.id,
                    from_month=month,
                    commission_percent=_decimal(percent),
                    monthly_fee=_decimal(fee),
                    request_key=form_fields.request_key(form),
                )
                form_fields.done(form)
                notices.after_rerun(f"The terms of {agency.name} hold from {month:%b %Y}.")


def _months() -> list[date]:
    """This month, the two before, and the next two."""
    first = lender.current().today.replace(day=1)
    numbers = [first.year * 12 + first.month - 1 + by for by in (0, 1, 2, -1, -2)]
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _decimal(typed: float) -> Decimal:
    return Decimal(str(typed)).quantize(Decimal("0.01"))


def _recall(actor: Actor, agency: Agency) -> None:
    with st.form(f"agency.recall_form.{agency.id}", border=False):
        st.markdown(
            f"All **{agency.open_cases:,}** open cases of {notices.plain(agency.name)} go back to nobody at once, and "
            "it is given no more until you end the suspension. This cannot be undone: the cases have to be allocated "
            "anew."
        )
        reason = st.text_input("What was the breach?", max_chars=200)
        is_sure = st.checkbox(
            f"Yes, take {money.counted(agency.open_cases, 'case')} back and suspend {notices.plain(agency.name)}"
        )
        if st.form_submit_button("Recall all cases", type="primary"):
            if not is_sure:
                st.error("Tick the box to confirm.", icon=":material/error:")
                return
            with notices.showing_errors():
                recalled = allocation.recall_agency(actor, agency.id, reason=reason, version=agency.version)
                allocation_cached.clear()
                notices.after_rerun(f"{money.counted(recalled, 'case')} taken back and {agency.name} is suspended.")


def _resume(actor: Actor, agency: Agency) -> None:
    with st.form(f"agency.resume_form.{agency.id}", border=False):
        st.markdown(f"Suspended since {dates.moment(agency.suspended_at)}. Its cases do not come back by themselves.")
        reason = st.text_input("Why may it work again?", max_chars=200)
        if st.form_submit_button("End the suspension", type="primary"):
            with notices.showing_errors():
                allocation.resume_agency(actor, agency.id, reason=reason, version=agency.version)
                notices.after_rerun(f"{agency.name} may be given cases again.")


def _day(chosen: object) -> date | None:
    return chosen if isinstance(chosen, date) else None
