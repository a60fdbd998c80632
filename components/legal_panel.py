"""One legal action: its clock as a line, every act and file, and only what may be done now."""

from html import escape

import streamlit as st

from components import dates, empty, form_fields, guard, legal_acts, legal_list, money, notices, palette
from components.form_fields import Places
from services import documents, legal
from services.actors import Actor
from services.errors import NotFound
from services.legal import VOIDABLE, Action, Detail, Event


def show(actor: Actor, action_id: int) -> None:
    """Draw an action with its acts at one place, or say that it is not there."""
    st.button(
        "Back to the list",
        icon=":material/arrow_back:",
        key="legal.back",
        on_click=legal_list.go_to,
        args=(None,),
        type="tertiary",
    )
    try:
        found = legal.detail(actor, action_id)
    except NotFound as missing:
        empty.empty(missing.message)
        return
    _head(found.action)
    _clock_line(found)
    if found.waits:
        st.warning(found.waits, icon=":material/schedule:")
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _history(found)
    with right:
        legal_acts.show(actor, found)
        _documents(actor, found)
        _void(actor, found)


def _head(action: Action) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{action.number}: {action.kind_words}", anchor=False, width="content")
        _chip(action.status_words, palette.current().accent)
        if action.next_by is not None and action.urgency in legal_list.urgency_colours():
            _chip(_left(action), legal_list.urgency_colours()[action.urgency])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            "pages/borrower.py",
            label=notices.plain(f"{action.borrower_name} · {action.borrower_number}"),
            icon=":material/person:",
            query_params={"borrower": str(action.borrower_id)},
        )
        st.caption(" · ".join(_facts(action)), width="content")
    with st.container(horizontal=True, gap="large"):
        for label, figure, meaning in (
            ("Demanded", money.full(action.amount), "What the notice demands"),
            (
                "Received in time",
                money.full(action.paid_amount),
                "Since the bounce or opening, up to the last day to pay",
            ),
            ("Expenses", money.full(action.expenses), "Of this action"),
            ("Recoverable", money.full(action.recoverable), "Part of the expenses that the borrower owes"),
        ):
            st.metric(label, figure, help=meaning, width="content")


def _chip(words: str, colour: str) -> None:
    st.html(
        f'<span style="color:{colour};font-weight:600;white-space:nowrap">● {escape(words)}</span>', width="content"
    )


def _left(action: Action) -> str:
    days, what = action.days_left or 0, (action.next_words or "").split(":")[0]
    if days < 0:
        return f"{what}: ran out {-days} {'day' if days == -1 else 'days'} ago"
    return f"{what}: last day is today" if days == 0 else f"{what}: {days} {'day' if days == 1 else 'days'} left"


def _facts(action: Action) -> list[str]:
    on = f" of {dates.day(action.instrument_on)}" if action.instrument_on else ""
    parts = [
        f"loans {action.loan_numbers}",
        f"instrument {action.instrument_number}{on}" if action.instrument_number else "",
        f"returned: {action.return_label.lower()}" if action.return_label else "",
        f"opened {dates.day(action.opened_on)} by {action.opened_by_name or 'Recoup'}",
        f"legal officer {action.officer_name}" if action.officer_name else "no legal officer",
        "contact is stopped" if action.hold_id and not action.closed_on else "",
        action.reason,
    ]
    return [notices.plain(part) for part in parts if part]


def _clock_line(found: Detail) -> None:
    """The days of the action from left to right: those that came, and the last days of those that did not."""
    action, colours = found.action, palette.current()
    steps = [
        ("Return memo", action.memo_on, None),
        ("Notice sent", action.notice_on, action.notice_by),
        ("Notice received", action.served_on, None),
        ("Paid in full", action.paid_on, action.pay_by),
        ("Filed", action.filed_on, action.file_by),
        ("Next hearing", None, action.hearing_on),
    ]
    drawn = []
    for label, done_on, last in steps:
        if done_on is None and last is None and label in {"Return memo", "Next hearing"}:
            continue
        if done_on is not None:
            colour, words = colours.cured, dates.day(done_on)
        elif last is None:
            colour, words = colours.muted, "not yet"
        else:
            colour = colours.broken if last < found.today else colours.due_soon
            words = dates.day(last) if label == "Next hearing" else f"by {dates.day(last)}"
            if label == "Filed" and action.file_from and found.today < action.file_from:
                words = f"{dates.day(action.file_from)} to {dates.day(last)}"
            if label == "Paid in full" and last < found.today:
                colour, words = colours.muted, f"not by {dates.day(last)}"
        drawn.append(
            f'<div style="flex:1;min-width:7.5rem;border-top:3px solid {colour};padding-top:.3rem">'
            f'<div style="font-size:.8em;color:{colours.muted}">{escape(label)}</div>'
            f'<div style="font-weight:600">{escape(words)}</div></div>'
        )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(drawn)}</div>')


