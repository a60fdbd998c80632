"""Taking money in the field: the receipts of a visit with their PDF, and the form of a new one."""

from datetime import date

import streamlit as st

from components import form_fields, guard, money, notices, promise_form
from components.form_fields import Places
from services import money as amounts
from services import visits
from services.actors import Actor
from services.borrowers import BorrowerView
from services.errors import InvalidInput
from services.visits import MODES, RECEIPT_STATUSES, Receipt, Taken, Visit


def show(actor: Actor, view: BorrowerView, visit: Visit) -> None:
    """What was taken on the visit, and the form to take more."""
    for each in visits.receipts.of_borrower(actor, view.id):
        if each.visit_id == visit.id:
            line(actor, each)
    loans = promise_form.payable(view)
    if not loans:
        st.caption("Nothing is owed on any loan, so no money is taken.")
        return
    with st.expander("Take money", icon=":material/payments:", expanded=False):
        _form(actor, view, visit)


def line(actor: Actor, each: Receipt) -> None:
    """A receipt in a line, with its PDF."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        words = f"**{money.full(each.amount)}** {MODES[each.mode].lower()} · {each.number}"
        words = f"{words} · {RECEIPT_STATUSES[each.status]}"
        st.markdown(words.replace("$", "\\$"), width="content")
        st.download_button(
            "Receipt",
            data=guard.when_pressed(lambda: visits.paper_of(actor, each.id).content),
            file_name=f"Receipt {each.number.replace('/', '-')}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            key=f"receipt.pdf.{each.id}",
            on_click="ignore",
            type="tertiary",
            help="To print, or to send to the borrower; the download stands in the audit trail",
        )


def _form(actor: Actor, view: BorrowerView, visit: Visit) -> None:
    form, places = form_fields.drawn(f"receipt.{visit.id}"), Places()
    mode = st.segmented_control(
        "By", list(MODES), default="cash", required=True, format_func=MODES.__getitem__, key=f"{form}.mode",
        label_visibility="collapsed",
    )  # fmt: skip
    with st.form(f"receipt_form.{visit.id}", border=False):
        loan = promise_form.loan_choice(promise_form.payable(view), key=form)
        typed = st.text_input("Amount", key=f"{form}.amount", placeholder=money.full(loan.overdue_amount),
                              help=f"Owed in all {money.full(loan.owed)}")  # fmt: skip
        places.under("amount")
        paid_by = st.text_input("From whom", value=view.name, key=f"{form}.paid_by", max_chars=120)
        places.under("paid_by")
        cheque = _cheque(form, places, view.today) if mode == "cheque" else (None, None, None)
        is_sent = st.form_submit_button(
            "Give the receipt", type="primary", icon=":material/receipt_long:", width="stretch"
        )
    if is_sent:
        with places.showing_errors():
            if not typed:
                raise InvalidInput({"amount": "Enter the amount that you took."})
            taken = Taken(loan.id, amounts.parse(typed), mode, paid_by, *cheque)
            made = visits.issue(actor, view.id, taken, visit_id=visit.id, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Receipt {made.number} over {money.full(made.amount)}")


def _cheque(form: str, places: Places, today: date) -> tuple[str, str, date | None]:
    number = st.text_input("Cheque number", key=f"{form}.cheque_number", max_chars=6, placeholder="Six digits")
    places.under("cheque_number")
    bank = st.text_input("Bank", key=f"{form}.cheque_bank", max_chars=80)
    places.under("cheque_bank")
    on = st.date_input("Date on the cheque", value=today, key=f"{form}.cheque_on", format="DD/MM/YYYY")
    places.under("cheque_on")
    st.caption("A cheque is credited once its deposit has arrived.")
    return number, bank, on if isinstance(on, date) else None
