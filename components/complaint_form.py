"""The form on the borrower's page that records a complaint, however it came."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import streamlit as st

from components import cached, complaints_cached, form_fields, notices
from components.form_fields import Places
from services import clock, complaints
from services.actors import Actor
from services.borrowers import BorrowerView
from services.complaints import ABOUT, CHANNELS

_NOBODY = 0


def show(actor: Actor, view: BorrowerView) -> None:
    """What it is about, against whom, how and when it came, and the borrower's words; what follows is said first."""
    form, places = form_fields.drawn(f"complaint.{view.id}"), Places()
    people = {_NOBODY: "Nobody in particular"} | {person.id: person.name for person in complaints.people(actor)}
    st.caption("Recording a complaint stops all contact and takes the case from its agent until it is closed.")
    with st.form("complaint_form", border=False):
        left, right = st.columns(2)
        with left:
            about = st.selectbox("About", list(ABOUT), format_func=ABOUT.__getitem__, key=f"{form}.about")
            places.under("about")
        with right:
            channel = st.selectbox(
                "Received by", list(CHANNELS), format_func=CHANNELS.__getitem__, key=f"{form}.channel"
            )
            places.under("channel")
        received_at = _moment(view, form, places)
        against = st.selectbox(
            "Against whom of ours",
            list(people),
            format_func=people.__getitem__,
            key=f"{form}.against",
            help="That person may not handle the complaint",
        )
        places.under("against")
        agency = _agency(actor, form)
        places.under("agency")
        words = st.text_area("What the borrower says", key=f"{form}.text", height=110)
        places.under("text")
        is_sent = st.form_submit_button("Record complaint", type="primary", icon=":material/report:")
    if is_sent:
        with places.showing_errors():
            entry = complaints.Entry(
                about=about,
                channel=channel,
                received_at=received_at,
                text=words,
                against_user_id=against or None,
                against_agency_id=agency,
            )
            made = complaints.receive(actor, view.id, entry, request_key=form_fields.request_key(form))
            complaints_cached.clear()
            form_fields.done(form)
            notices.after_rerun(said(made))


def _agency(actor: Actor, form: str) -> int | None:
    """The outside agency that it is against; not asked where the lender works with none."""
    known = {_NOBODY: "None"} | complaints.agencies(actor)
    if len(known) == 1:
        return None
    return (
        st.selectbox("Against which agency", list(known), format_func=known.__getitem__, key=f"{form}.agency") or None
    )


def _moment(view: BorrowerView, form: str, places: Places) -> datetime:
    """When it came, in the lender's time; nothing chosen: now."""
    left, right = st.columns(2)
    with left:
        day = st.date_input(
            "Received on", value=view.today, max_value=view.today, key=f"{form}.day", format="DD/MM/YYYY"
        )
        places.under("received_at")
    with right:
        at = st.time_input("At (empty: now, or noon)", value=None, key=f"{form}.at")
    zone = ZoneInfo(cached.lender_format().time_zone)
    if at is None and (day is None or day == view.today):
        return clock.now()
    return datetime.combine(day or view.today, at or time(12), zone)


def said(made: complaints.Received) -> str:
    """What the act did, for the notice."""
    recalled = f" The case was recalled from {made.recalled_from}." if made.recalled_from else ""
    return f"{made.number} recorded. Contact is stopped.{recalled}"
