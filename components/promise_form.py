"""The fields of a promise to pay, alone or within the form of a contact, and the form that records one."""

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from components import dates, form_fields, money, notices
from components.form_fields import Places
from services import contacts, promises
from services import money as amounts
from services.actors import Actor
from services.borrowers import BorrowerView, LoanView
from services.contacts import reaching
from services.errors import InvalidInput


def fields(loans: Sequence[LoanView], *, today: date, key: str, places: Places) -> promises.Terms | None:
    """Loan, and a line a date with its amount; None while an amount cannot be read (told under its field)."""
    loan = loan_choice(loans, key=key)
    lines = [_line(loan, n, today=today, key=key, places=places) for n in range(1, _lines(key) + 1)]
    named = [(typed, on) for number, (typed, on) in enumerate(lines) if typed or number == 0]
    try:
        parts = [promises.Part(amounts.parse(typed), on) for typed, on in named if isinstance(on, date)]
    except InvalidInput:
        return None
    if len(parts) < len(named):
        return None
    return promises.Terms(loan.id, parts[0].amount, parts[0].due_on, tuple(parts[1:]))


def _line(loan: LoanView, number: int, *, today: date, key: str, places: Places) -> tuple[str, object]:
    """The fields of one date; the first keeps the names that a promise of one date has."""
    tail = "" if number == 1 else f".{number}"
    left, right = st.columns(2)
    with left:
        typed = st.text_input(
            "Amount" if number == 1 else f"Amount, date {number}",
            key=f"{key}.amount{tail}",
            placeholder=money.full(loan.overdue_amount) if number == 1 else "Leave empty for no further date",
            help=_owed(loan) if number == 1 else None,
        )
        places.under(f"amount{tail}")
    with right:
        due_on = st.date_input(
            "Will pay by" if number == 1 else f"Will pay by, date {number}",
            value=today + timedelta(days=3 + 7 * (number - 1)),
            min_value=today,
            key=f"{key}.due_on{tail}",
            format="DD/MM/YYYY",
        )
        places.under(f"due_on{tail}")
    return typed, due_on


def _owed(loan: LoanView) -> str:
    return notices.said(f"Overdue {money.full(loan.overdue_amount)}, owed in all {money.full(loan.owed)}")


def another(key: str) -> None:
    """The button that adds a date. It stands outside the form, so that Enter in a field still saves."""
    if _lines(key) < promises.MOST_DATES:
        st.button(
            "Add a date",
            icon=":material/add:",
            type="tertiary",
            key=f"{key}.more",
            on_click=_more,
            args=(key,),
            help="For a promise in parts: each date with its own amount",
        )


def _lines(key: str) -> int:
    return int(st.session_state.get(f"{key}.lines", 1))


def _more(key: str) -> None:
    st.session_state[f"{key}.lines"] = _lines(key) + 1


def read(key: str) -> None:
    """Refuse amounts that cannot be read; further dates without an amount are left out.

    Raises:
        InvalidInput: one is missing or not an amount.
    """
    if not st.session_state.get(f"{key}.amount"):
        raise InvalidInput({"amount": "Enter the amount promised."})
    for number in range(1, _lines(key) + 1):
        tail = "" if number == 1 else f".{number}"
        if typed := st.session_state.get(f"{key}.amount{tail}"):
            amounts.parse(typed, field=f"amount{tail}")


def loan_choice(loans: Sequence[LoanView], *, key: str) -> LoanView:
    """Which loan it is about; no question when there is one."""
    if len(loans) == 1:
        return loans[0]
    by_id = {loan.id: loan for loan in loans}
    chosen = st.selectbox(
        "Loan",
        list(by_id),
        format_func=lambda loan_id: f"{by_id[loan_id].number} · overdue {money.full(by_id[loan_id].overdue_amount)}",
        key=f"{key}.loan",
    )
    return by_id[chosen]


def show(actor: Actor, view: BorrowerView) -> None:
    """A form that records a promise without a contact."""
    loans = payable(view)
    if not loans:
        st.caption("Nothing is owed on any loan, so there is nothing to promise.")
        return
    form, places = form_fields.drawn(f"promise.{view.id}"), Places()
    with st.container(key="promise_form_fields"), st.form("promise_form", border=False):
        terms = fields(loans, today=view.today, key=form, places=places)
        left, right = st.columns(2)
        with left:
            channel = st.selectbox(
                "Given by", list(contacts.CHANNELS), format_func=contacts.CHANNELS.__getitem__, key=f"{form}.channel"
            )
        with right:
            person, party_id = _promiser(actor, view, form)
            places.under("person")
        is_sent = st.form_submit_button("Record promise", type="primary", icon=":material/handshake:")
    another(form)
    form_fields.focus("promise_form_fields", form)
    if is_sent:
        with places.showing_errors():
            read(form)
            assert terms is not None
            promises.record(
                actor,
                terms.loan_id,
                amount=terms.amount,
                due_on=terms.due_on,
                further=terms.further,
                channel=channel,
                person=person,
                party_id=party_id,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            notices.after_rerun(_said(terms))


def _promiser(actor: Actor, view: BorrowerView, form: str) -> tuple[str, int | None]:
    """Who promised: the borrower, or one of the parties on record."""
    offered: dict[tuple[str, int | None], str] = {("borrower", None): contacts.PERSONS["borrower"]}
    for party in reaching.parties(actor, view.id):
        offered[party.role, party.id] = f"{contacts.PERSONS[party.role]}: {party.name}"
    return st.selectbox("Who promised", list(offered), format_func=offered.__getitem__, key=f"{form}.person")


def _said(terms: promises.Terms) -> str:
    if not terms.further:
        return f"Promise of {money.full(terms.amount)} for {dates.day(terms.due_on)} recorded"
    return f"Promise of {money.full(terms.whole_amount)} on {len(terms.parts)} dates recorded"


def payable(view: BorrowerView) -> list[LoanView]:
    """Loans on which something can be promised."""
    return [loan for loan in view.loans if loan.status in {"active", "written_off"}]
