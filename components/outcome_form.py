"""Recording a contact: how it was made, whether it is allowed, its outcome as buttons, then what that one needs."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from components import (
    dates,
    follow_up_form,
    form_fields,
    notices,
    outcomes_cached,
    promise_form,
    reach_fields,
    status_form,
)
from components.form_fields import Places
from components.reach_fields import Reached
from services import contacts, holds, promises
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.contacts import Outcome, reaching
from services.policy import GateAnswer

_STYLE = """
<style>
.st-key-outcomes button { padding: .15rem .55rem; min-height: 2rem; }
.st-key-outcome_how button { padding: .1rem .5rem; min-height: 1.8rem; }
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
class _How:
    """How the contact was made, and what the gate says of it."""

    channel: str
    direction: str
    answer: GateAnswer | None
    """None: they contacted us, which no rule forbids."""


@dataclass(frozen=True, slots=True)
class _Filled:
    """What the form holds when it is submitted."""

    note: str
    promise: promises.Terms | None
    follow_up_at: datetime | None
    hold: holds.Terms | None
    reached: Reached
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
    st.html(_STYLE)
    how = _how(actor, view)
    known = [outcome for outcome in outcomes_cached.outcomes(actor) if outcome.fits(how.channel, how.direction)]
    chosen = _chosen(known, view.id)
    if chosen is None:
        st.caption("Choose how it ended (keys 1 to 8); the fields that it needs follow.")
        return None
    return _form(actor, view, chosen, how, with_next=with_next)


def _how(actor: Actor, view: BorrowerView) -> _How:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="outcome_how"):
        channel = st.segmented_control(
            "Channel", list(contacts.CHANNELS), default="call", required=True,
            format_func=contacts.CHANNELS.__getitem__, key=f"outcome.{view.id}.channel", label_visibility="collapsed",
        )  # fmt: skip
        direction = st.segmented_control(
            "Direction", list(contacts.DIRECTIONS), default="outbound", required=True,
            format_func=contacts.DIRECTIONS.__getitem__, key=f"outcome.{view.id}.direction",
            label_visibility="collapsed",
        )  # fmt: skip
        if direction == "inbound":
            st.caption("Who contacts us is always heard.", width="content")
            return _How(channel, direction, None)
        answer = view.call if channel == "call" else reaching.allowed(actor, view.id, channel)
        if channel != "call" or not answer.is_allowed:  # that a call is allowed, the head says already
            st.markdown(_allowed(channel, answer), width="content")
    return _How(channel, direction, answer)


def _allowed(channel: str, answer: GateAnswer) -> str:
    word = contacts.CHANNELS[channel]
    if answer.is_allowed:
        return f":green[● {word} allowed now]" + (
            f" :gray[with care: {notices.plain(answer.reason)}]" if answer.rule else ""
        )
    later = f" From {dates.moment(answer.next_allowed_at)}." if answer.next_allowed_at else ""
    return f":red[● {word} blocked:] {notices.plain(answer.reason)}{later}"


def _key(borrower_id: int) -> str:
    return f"outcome.{borrower_id}"


def _choose(borrower_id: int, code: str | None) -> None:
    st.session_state[_key(borrower_id)] = code


def _chosen(known: list[Outcome], borrower_id: int) -> Outcome | None:
    code = st.session_state.get(_key(borrower_id))
    with st.container(horizontal=True, gap="xsmall", key="outcomes"):
        for place, outcome in enumerate(known, start=1):  # the quick ones come first
            st.button(
                notices.plain(outcome.label),
                key=f"outcome.choose.{outcome.code}",
                icon=_ICONS.get(outcome.code),
                type="primary" if outcome.code == code else "secondary" if outcome.is_quick else "tertiary",
                shortcut=str(place) if outcome.is_quick else None,
                on_click=_choose,
                args=(borrower_id, outcome.code),
            )
    return next((outcome for outcome in known if outcome.code == code), None)


def _form(actor: Actor, view: BorrowerView, outcome: Outcome, how: _How, *, with_next: bool) -> str | None:
    form, places = form_fields.drawn(f"outcome.{view.id}.{outcome.code}"), Places()
    refusal = st.container()  # above the form, whose end may be off the screen
    with st.form("outcome_form", border=True):
        filled = _fields(actor, view, outcome, how, form=form, places=places)
        with st.container(horizontal=True, gap="small"):
            is_next = with_next and st.form_submit_button(
                "Save and next", type="primary", icon=":material/arrow_forward:", key="outcome.save_next"
            )
            is_saved = st.form_submit_button("Save", type="secondary" if with_next else "primary", key="outcome.save")
    if "promise" in outcome.requires and promise_form.payable(view):
        promise_form.another(form)
    form_fields.focus("outcome_fields", form)
    if is_next or is_saved:
        with refusal, places.showing_errors():
            _record(actor, view, outcome, how, filled=filled, form=form)
            _choose(view.id, None)
            return "next" if is_next else "saved"
    return None


def _fields(actor: Actor, view: BorrowerView, outcome: Outcome, how: _How, *, form: str, places: Places) -> _Filled:
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
        note = _note(outcome, form, places)
        hold = (
            status_form.fields(today=view.today, key=form, places=places, kind=outcome.hold_kind, reason=note)
            if "hold" in outcome.requires
            else None
        )
        reached = reach_fields.fields(actor, view, outcome, channel=how.channel, form=form, places=places)
    override = _override(actor, how, form)
    return _Filled(note, promise, follow_up_at, hold, reached, override)


def _note(outcome: Outcome, form: str, places: Places) -> str:
    """The note; with a third party there is no room for one (IN-03)."""
    if not outcome.takes_note:
        st.caption("With a third party nothing is disclosed, and nothing more is noted.")
        places.under("note")
        return ""
    label = "Note" if "note" in outcome.requires else "Note (optional)"
    note = st.text_input(label, key=f"{form}.note", max_chars=500)
    places.under("note", "reason")
    return note


def _override(actor: Actor, how: _How, form: str) -> str | None:
    if how.answer is None or how.answer.is_allowed or not actor.may(Permission.OVERRIDE_GATE):
        return None
    return st.text_input(
        "Reason to contact against the gate",
        key=f"{form}.override",
        max_chars=300,
        help="Leave empty unless contact was right although blocked; it stands out in the audit trail.",
    )


def _record(actor: Actor, view: BorrowerView, outcome: Outcome, how: _How, *, filled: _Filled, form: str) -> None:
    if "promise" in outcome.requires:
        promise_form.read(form)
    contacts.record(
        actor,
        view.id,
        channel=how.channel,
        direction=how.direction,
        person=filled.reached.person,
        outcome=outcome.code,
        note=filled.note,
        promise=filled.promise,
        follow_up_at=filled.follow_up_at,
        hold=filled.hold,
        override_reason=filled.override_reason,
        party_id=filled.reached.party_id,
        contact_point_id=filled.reached.contact_point_id,
        recording_reference=filled.reached.recording,
        no_recording_reason=filled.reached.no_recording_reason,
        at=filled.reached.at,
        request_key=form_fields.request_key(form),
    )
    form_fields.done(form)


def said(outcome: str) -> None:
    """Draw anew after a record, and say so once."""
    notices.after_rerun("Contact recorded" if outcome == "saved" else "Contact recorded; here is the next case")
