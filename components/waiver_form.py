"""Waiving charges on the borrower's page: the form that asks, and the waivers as they stand."""

from collections.abc import Callable

import streamlit as st

from components import case_panel, dates, form_fields, money, notices, promise_form
from components.form_fields import Places
from services import money as amounts
from services import waivers
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.errors import InvalidInput
from services.waivers import STATUSES, Waiver

_COLOURS = {"waiting": "orange", "granted": "green", "refused": "red"}


def show(actor: Actor, view: BorrowerView) -> None:
    """Loan, amount and reason; another person decides."""
    loans = [loan for loan in view.loans if loan.overdue_charges > 0 and loan.source == "schedule"]
    if not loans:
        st.caption("No charges fell due that are not paid, so there is nothing to waive.")
        return
    form, places = form_fields.drawn(f"waiver.{view.id}"), Places()
    with st.container(key="waiver_fields"), st.form("waiver_form", border=False):
        loan = promise_form.loan_choice(loans, key=form)
        typed = st.text_input("Charges to waive", key=f"{form}.amount", placeholder=money.full(loan.overdue_charges),
                              help=f"Owed: {money.full(loan.overdue_charges)}")  # fmt: skip
        places.under("amount")
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300, placeholder="Charged twice in March")
        places.under("reason")
        st.caption("Another person decides. Once waived, overdue amount and days past due follow at once.")
        is_sent = st.form_submit_button("Ask to waive", type="primary", icon=":material/money_off:")
    form_fields.focus("waiver_fields", form)
    if is_sent:
        with places.showing_errors():
            if not typed:
                raise InvalidInput({"amount": "Enter how much of the charges is waived."})
            made = waivers.ask(actor, loan.id, amount=amounts.parse(typed), reason=reason,
                               request_key=form_fields.request_key(form))  # fmt: skip
            form_fields.done(form)
            notices.after_rerun(f"The waiver of {money.full(made.amount)} waits for approval")


def section(actor: Actor, view: BorrowerView) -> None:
    """The borrower's waivers, newest first; nothing when there are none."""
    for each in waivers.of_borrower(actor, view.id):
        with st.container(border=True, gap="small"):
            status = f":{_COLOURS.get(each.status, 'gray')}[{STATUSES[each.status]}]"
            head = notices.plain(f"Waiver of {money.full(each.amount)} charges")
            st.markdown(f"**{head}** on {notices.plain(each.loan_number)} · {status}")
            st.caption(case_panel.plain(_told(each)))
            _acts(actor, each)


def _told(each: Waiver) -> str:
    asked = f"Asked {dates.day(each.asked_on)} by {each.asked_by_name or 'Recoup'}: {each.reason}"
    decided = f" · decided {dates.day(each.decided_on)} by {each.decided_by_name}" if each.decided_on else ""
    ended = f" · ended {dates.day(each.taken_back_on)}: {each.take_back_reason}" if each.taken_back_on else ""
    return asked + decided + ended


def _acts(actor: Actor, each: Waiver) -> None:
    if each.status == "waiting" and actor.may(Permission.MAKE_ARRANGEMENTS):
        _end(each, "Take back", "Take the request back", lambda why: waivers.withdraw(actor, each.id, reason=why))
    elif each.status == "granted" and actor.may(Permission.DECIDE_REQUESTS) and each.asked_by != actor.id:
        _end(each, "End the waiver", "Owe them again", lambda why: waivers.take_back(actor, each.id, reason=why))


def _end(each: Waiver, label: str, button: str, act: Callable[[str], Waiver]) -> None:
    key = f"waiver.end.{each.id}"
    with st.popover(label, icon=":material/undo:", key=f"{key}.open"), st.form(key, border=False):
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=200)
        if st.form_submit_button(button, type="primary"):
            with notices.showing_errors():
                act(reason)
                notices.after_rerun("Done")
