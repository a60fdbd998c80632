"""Whom, where and when a contact reached, and its recording: fields of the form of a contact."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components import cached, outcomes_cached
from components.form_fields import Places
from services import contacts
from services.actors import Actor
from services.borrowers import BorrowerView, ContactPointView
from services.contacts import Outcome, reaching
from services.policy.facts import POINT_KIND


@dataclass(frozen=True, slots=True)
class Reached:
    """Who was reached, where and when, and which recording tells of it."""

    person: str
    party_id: int | None
    contact_point_id: int | None
    recording: str | None
    no_recording_reason: str | None
    at: datetime | None
    """None: now."""


def fields(actor: Actor, view: BorrowerView, outcome: Outcome, *, channel: str, form: str, places: Places) -> Reached:
    """Person, number or address where there are several, for calls the recording, and when it was."""
    points = {point.id: _called(point) for point in view.contact_points if point.kind == POINT_KIND[channel]}
    is_call, is_required = channel == "call", outcomes_cached.recordings_required()
    columns = iter(st.columns(2 + (len(points) > 1) + is_call + (is_call and is_required)))
    with next(columns):
        named, party_id = person(actor, view, outcome, form)
        places.under("person", "outcome", "channel")
    point_id = next(iter(points), None)
    if len(points) > 1:
        with next(columns):
            point_id = _point(points, channel, form)
            places.under("contact_point")
    recording, why_none = _recording(columns, form, places, is_required=is_required) if is_call else (None, None)
    with next(columns):
        at = _made_at(view, form)
        places.under("at")
    return Reached(named, party_id, point_id, recording, why_none, at)


def _made_at(view: BorrowerView, form: str) -> datetime | None:
    """Earlier today, by the lender's clock; None when the field is left empty."""
    at: time | None = st.time_input(
        "Made at",
        value=None,
        step=timedelta(minutes=1),
        key=f"{form}.made_at",
        help="Leave empty if it was just now. The rules are asked of the time that stands here.",
    )
    return datetime.combine(view.today, at, ZoneInfo(cached.lender_format().time_zone)) if at else None


def person(actor: Actor, view: BorrowerView, outcome: Outcome, form: str) -> tuple[str, int | None]:
    """Persons whom the outcome goes with; of co-borrowers and guarantors those on record, each by name."""
    known = reaching.parties(actor, view.id) if contacts.PARTIES & set(outcome.persons) else ()
    offered: dict[tuple[str, int | None], str] = {}
    for each in outcome.persons:
        if each not in contacts.PARTIES:
            offered[each, None] = contacts.PERSONS[each]
        for party in known:
            if party.role == each:
                offered[each, party.id] = f"{contacts.PERSONS[each]}: {party.name}"
    return st.selectbox(
        "Person reached",
        list(offered),
        format_func=offered.__getitem__,
        key=f"{form}.person",
        disabled=len(offered) == 1,
    )


def _point(points: dict[int, str], channel: str, form: str) -> int:
    word = "Address" if channel in {"visit", "letter", "email"} else "Number"
    return st.selectbox(word, list(points), format_func=points.__getitem__, key=f"{form}.point.{channel}")


def _called(point: ContactPointView) -> str:
    whose = f" ({point.party_name}, {(point.party_role or '').replace('_', '-')})" if point.party_name else ""
    return f"{point.masked}{whose}"


def _recording(
    columns: Iterator[DeltaGenerator], form: str, places: Places, *, is_required: bool
) -> tuple[str | None, str | None]:
    with next(columns):
        label = "Recording" if is_required else "Recording (optional)"
        reference = st.text_input(label, key=f"{form}.recording", max_chars=120)
        places.under("recording")
    if not is_required:
        return reference, None
    with next(columns):
        return reference, st.text_input("or why there is none", key=f"{form}.no_recording", max_chars=200)
