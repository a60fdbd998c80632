"""When a borrower is to be worked again: the fields, and the form that sets it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from components import cached, dates, form_fields, notices
from components.form_fields import Places
from services import cases, follow_ups
from services.actors import Actor
from services.borrowers import BorrowerView

_ACTIONS = ("call_back", "call", "visit", "send_message", "check_payment", "review")


def fields(*, today: date, key: str, places: Places) -> datetime | None:
    """Date and time, in the lender's zone."""
    left, right = st.columns(2)
    with left:
        on = st.date_input("On", value=today + timedelta(days=1), min_value=today, key=f"{key}.on", format="DD/MM/YYYY")
        places.under("follow_up_at", "due_at")
    with right:
        at = st.time_input("At", value=time(10), key=f"{key}.at", step=timedelta(minutes=15))
    if not isinstance(on, date) or at is None:
        return None
    return datetime.combine(on, at, ZoneInfo(cached.lender_format().time_zone))


def show(actor: Actor, view: BorrowerView) -> None:
    """A form that sets a follow-up without a contact."""
    form, places = form_fields.drawn(f"follow_up.{view.id}"), Places()
    with st.form("follow_up_form", border=False):
        due_at = fields(today=view.today, key=form, places=places)
        action = st.selectbox("What", _ACTIONS, format_func=cases.ACTIONS.__getitem__, key=f"{form}.action")
        places.under("action")
        note = st.text_input("Note", key=f"{form}.note", max_chars=500)
        is_sent = st.form_submit_button("Set follow-up", type="primary", icon=":material/event:")
    if is_sent and due_at is None:
        places.tell("due_at", "Enter the day and the time.")
    if is_sent and due_at is not None:
        with places.showing_errors():
            follow_ups.record(
                actor,
                view.id,
                due_at=due_at,
                action=action,
                note=note or None,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            notices.after_rerun(f"Follow-up set for {dates.moment(due_at)}")
