"""Recording a contact: the usual outcomes as buttons, then only the fields that the chosen one needs."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from components import follow_up_form, form_fields, notices, outcomes_cached, promise_form, status_form
from components.form_fields import Places
from services import contacts, holds, promises
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.contacts import Outcome

_STYLE = """
<style>
.st-key-outcomes button { padding: .15rem .55rem; min-height: 2rem; }
.st-key-case_record p { font-size: .9rem; line-height: 1.4; }
.st-key-case_record [data-testid="stVerticalBlock"] { gap: .2rem; }
.st-key-outcome_fields, .st-key-outcome_fields [data-testid="stVerticalBlock"] { gap: .35rem; }
</style>
"""
_ICONS = {
    "promise_to_pay": ":material/handshake:",
    "paid_already": ":material/receipt_long:",
    "call_back": ":material/event:",
    "refuses_to_pay": ":material/block:",
    "dispute": ":material/gavel:",
    "wrong_number": ":material/phone_disabled:",
    "no_answer": ":material/phone_missed:",
    "left_message": ":material/voicemail:",
}


@dataclass(frozen=True, slots=True)
class _Filled:
    """What the form holds when it is submitted."""

    channel: str
    direction: str
    person: str
    note: str
    promise: promises.Terms | None
    follow_up_at: datetime | None
    hold: holds.Terms | None
    override_reason: str | None


def show(actor: Actor, view: BorrowerView, *, with_next: bool) -> str | None:
    """Draw the outcomes and, once one is chosen, its form.

    Args:
        actor: who records.
        view: with whom.
        with_next: whether 'Save and next' is offered beside 'Save'.

    Returns:
        'next' or 'saved' once recorded; None before.
    """
    known = outcomes_cached.outcomes(actor)
    chosen = _chosen(known, view.id)
    if chosen is None:
        st.caption("Choose how it ended (keys 1 to 8); the fields that it needs follow.")
        return None
    return _form(actor, view, chosen, with_next=with_next)


def _key(borrower_id: int) -> str:
    return f"outcome.{borrower_id}"


def _choose(borrower_id: int, code: str | None) -> None:
    st.session_state[_key(borrower_id)] = code


def _chosen(known: list[Outcome], borrower_id: int) -> Outcome | None:
    code = st.session_state.get(_key(borrower_id))
    st.html(_STYLE)
    with st.container(horizontal=True, gap="xsmall", key="outcomes"):
        for place, outcome in enumerate(known, start=1):  # the quick ones come first
            st.button(
                outcome.label,
                key=f"outcome.choose.{outcome.code}",
                icon=_ICONS.get(outcome.code),
                type="primary" if outcome.code == code else "secondary" if outcome.is_quick else "tertiary",
                shortcut=str(place) if outcome.is_quick else None,
                on_click=_choose,
                args=(borrower_id, outcome.code),
            )
    return next((outcome for outcome in known if outcome.code == code), None)


def _form(actor: Actor, view: BorrowerView, outcome: Outcome, *, with_next: bool) -> str | None:
    form, places = form_fields.drawn(f"outcome.{view.id}.{outcome.code}"), Places()
    with st.form("outcome_form", border=True):
        filled = _fields(actor, view, outcome, form, places)
        with st.container(horizontal=True, gap="small"):
            is_next = with_next and st.form_submit_button(
                "Save and next", type="primary", icon=":material/arrow_forward:", key="outcome.save_next"
            )
            is_saved = st.form_submit_button("Save", type="secondary" if with_next else "primary", key="outcome.save")
    form_fields.focus("outcome_fields", form)
    if is_next or is_saved:
        with places.showing_errors():
            _record(actor, view, outcome, filled, form)
            _choose(view.id, None)
            return "next" if is_next else "saved"
    return None


def _fields(actor: Actor, view: BorrowerView, outcome: Outcome, form: str, places: Places) -> _Filled:
    with st.container(key="outcome_fields", gap="small"):
        loans = promise_form.payable(view)
        promise = (
            promise_form.fields(loans, today=view.today, key=form, places=places)
            if "promise" in outcome.requires and loans
            else None
        )
        follow_up_at = (
            follow_up_form.fields(today=view.today, key=form, places=places)
            if "follow_up" in outcome.requires
            else None
        )
        asks_note = "note" in outcome.requires
        note = st.text_input("Note" if asks_note else "Note (optional)", key=f"{form}.note", max_chars=500)
        places.under("note", "reason")
        hold = (
            status_form.fields(today=view.today, key=form, places=places, kind=outcome.hold_kind, reason=note)
            if "hold" in outcome.requires
            else None
        )
        channel, direction, person = _how(outcome, form, places)
    override = _override(actor, view, form) if direction == "outbound" else None
    return _Filled(channel, direction, person, note, promise, follow_up_at, hold, override)


def _how(outcome: Outcome, form: str, places: Places) -> tuple[str, str, str]:
    left, middle, right = st.columns(3)
    with left:
        channel = st.selectbox(
            "Channel", list(contacts.CHANNELS), format_func=contacts.CHANNELS.__getitem__, key=f"{form}.channel"
        )
        places.under("channel")
    with middle:
        direction = st.selectbox(
            "Direction", list(contacts.DIRECTIONS), format_func=contacts.DIRECTIONS.__getitem__, key=f"{form}.direction"
        )
    with right:
        person = st.selectbox(
            "Person reached",
            list(outcome.persons),
            format_func=contacts.PERSONS.__getitem__,
            key=f"{form}.person",
            disabled=len(outcome.persons) == 1,
        )
        places.under("person", "outcome")
    return channel, direction, person


def _override(actor: Actor, view: BorrowerView, form: str) -> str | None:
    if view.call.is_allowed or not actor.may(Permission.OVERRIDE_GATE):
        return None
    return st.text_input(
        "Reason to contact against the gate",
        key=f"{form}.override",
        help="Leave empty unless contact was right although blocked; it stands out in the audit trail.",
    )


def _record(actor: Actor, view: BorrowerView, outcome: Outcome, filled: _Filled, form: str) -> None:
    if "promise" in outcome.requires:
        promise_form.read(st.session_state.get(f"{form}.amount"))
    contacts.record(
        actor,
        view.id,
        channel=filled.channel,
        direction=filled.direction,
        person=filled.person,
        outcome=outcome.code,
        note=filled.note,
        promise=filled.promise,
        follow_up_at=filled.follow_up_at,
        hold=filled.hold,
        override_reason=filled.override_reason,
        request_key=form_fields.request_key(form),
    )
    form_fields.done(form)


def said(outcome: str) -> None:
    """Draw anew after a record, and say so once."""
    notices.after_rerun("Contact recorded" if outcome == "saved" else "Contact recorded; here is the next case")
