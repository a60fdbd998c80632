"""One complaint: what was said, every act with its letter, the clock, and what may be done now."""

from collections.abc import Callable
from datetime import date
from html import escape

import streamlit as st

from components import complaints_cached, complaints_list, dates, empty, form_fields, guard, money, notices, palette
from components.form_fields import Places
from services import complaints
from services import money as amounts
from services.actors import Actor
from services.complaints import CHANNELS, OUTCOMES, SENT_BY, Complaint, Event, Opened
from services.errors import InvalidInput, NotFound

_LETTERS = {"acknowledged", "answered"}


def show(actor: Actor, complaint_id: int) -> None:
    """Draw a complaint with its acts at one place, or say that it is not there."""
    st.button(
        "Back to the list",
        icon=":material/arrow_back:",
        key="complaints.back",
        on_click=complaints_list.go_to,
        args=(None,),
        type="tertiary",
    )
    try:
        opened = complaints.opened(actor, complaint_id)
    except NotFound as missing:
        empty.empty(missing.message)
        return
    _head(opened)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        _history(actor, opened)
    with right:
        _acts(actor, opened)


def _head(opened: Opened) -> None:
    complaint = opened.complaint
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{complaint.number}: {complaint.about_words.lower()}", anchor=False, width="content")
        _chip(complaint.status_words, palette.current().accent)
        if complaint.days_left is not None:
            _chip(_left(complaint), complaints_list.urgency_colours()[complaint.urgency])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            "pages/borrower.py",
            label=notices.plain(f"{complaint.borrower_name} · {complaint.borrower_number}"),
            icon=":material/person:",
            query_params={"borrower": str(complaint.borrower_id)},
        )
        st.caption(" · ".join(_facts(complaint)), width="content")


def _chip(words: str, colour: str) -> None:
    st.html(
        f'<span style="color:{colour};font-weight:600;white-space:nowrap">● {escape(words)}</span>', width="content"
    )


def _left(complaint: Complaint) -> str:
    days = complaint.days_left or 0
    if days < 0:
        return f"Overdue by {-days} {'day' if days == -1 else 'days'}"
    return "Answer due today" if days == 0 else f"{days} {'day' if days == 1 else 'days'} left"


def _facts(complaint: Complaint) -> list[str]:
    parts = [
        f"received {dates.moment(complaint.received_at)}",
        CHANNELS[complaint.channel].lower(),
        f"answer due {dates.day(complaint.due_on)}",
        f"against {complaint.against}" if complaint.against else "",
        f"officer {complaint.officer_name}" if complaint.officer_name else "no officer yet",
        f"compensated with {money.full(complaint.compensation)}" if complaint.compensation else "",
    ]
    return [notices.plain(part) for part in parts if part]


def _history(actor: Actor, opened: Opened) -> None:
    complaint = opened.complaint
    with st.container(border=True, gap="small"):
        who = f"Recorded by {notices.plain(complaint.recorded_by_name)}" if complaint.recorded_by_name else "Recorded"
        st.caption(f"In the borrower's words · {who}")
        _words(complaint.text)
    for event in reversed(opened.events):
        _event(actor, complaint, event)


def _event(actor: Actor, complaint: Complaint, event: Event) -> None:
    with st.container(border=True, gap="small", key=f"complaint_event_{event.id}"):
        amount = f" {money.full(event.amount)}, paid on {dates.day(event.paid_on)}" if event.amount else ""
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{event.title}**{amount}".replace("$", "\\$"), width="stretch")
            st.caption(f"{notices.plain(event.who or 'Recoup')} · {dates.moment(event.at)}", width="content")
        if event.text:
            _words(event.text)
        if event.kind in _LETTERS:
            st.download_button(
                "Letter to print",
                data=guard.when_pressed(lambda: complaints.letter(actor, complaint.id, event.id).content),
                file_name=f"{complaint.number}-{event.kind}.html",
                mime="text/html",
                icon=":material/print:",
                key=f"complaint.letter.{event.id}",
                on_click="ignore",
                type="tertiary",
            )


def _words(words: str) -> None:
    """What somebody wrote, as it stands."""
    st.html(f'<div style="white-space:pre-line;overflow-wrap:anywhere">{escape(words)}</div>')


# --- acts -----------------------------------------------------------------------------------------------------------


def _acts(actor: Actor, opened: Opened) -> None:
    if opened.is_against_actor:
        st.info("This complaint is against you: somebody else handles it.", icon=":material/block:")
        return
    offered = [act for act in opened.acts if act in _FORMS]
    if not offered:
        return
    with st.container(border=True, key="complaint_actions", gap="small"):
        act = st.segmented_control(
            "Act",
            offered,
            default=offered[0],
            required=True,
            format_func=lambda each: _FORMS[each][0],
            key=f"complaint.act.{opened.complaint.id}.{opened.complaint.status}",
            label_visibility="collapsed",
        )
        if act in offered:
            _FORMS[act][1](actor, opened.complaint, opened.today)


def _done(message: str, form: str) -> None:
    form_fields.done(form)
    complaints_cached.clear()
    notices.after_rerun(message)


