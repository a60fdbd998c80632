"""The forms of a legal action: one for each act that its clocks allow today."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import streamlit as st

from components import dates, form_fields, guard, notices
from components.form_fields import Places
from services import legal
from services import money as amounts
from services.actors import Actor
from services.errors import InvalidInput
from services.legal import CLOSE_REASONS, EXPENSES, PURPOSES, RETURNS, WAYS, Detail


def show(actor: Actor, found: Detail) -> None:
    """The acts that are possible, one form at a time; nothing for those who only look."""
    offered = [act for act in _FORMS if act in found.acts]
    if not offered:
        return
    with st.container(border=True, key="legal_actions", gap="small"):
        act = st.segmented_control(
            "Act",
            offered,
            default=offered[0],
            required=True,
            format_func=lambda each: _FORMS[each][0],
            key=f"legal.act.{found.action.id}.{len(found.events)}",
            label_visibility="collapsed",
        )
        if act in offered:
            _FORMS[act][1](actor, found)


def _done(message: str, form: str) -> None:
    form_fields.done(form)
    notices.after_rerun(message)


def _day(label: str, form: str, places: Places, found: Detail, field: str = "on") -> date:
    chosen = st.date_input(label, value=found.today, max_value=found.today, key=f"{form}.{field}", format="DD/MM/YYYY")
    places.under(field)
    return chosen if isinstance(chosen, date) else found.today


def _amount(typed: str, what: str) -> Decimal:
    if not typed.strip():
        raise InvalidInput({"amount": what})
    return amounts.parse(typed)


def _notice(actor: Actor, found: Detail) -> None:
    action = found.action
    is_ours = st.toggle(
        "Made here", value=True, key=f"legal.notice.ours.{action.id}", help="Off: your advocate sent it"
    )
    if not is_ours:
        _notice_sent(actor, found)
        return
    form, places = form_fields.drawn(f"legal.notice.{action.id}"), Places()
    st.download_button(
        "Draft of the notice",
        data=guard.when_pressed(lambda: legal.preview(actor, action.id)),
        file_name=f"{action.number}-draft.pdf",
        mime="application/pdf",
        icon=":material/preview:",
        key=f"legal.draft.{action.id}",
        on_click="ignore",
        type="tertiary",
    )
    with st.form("legal_notice", border=False):
        how = st.selectbox("Sent by", list(WAYS), format_func=WAYS.__getitem__, key=f"{form}.how")
        places.under("how")
        is_sent = st.form_submit_button("Make the notice and record it as sent today", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.issue(actor, action.id, how=how, request_key=form_fields.request_key(form))
            _done("The notice is kept under Documents: print and post it today", form)


def _notice_sent(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.sent.{found.action.id}"), Places()
    with st.form("legal_sent", border=False):
        on = _day("Sent on", form, places, found)
        how = st.selectbox("Sent by", list(WAYS), format_func=WAYS.__getitem__, key=f"{form}.how")
        places.under("how")
        number = st.text_input("Tracking number", key=f"{form}.number", max_chars=60)
        file = form_fields.upload("Copy of the notice", key=f"{form}.file")
        places.under("file")
        is_sent = st.form_submit_button("Record the notice", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.record_sent(
                actor,
                found.action.id,
                on=on,
                how=how,
                file_name=file.name if file else "",
                content=file.getvalue() if file else None,
                tracking_number=number,
                request_key=form_fields.request_key(form),
            )
            _done("The notice is recorded", form)


def _served(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.served.{found.action.id}"), Places()
    ways = {"": "Received", **{key: f"Came back: {words.lower()}" for key, words in RETURNS.items()}}
    with st.form("legal_served", border=False):
        on = _day("On", form, places, found)
        returned = st.selectbox("What became of it", list(ways), format_func=ways.__getitem__, key=f"{form}.returned")
        places.under("returned")
        st.caption("Refused and unclaimed count as received on that day (S.27 General Clauses Act).")
        is_sent = st.form_submit_button("Record", type="primary")
    if is_sent:
        with places.showing_errors():
            key = form_fields.request_key(form)
            legal.received(actor, found.action.id, on=on, returned=returned or None, request_key=key)
            _done("Recorded; the clock line shows what follows", form)


def _ask(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.ask.{found.action.id}"), Places()
    last = f" Last day to file: {dates.day(found.action.file_by)}." if found.action.file_by else ""
    st.caption(f"Another person approves the filing in the approvals inbox.{last}")
    with st.form("legal_ask", border=False):
        reason = st.text_area("Why it is to be filed", key=f"{form}.reason", height=90, max_chars=500)
        places.under("reason")
        is_sent = st.form_submit_button("Ask for approval", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.ask_to_file(actor, found.action.id, reason=reason, request_key=form_fields.request_key(form))
            _done("The request waits in the approvals inbox", form)


def _file(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.file.{found.action.id}"), Places()
    with st.form("legal_file", border=False):
        on = _day("Filed on", form, places, found)
        forum = st.text_input("Court or tribunal", key=f"{form}.forum", max_chars=200)
        places.under("forum")
        number = st.text_input("Case number", key=f"{form}.number", max_chars=100)
        places.under("case_number")
        is_sent = st.form_submit_button("Record the filing", type="primary")
    if is_sent:
        with places.showing_errors():
            key = form_fields.request_key(form)
            legal.file(actor, found.action.id, on=on, forum=forum, case_number=number, request_key=key)
            _done("The filing is recorded. Set the first hearing", form)


def _hearing(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.hearing.{found.action.id}"), Places()
    with st.form("legal_hearing", border=False):
        on = st.date_input("On", value=None, key=f"{form}.on", format="DD/MM/YYYY")
        places.under("on")
        purpose = st.selectbox("Purpose", list(PURPOSES), format_func=PURPOSES.__getitem__, key=f"{form}.purpose")
        places.under("purpose")
        forum = st.text_input("Court, if another", key=f"{form}.forum", max_chars=200)
        is_sent = st.form_submit_button("Set the hearing", type="primary")
    if is_sent:
        with places.showing_errors():
            if not isinstance(on, date):
                raise InvalidInput({"on": "Choose the day of the hearing."})
            key = form_fields.request_key(form)
            legal.set_hearing(actor, found.action.id, on=on, purpose=purpose, forum=forum, request_key=key)
            _done(f"Hearing set for {dates.day(on)}", form)


def _held(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.held.{found.action.id}"), Places()
    done = {event.refers_to for event in found.events if event.kind == "hearing_held" and not event.is_void}
    waiting = {
        event.id: f"{dates.day(event.on_date)}: {PURPOSES.get(event.how or '', 'hearing').lower()}"
        for event in found.events
        if event.kind == "hearing" and event.id not in done and not event.is_void and event.on_date <= found.today
    }
    with st.form("legal_held", border=False):
        which = st.selectbox("Hearing", list(waiting), format_func=waiting.__getitem__, key=f"{form}.which")
        places.under("hearing")
        result = st.text_area("Result", key=f"{form}.result", height=90)
        places.under("result")
        is_sent = st.form_submit_button("Record the result", type="primary")
    if is_sent:
        with places.showing_errors():
            key = form_fields.request_key(form)
            legal.hold_hearing(actor, found.action.id, hearing_id=int(which or 0), result=result, request_key=key)
            _done("The result is recorded. Set the next hearing if there is one", form)


def _decide(actor: Actor, found: Detail, *, is_award: bool) -> None:
    name = "award" if is_award else "order"
    form, places = form_fields.drawn(f"legal.{name}.{found.action.id}"), Places()
    with st.form(f"legal_{name}", border=False):
        on = _day("Dated", form, places, found)
        words = st.text_area("What was decided", key=f"{form}.text", height=90)
        places.under("text")
        typed = st.text_input("Amount granted, if any", key=f"{form}.amount")
        places.under("amount")
        is_sent = st.form_submit_button(f"Record the {name}", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.decide(
                actor,
                found.action.id,
                on=on,
                text=words,
                amount=amounts.parse(typed) if typed.strip() else None,
                is_award=is_award,
                request_key=form_fields.request_key(form),
            )
            _done(f"The {name} is recorded", form)


def _order(actor: Actor, found: Detail) -> None:
    _decide(actor, found, is_award=False)


def _award(actor: Actor, found: Detail) -> None:
    _decide(actor, found, is_award=True)


def _expense(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.expense.{found.action.id}"), Places()
    with st.form("legal_expense", border=False):
        typed = st.text_input("Amount paid", key=f"{form}.amount")
        places.under("amount")
        kind = st.selectbox("For", list(EXPENSES), format_func=EXPENSES.__getitem__, key=f"{form}.kind")
        places.under("kind")
        on = _day("Paid on", form, places, found, "paid_on")
        is_owed = st.checkbox("The borrower owes it", value=True, key=f"{form}.owed")
        words = st.text_input("Note", key=f"{form}.note", max_chars=300)
        is_sent = st.form_submit_button("Record the expense", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.spend(
                actor,
                found.action.id,
                amount=_amount(typed, "Enter the amount that was paid."),
                kind=kind,
                paid_on=on,
                is_recoverable=is_owed,
                note=words,
                request_key=form_fields.request_key(form),
            )
            _done("The expense is recorded", form)


def _note(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.note.{found.action.id}"), Places()
    with st.form("legal_note", border=False):
        words = st.text_area("Note", key=f"{form}.text", height=90)
        places.under("text")
        is_sent = st.form_submit_button("Save note", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.note(actor, found.action.id, text=words, request_key=form_fields.request_key(form))
            _done("Note saved", form)


def _close(actor: Actor, found: Detail) -> None:
    form, places = form_fields.drawn(f"legal.close.{found.action.id}"), Places()
    reasons = [reason for reason in CLOSE_REASONS if reason != "paid" or found.action.paid_on is not None]
    held = " Contact is allowed again, unless something else stops it." if found.action.hold_id else ""
    st.caption(f"A closed action takes no more acts.{held}")
    with st.form("legal_close", border=False):
        reason = st.selectbox("Because", reasons, format_func=CLOSE_REASONS.__getitem__, key=f"{form}.reason")
        places.under("reason")
        words = st.text_area("How it ended", key=f"{form}.text", height=90)
        places.under("text")
        is_sent = st.form_submit_button("Close the action", type="primary")
    if is_sent:
        with places.showing_errors():
            key = form_fields.request_key(form)
            legal.close(actor, found.action.id, reason=reason, text=words, request_key=key)
            _done(f"{found.action.number} is closed", form)


_FORMS: dict[str, tuple[str, Callable[[Actor, Detail], None]]] = {
    "notice_issued": ("Notice", _notice),
    "served": ("Receipt", _served),
    "filed": ("Filing", _file),
    "filing_asked": ("Ask to file", _ask),
    "hearing_held": ("Result of hearing", _held),
    "hearing": ("Hearing", _hearing),
    "order": ("Order", _order),
    "award": ("Award", _award),
    "expense": ("Expense", _expense),
    "noted": ("Note", _note),
    "closed": ("Close", _close),
}
