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
from services.errors import InvalidInput


def fields(loans: Sequence[LoanView], *, today: date, key: str, places: Places) -> promises.Terms | None:
    """Loan, amount and date of a promise; None while the amount cannot be read (told under its field)."""
    loan = loan_choice(loans, key=key)
    left, right = st.columns(2)
    with left:
        typed = st.text_input(
            "Amount",
            key=f"{key}.amount",
            placeholder=money.full(loan.overdue_amount),
            help=f"Overdue {money.full(loan.overdue_amount)}, owed in all {money.full(loan.owed)}",
        )
        places.under("amount")
    with right:
        due_on = st.date_input(
            "Will pay by",
            value=today + timedelta(days=3),
            min_value=today,
            key=f"{key}.due_on",
            format="DD/MM/YYYY",
        )
        places.under("due_on")
    if not typed or not isinstance(due_on, date):
        return None
    try:
        return promises.Terms(loan_id=loan.id, amount=amounts.parse(typed), due_on=due_on)
    except InvalidInput:
        return None


def read(typed: str | None) -> None:
    """Refuse an amount that cannot be read.

    Raises:
        InvalidInput: it is missing or not an amount.
    """
    if not typed:
        raise InvalidInput({"amount": "Enter the amount promised."})
    amounts.parse(typed)


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
        channel = st.selectbox(
            "Given by", list(contacts.CHANNELS), format_func=contacts.CHANNELS.__getitem__, key=f"{form}.channel"
        )
        is_sent = st.form_submit_button("Record promise", type="primary", icon=":material/handshake:")
    form_fields.focus("promise_form_fields", form)
    if is_sent:
        with places.showing_errors():
            read(st.session_state[f"{form}.amount"])
            assert terms is not None
            promises.record(
                actor,
                terms.loan_id,
                amount=terms.amount,
                due_on=terms.due_on,
                channel=channel,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            notices.after_rerun(f"Promise of {money.full(terms.amount)} for {dates.day(terms.due_on)} recorded")


def payable(view: BorrowerView) -> list[LoanView]:
    """Loans on which something can be promised."""
    return [loan for loan in view.loans if loan.status in {"active", "written_off"}]