def _history(found: Detail) -> None:
    if not found.events:
        empty.empty("Nothing was done on this action yet.", "Begin with the notice.")
    for event in reversed(found.events):
        with st.container(border=True, gap="small", key=f"legal_event_{event.id}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(_title(event), width="stretch")
                st.caption(f"{notices.plain(event.who or 'Recoup')} · {dates.moment(event.at)}", width="content")
            said = [event.forum, event.case_number, event.tracking_number]
            if any(said):
                st.caption(" · ".join(notices.plain(part) for part in said if part))
            if event.text:
                st.html(f'<div style="white-space:pre-line;overflow-wrap:anywhere">{escape(event.text)}</div>')


def _title(event: Event) -> str:
    amount = f" {money.full(event.amount)}" if event.amount is not None else ""
    owed = {True: ", recoverable", False: ", not recoverable", None: ""}[event.is_recoverable]
    words = f"**{event.title}**{amount}{owed}, {dates.day(event.on_date)}".replace("$", "\\$")
    return f"~~{words}~~ taken back" if event.is_void else words


def _void(actor: Actor, found: Detail) -> None:
    """A form that takes one of the events back on which nothing later rests."""
    resting = {event.refers_to for event in found.events if event.kind != "dispatched"}
    loose = {
        event.id: f"{event.title}, {dates.day(event.on_date)}"
        for event in reversed(found.events)
        if event.kind in VOIDABLE and not event.is_void and event.id not in resting
    }
    if not loose or not found.may_handle or found.action.status == "closed":
        return
    with st.popover("Take an event back", icon=":material/undo:"):
        form, places = form_fields.drawn(f"legal.void.{found.action.id}"), Places()
        with st.form("legal_void", border=False):
            which = st.selectbox("Recorded by mistake", list(loose), format_func=loose.__getitem__, key=f"{form}.which")
            reason = st.text_input("What was wrong", key=f"{form}.reason", max_chars=300)
            places.under("reason")
            is_sent = st.form_submit_button("Take it back", type="primary")
        if is_sent:
            with places.showing_errors():
                key = form_fields.request_key(form)
                legal.void(actor, found.action.id, event_id=which, reason=reason, request_key=key)
                form_fields.done(form)
                notices.after_rerun("It is taken back; the record of it stays")


def _documents(actor: Actor, found: Detail) -> None:
    st.markdown("**Documents**")
    if not found.documents:
        st.caption("None yet. Notices are kept here when they are sent.")
    for each in found.documents:
        with st.container(border=True, gap="small"):
            st.download_button(
                notices.plain(each.file_name),
                data=guard.when_pressed(lambda each=each: documents.fetch(actor, each.id).content),  # type: ignore[misc]
                file_name=each.file_name,
                mime=each.media_type,
                icon=":material/description:",
                key=f"legal.document.{each.id}",
                on_click="ignore",
                type="tertiary",
            )
            st.caption(f"{dates.moment(each.stored_at)} · SHA-256 {each.sha256[:16]}…", help=each.sha256)
    if found.may_handle:
        with st.popover("Add a document", icon=":material/attach_file:"):
            _attach(actor, found.action.id)


def _attach(actor: Actor, action_id: int) -> None:
    form, places = form_fields.drawn(f"legal.attach.{action_id}"), Places()
    with st.form(f"legal_attach_{action_id}", border=False):
        file = form_fields.upload("File", key=f"{form}.file")
        places.under("file")
        is_sent = st.form_submit_button("Keep it", type="primary")
    if is_sent:
        with places.showing_errors():
            name, content = (file.name, file.getvalue()) if file else ("", b"")
            legal.attach(actor, action_id, kind="legal_document", file_name=name, content=content)
            form_fields.done(form)
            notices.after_rerun("The document is kept with the action")
