"""Whom and where a contact reached, and its recording: fields of the form of a contact."""

from dataclasses import dataclass

import streamlit as st

from components import outcomes_cached
from components.form_fields import Places
from services import contacts
from services.actors import Actor
from services.borrowers import BorrowerView, ContactPointView
from services.contacts import Outcome, reaching
from services.policy.facts import POINT_KINDS


@dataclass(frozen=True, slots=True)
class Reached:
    """Who was reached, where, and which recording tells of it."""

    person: str
    party_id: int | None
    contact_point_id: int | None
    recording: str | None
    no_recording_reason: str | None


def fields(actor: Actor, view: BorrowerView, outcome: Outcome, *, channel: str, form: str, places: Places) -> Reached:
    """Person, number or address where there are several, and for calls the recording."""
    left, right = st.columns(2)
    with left:
        person, party_id = _person(actor, view, outcome, form)
        places.under("person", "outcome", "channel")
    with right:
        point_id = _point(view, channel, form)
        places.under("contact_point")
    recording, why_none = _recording(form, places) if channel == "call" else (None, None)
    return Reached(person, party_id, point_id, recording, why_none)


def _person(actor: Actor, view: BorrowerView, outcome: Outcome, form: str) -> tuple[str, int | None]:
    """Persons whom the outcome goes with; of co-borrowers and guarantors those on record, each by name."""
    known = reaching.parties(actor, view.id) if contacts.PARTIES & set(outcome.persons) else ()
    offered: dict[tuple[str, int | None], str] = {}
    for person in outcome.persons:
        if person not in contacts.PARTIES:
            offered[person, None] = contacts.PERSONS[person]
        for party in known:
            if party.role == person:
                offered[person, party.id] = f"{contacts.PERSONS[person]}: {party.name}"
    return st.selectbox(
        "Person reached",
        list(offered),
        format_func=offered.__getitem__,
        key=f"{form}.person",
        disabled=len(offered) == 1,
    )


def _point(view: BorrowerView, channel: str, form: str) -> int | None:
    points = {point.id: _called(point) for point in view.contact_points if point.kind in POINT_KINDS[channel]}
    if len(points) < 2:
        return next(iter(points), None)
    word = "Address" if channel in {"visit", "letter", "email"} else "Number"
    return st.selectbox(word, list(points), format_func=points.__getitem__, key=f"{form}.point.{channel}")


def _called(point: ContactPointView) -> str:
    whose = f" ({point.party_name}, {(point.party_role or '').replace('_', '-')})" if point.party_name else ""
    return f"{point.masked}{whose}"


def _recording(form: str, places: Places) -> tuple[str | None, str | None]:
    is_required = outcomes_cached.recordings_required()
    if not is_required:
        reference = st.text_input("Recording reference (optional)", key=f"{form}.recording", max_chars=120)
        places.under("recording")
        return reference, None
    left, right = st.columns(2)
    with left:
        reference = st.text_input("Recording reference", key=f"{form}.recording", max_chars=120)
        places.under("recording")
    with right:
        why = st.text_input("or why there is no recording", key=f"{form}.no_recording", max_chars=200)
    return reference, why
