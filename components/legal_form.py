"""Legal on the borrower's page: the form that opens an action, and the borrower's actions among the agreements."""

from datetime import date
from decimal import Decimal

import streamlit as st

from components import dates, form_fields, money, notices
from components.form_fields import Places
from services import legal
from services import money as amounts
from services.actors import Actor
from services.borrowers import BorrowerView
from services.errors import InvalidInput
from services.legal import BOUNCES, KINDS, Bounce, Dishonour, Entry

_BY_HAND = 0


def section(actor: Actor, view: BorrowerView) -> None:
    """The borrower's legal actions, newest first; nothing when there are none."""
    for action in legal.for_borrower(actor, view.id):
        with st.container(border=True, gap="small"):
            by = f" by {dates.day(action.next_by)}" if action.next_by else ""
            following = f" · next: {action.next_words.lower()}{by}" if action.next_words else ""
            words = f"**{action.number}: {action.kind_words}** · {money.full(action.amount)} · {action.status_words}"
            st.markdown(f"{words}{following}".replace("$", "\\$"))
            st.page_link(
                "pages/legal.py", label="Open", icon=":material/gavel:", query_params={"action": str(action.id)}
            )


def show(actor: Actor, view: BorrowerView) -> None:
    """What is demanded, on which loans, and for a bounce the instrument that came back."""
    loans = legal.loans(actor, view.id)
    if not loans:
        st.caption("This borrower owes nothing on any loan: there is nothing to demand.")
        return
    form, places = form_fields.drawn(f"legal.open.{view.id}"), Places()
    kind = st.selectbox("Kind", list(KINDS), format_func=KINDS.__getitem__, key=f"{form}.kind")
    places.under("kind")
    bounce = _bounce(actor, view, form, places) if kind in BOUNCES else None
    default = [bounce.loan_id] if bounce else list(loans)
    demanded = bounce.amount if bounce else view.overdue_amount if kind in BOUNCES else view.owed
    mark = f"{form}.{kind}.{bounce.id if bounce else 0}"
    with st.form("legal_open", border=False):
        chosen = st.multiselect(
            "Loans", list(loans), default=default, format_func=loans.__getitem__, key=f"{mark}.loans"
        )
        places.under("loans", "presentation")
        typed = st.text_input("Amount demanded", value=f"{demanded:.2f}", key=f"{mark}.amount")
        places.under("amount")
        instrument = _instrument(actor, view, mark, places, bounce) if kind in BOUNCES else None
        reason = st.text_input("Why", key=f"{mark}.reason", max_chars=500)
        places.under("reason")
        is_sent = st.form_submit_button("Open the action", type="primary", icon=":material/gavel:")
    if is_sent:
        with places.showing_errors():
            if kind in BOUNCES and instrument is None:
                raise InvalidInput({"memo_on": "Choose the day on which the return memo was received."})
            entry = Entry(kind, tuple(chosen), _amount(typed), reason, instrument)
            action_id = legal.open_action(actor, view.id, entry, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"{legal.number_of(action_id)} is open. Take its steps on the Legal page")


def _amount(typed: str) -> Decimal:
    if not typed.strip():
        raise InvalidInput({"amount": "Enter the amount that is demanded."})
    return amounts.parse(typed)


def _bounce(actor: Actor, view: BorrowerView, form: str, places: Places) -> Bounce | None:
    """The bounce of the book that it is about; None: the instrument is typed."""
    known = {each.id: each for each in legal.bounces(actor, view.id) if not each.is_taken}
    named = {
        each.id: f"{dates.day(each.presented_on)} · {money.full(each.amount)} · {each.reason or 'no reason given'}"
        for each in known.values()
    } | {_BY_HAND: "Another instrument"}
    picked = st.selectbox("What bounced", list(named), format_func=named.__getitem__, key=f"{form}.bounce")
    places.under("presentation")
    return known.get(picked)


def _instrument(actor: Actor, view: BorrowerView, mark: str, places: Places, bounce: Bounce | None) -> Dishonour | None:
    reasons = {each.code: each.label for each in legal.return_reasons(actor)}
    left, right = st.columns(2)
    with left:
        number = st.text_input(
            "Cheque no. or reference", value=bounce.reference if bounce else "", key=f"{mark}.number", max_chars=100
        )
        places.under("instrument_number")
        memo = st.date_input(
            "Return memo received", value=None, max_value=view.today, key=f"{mark}.memo", format="DD/MM/YYYY"
        )
        places.under("memo_on")
    with right:
        on = st.date_input(
            "Dated", value=bounce.presented_on if bounce else None, key=f"{mark}.on", format="DD/MM/YYYY"
        )
        places.under("instrument_on")
        codes = list(reasons)
        code = st.selectbox(
            "Returned because",
            codes,
            index=codes.index(bounce.code) if bounce else 0,
            format_func=reasons.__getitem__,
            key=f"{mark}.code",
        )
        places.under("return_reason")
    if not isinstance(memo, date):
        return None
    return Dishonour(
        return_reason=code,
        memo_on=memo,
        instrument_number=number,
        instrument_on=on if isinstance(on, date) else None,
        presentation_id=bounce.id if bounce else None,
    )