def _sent_by(form: str, places: Places) -> str:
    way = st.selectbox("Sent by", list(SENT_BY), format_func=SENT_BY.__getitem__, key=f"{form}.sent_by")
    places.under("sent_by")
    return way


def _acknowledge(actor: Actor, complaint: Complaint, _today: date) -> None:
    form, places = form_fields.drawn(f"complaint.acknowledge.{complaint.id}"), Places()
    usual = (
        f"We have received your complaint of {dates.day(complaint.received_on)}. We look into it and answer by "
        f"{dates.day(complaint.due_on)}. Until then nobody contacts you about your loan."
    )
    with st.form("complaint.acknowledge", border=False):
        text = st.text_area("What the borrower is told", value=usual, key=f"{form}.text", height=150)
        places.under("text")
        way = _sent_by(form, places)
        is_sent = st.form_submit_button("Record as sent", type="primary")
    if is_sent:
        with places.showing_errors():
            complaints.acknowledge(actor, complaint.id, text=text, sent_by=way)
            _done(f"Receipt of {complaint.number} is acknowledged; you are its officer", form)


def _answer(actor: Actor, complaint: Complaint, _today: date) -> None:
    form, places = form_fields.drawn(f"complaint.answer.{complaint.id}"), Places()
    with st.form("complaint.answer", border=False):
        text = st.text_area("Answer", key=f"{form}.text", height=220, placeholder="What was found, and what follows")
        places.under("text")
        st.caption(f"Added to it: {complaints.settings(actor).escalation}")
        way = _sent_by(form, places)
        is_sent = st.form_submit_button("Record as sent", type="primary")
    if is_sent:
        with places.showing_errors():
            complaints.answer(actor, complaint.id, text=text, sent_by=way)
            _done(f"{complaint.number} is answered. Print the letter beside the answer", form)


def _close(actor: Actor, complaint: Complaint, _today: date) -> None:
    form, places = form_fields.drawn(f"complaint.close.{complaint.id}"), Places()
    st.caption("Contact is allowed again at once, unless something else stops it. Allocate the case anew in the queue.")
    with st.form("complaint.close", border=False):
        outcome = st.selectbox("Outcome", list(OUTCOMES), format_func=OUTCOMES.__getitem__, key=f"{form}.outcome")
        places.under("outcome")
        reason = st.text_area("Why", key=f"{form}.reason", height=90)
        places.under("reason")
        is_sent = st.form_submit_button("Close and release the hold", type="primary")
    if is_sent:
        with places.showing_errors():
            complaints.close(actor, complaint.id, outcome=outcome, reason=reason)
            _done(f"{complaint.number} is closed; contact is allowed again", form)


def _reopen(actor: Actor, complaint: Complaint, _today: date) -> None:
    form, places = form_fields.drawn(f"complaint.reopen.{complaint.id}"), Places()
    st.caption("Contact stops again, the case is recalled, and the time for an answer starts anew today.")
    with st.form("complaint.reopen", border=False):
        reason = st.text_area("What the borrower complains of now", key=f"{form}.reason", height=110)
        places.under("reason")
        is_sent = st.form_submit_button("Reopen", type="primary")
    if is_sent:
        with places.showing_errors():
            complaints.reopen(actor, complaint.id, reason=reason)
            _done(f"{complaint.number} is reopened", form)


def _compensate(actor: Actor, complaint: Complaint, today: date) -> None:
    form, places = form_fields.drawn(f"complaint.compensate.{complaint.id}"), Places()
    with st.form("complaint.compensate", border=False):
        left, right = st.columns(2)
        with left:
            typed = st.text_input("Amount paid", key=f"{form}.amount")
            places.under("amount")
        with right:
            paid_on = st.date_input("Paid on", value=today, max_value=today, key=f"{form}.on", format="DD/MM/YYYY")
            places.under("paid_on")
        reason = st.text_input("What it makes good", key=f"{form}.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Record compensation", type="primary")
    if is_sent:
        with places.showing_errors():
            if not typed or not isinstance(paid_on, date):
                raise InvalidInput({"amount": "Enter the amount that was paid."})
            complaints.compensate(
                actor,
                complaint.id,
                amount=amounts.parse(typed),
                paid_on=paid_on,
                reason=reason,
                request_key=form_fields.request_key(form),
            )
            _done("Compensation recorded", form)


def _note(actor: Actor, complaint: Complaint, _today: date) -> None:
    form, places = form_fields.drawn(f"complaint.note.{complaint.id}"), Places()
    with st.form("complaint.note", border=False):
        text = st.text_area("What was found out", key=f"{form}.text", height=110)
        places.under("text")
        is_sent = st.form_submit_button("Save note", type="primary")
    if is_sent:
        with places.showing_errors():
            complaints.note(actor, complaint.id, text=text, request_key=form_fields.request_key(form))
            _done("Note saved", form)


_FORMS: dict[str, tuple[str, Callable[[Actor, Complaint, date], None]]] = {
    "acknowledged": ("Acknowledge", _acknowledge),
    "answered": ("Answer", _answer),
    "closed": ("Close", _close),
    "reopened": ("Reopen", _reopen),
    "compensated": ("Compensation", _compensate),
    "noted": ("Note", _note),
}
