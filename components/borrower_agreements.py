"""What was agreed with a borrower: relief, settlements, plans, promises, and what is to be done next."""

from collections.abc import Callable

import streamlit as st

from components import (
    dates,
    empty,
    hardship_panel,
    legal_form,
    money,
    notices,
    plan_panel,
    settlement_panel,
    tables,
    visit_form,
    waiver_form,
)
from components.tables import Column
from services import cases, promises
from services.actors import Actor, Permission
from services.borrowers import BorrowerView

_PROMISES = (
    Column("promised_on", "Promised on", "date"),
    Column("loan_number", "Loan"),
    Column("amount", "Amount", "money"),
    Column("due_on", "For", "date"),
    Column("status", "Status", help="Derived from payments between the promise and its date plus grace"),
    Column("paid_amount", "Paid", "money"),
    Column("part", "Part", "number", help="Place among the dates of the same promise"),
    Column("person_label", "Promised by"),
    Column("recorded_by_name", "Recorded by"),
)


def show(actor: Actor, view: BorrowerView) -> None:
    """Every agreement, a kind at a time."""
    for section in _SECTIONS:
        section(actor, view)


def _plans(actor: Actor, view: BorrowerView) -> None:
    plan_panel.show(actor, view.plans, view.today)


def _hardship(actor: Actor, view: BorrowerView) -> None:
    hardship_panel.show(actor, view.hardships, view.today)


def _settlements(actor: Actor, view: BorrowerView) -> None:
    settlement_panel.show(actor, view.settlements, view.today)


def _promises(actor: Actor, view: BorrowerView) -> None:
    if view.promises:
        for whole in promises.wholes(view.promises):
            _several(whole)
        tables.table(view.promises, _PROMISES, key="borrower.promises")
        if actor.may(Permission.RECORD_CONTACT):
            for promise in view.promises:
                if promise.status == "pending":
                    _take_back(actor, promise)
    else:
        empty.empty("No promises so far.", "Record one on the right.")


def _several(whole: promises.Whole) -> None:
    """How far a promise of several dates is."""
    if len(whole.parts) == 1:
        return
    number = len(whole.parts) - whole.taken_back
    on = f"{number} date{'' if number == 1 else 's'}"
    back = f", {whole.taken_back} taken back" if whole.taken_back else ""
    kept = f"{whole.kept} of {on} kept{back}, {money.full(whole.paid_amount)} paid"
    behind = " :red[A date was missed; the others are still to come.]" if whole.is_behind else ""
    st.markdown(
        f"**Promise of {money.full(whole.amount)} on {on}** to {dates.day(whole.last_on)}: "
        f"{whole.status.replace('_', ' ')}, {kept}.{behind}".replace("$", "\\$")
    )


def _follow_ups(_actor: Actor, view: BorrowerView) -> None:
    for follow_up in view.follow_ups:
        action = cases.ACTIONS.get(follow_up.action, follow_up.action)
        st.markdown(f":material/event: {action}: **{dates.moment(follow_up.due_at)}**")


def _take_back(actor: Actor, promise: promises.Promise) -> None:
    label = f"Take back the promise of {money.full(promise.amount)} for {dates.day(promise.due_on)}"
    key = f"promise.back.{promise.id}"  # else the next promise's would open in its place
    with st.popover(label, icon=":material/undo:", key=key), st.form(f"promise.cancel.{promise.id}", border=False):
        reason = st.text_input("Reason", key=f"promise.cancel.{promise.id}.reason", max_chars=200)
        is_sent = st.form_submit_button("Take it back", type="primary")
        if is_sent:
            with notices.showing_errors():
                promises.cancel(actor, promise.id, reason=reason)
                notices.after_rerun("The promise is taken back")


_SECTIONS: tuple[Callable[[Actor, BorrowerView], None], ...] = (
    _hardship,
    _settlements,
    waiver_form.section,
    _plans,
    _promises,
    _follow_ups,
    legal_form.section,
    visit_form.section,
)
"""The kinds in the order in which they are drawn."""
