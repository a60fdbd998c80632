"""The form that records a payment made to a person or at a branch, which the lender's file will not bring."""

from datetime import date

import streamlit as st

from components import form_fields, money, notices, promise_form
from components.form_fields import Places
from services import facts
from services import money as amounts
from services.actors import Actor
from services.borrowers import BorrowerView
from services.errors import InvalidInput

_MODES = ("cash", "upi", "transfer", "cheque", "card")


def show(actor: Actor, view: BorrowerView) -> None:
    """Loan, amount, value date, mode and receipt; a second submit of the same form is told, not recorded."""
    loans = promise_form.payable(view)
    if not loans:
        st.caption("Nothing is owed on any loan, so no payment is expected.")
        return
    form, places = form_fields.drawn(f"payment.{view.id}"), Places()
    with st.container(key="payment_form_fields"), st.form("payment_form", border=False):
        loan = promise_form.loan_choice(loans, key=form)
        left, right = st.columns(2)
        with left:
            typed = st.text_input("Amount", key=f"{form}.amount", placeholder=money.full(loan.overdue_amount))
            places.under("amount")
            mode = st.selectbox("Paid by", _MODES, format_func=str.capitalize, key=f"{form}.mode")
        with right:
            paid_on = st.date_input(
                "Value date", value=view.today, max_value=view.today, key=f"{form}.paid_on", format="DD/MM/YYYY"
            )
            places.under("paid_on")
            receipt = st.text_input("Receipt number", key=f"{form}.receipt", help="Leave empty to have one made")
        is_sent = st.form_submit_button("Record payment", type="primary", icon=":material/payments:")
    form_fields.focus("payment_form_fields", form)
    if is_sent:
        with places.showing_errors():
            if not typed or not isinstance(paid_on, date):
                raise InvalidInput({"amount": "Enter the amount received."})
            amount = amounts.parse(typed)
            made = f"app-{form_fields.request_key(form)[:16]}"
            reference = facts.record_payment(
                actor, loan.id, amount=amount, paid_on=paid_on, mode=mode, reference=receipt.strip() or made
            )
            form_fields.done(form)
            notices.after_rerun(f"Payment of {money.full(amount)} recorded, receipt {reference}")
