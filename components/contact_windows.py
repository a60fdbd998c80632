"""Hours that a borrower asked to avoid: those that hold, a form for another, and ending one."""

from datetime import date, time, timedelta

import streamlit as st

from components import dates, form_fields, notices
from components.case_panel import plain
from components.form_fields import Places
from services import contact_windows
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.contact_windows import CHANNELS, WEEKDAYS, Terms, Window


def show(actor: Actor, view: BorrowerView) -> None:
    """What holds, and the acts of who may record contacts."""
    for window in view.windows:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/do_not_disturb_on: Not {_line(window)}", width="content")
            if actor.may(Permission.RECORD_CONTACT):
                _end(actor, window)
    if actor.may(Permission.RECORD_CONTACT):
        _add(actor, view)


def _line(window: Window) -> str:
    parts = [
        window.words,
        f"until {dates.day(window.ends_on)}" if window.ends_on else "",
        plain(window.note) if window.note else "",
        f":gray[recorded by {plain(window.recorded_by_name or 'Recoup')}]",
    ]
    return " · ".join(part for part in parts if part)


def _add(actor: Actor, view: BorrowerView) -> None:
    form, places = form_fields.drawn(f"window.{view.id}"), Places()
    with st.popover("Hours to avoid", icon=":material/schedule:", key=f"{form}.open"), st.form(form, border=False):
        st.caption("The borrower asked not to be contacted then. The gate keeps it, in the borrower's own time.")
        left, right = st.columns(2)
        with left:
            start = st.time_input("From", value=time(9), key=f"{form}.from")
            places.under("from_time")
        with right:
            end = st.time_input("To", value=time(17), key=f"{form}.to", help="Not after From: on the next day")
            places.under("to_time")
        days = st.pills(
            "On", list(WEEKDAYS), default=list(WEEKDAYS), selection_mode="multi", format_func=WEEKDAYS.__getitem__,
            key=f"{form}.days",
        )  # fmt: skip
        places.under("weekdays")
        ways = st.pills(
            "Channels (none: all)", list(CHANNELS), selection_mode="multi", format_func=CHANNELS.__getitem__,
            key=f"{form}.channels",
        )  # fmt: skip
        places.under("channels")
        until = st.date_input(
            "Until (empty: until taken back)", value=None, min_value=view.today + timedelta(days=1),
            key=f"{form}.ends_on", format="DD/MM/YYYY", help="First day on which it holds no more",
        )  # fmt: skip
        places.under("ends_on")
        note = st.text_input("Because", key=f"{form}.note", max_chars=200, placeholder="Night shift")
        is_sent = st.form_submit_button("Keep it", type="primary")
    if is_sent:
        with places.showing_errors():
            terms = Terms(
                from_time=start or time(0),
                to_time=end or time(0),
                weekdays=days,
                channels=ways,
                ends_on=until if isinstance(until, date) else None,
                note=note,
            )
            made = contact_windows.add(actor, view.id, terms, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Kept: not {made.words}")


def _end(actor: Actor, window: Window) -> None:
    key = f"window.end.{window.id}"
    with st.popover("End", key=f"{key}.open"), st.form(key, border=False):
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=200)
        if st.form_submit_button("End it today", type="primary"):
            with notices.showing_errors():
                contact_windows.end(actor, window.id, reason=reason)
                notices.after_rerun("The request is ended")
