"""Complaints and regional holds of the demo: some answered, some waiting, one late; a festival to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.grievances import Complaint, ComplaintEvent
from db.models.work import Hold
from db.queries import complaints, demo, regional_holds
from services import allocation, cases, lender
from services.actors import SYSTEM
from services.complaints.clock import alerts_on, due_on
from services.complaints.configuring import load
from services.complaints.values import Settings, number_of
from services.demo import users

SHARE: Final = 0.004
"""Complaints per loan of the book, over the last hundred days."""
_CONTACTED_DAYS: Final = 100
# about, what the borrower says, what is answered, outcome; the first two are against the agent who called
_STORIES: Final = (
    (
        "agent_conduct",
        "Your agent raised his voice and would not let me finish.",
        "We listened to the call. You were interrupted twice; we are sorry. The agent was instructed anew.",
        "upheld",
    ),
    (
        "harassment",
        "I am called again and again although I said when I can pay.",
        "In seven days you were called four times, which is within our limit. Calls now wait for your promised date.",
        "partly_upheld",
    ),
    (
        "wrong_amount",
        "The amount you ask for includes a payment that I made by UPI.",
        "The payment reached us on the day after our message. Your account shows it now.",
        "upheld",
    ),
    (
        "wrong_person",
        "You keep calling my brother. He has nothing to do with the loan.",
        "The number was given with the application. It is removed; nobody calls it any more.",
        "upheld",
    ),
    (
        "credit_report",
        "My report shows a default that was settled long ago.",
        "The account was overdue on the day of the report. It was reported as regular in the month after.",
        "rejected",
    ),
)
_CHANNELS: Final = ("call", "email", "branch", "letter", "website")
_ACKNOWLEDGED: Final = (
    "We have received your complaint and look into it. Until then nobody contacts you about the loan."
)


@dataclass(frozen=True, slots=True)
class _Made:
    """One complaint of the demo: who, when, which story, and how far it is."""

    id: int
    hold_id: int
    contact: AnyRow
    story: int
    channel: str
    received_on: date
    officer_id: int
    stage: int
    """1 received, 2 acknowledged, 3 answered, 4 closed."""

    @property
    def steps(self) -> tuple[tuple[str, date], ...]:
        """The acts with their days."""
        kinds = ("opened", "acknowledged", "answered", "closed")[: self.stage]
        return tuple(
            (kind, self.received_on + timedelta(days=after)) for kind, after in zip(kinds, (0, 2, 11, 14), strict=False)
        )


def add(session: Session, *, loans: int, seed: int, as_of: date) -> int:
    """Write the demo's complaints with their acts, holds and recalls, and two regional holds; how many complaints.

    Does nothing when there are complaints already: an interrupted load goes on behind it.
    """
    if complaints.any_at_all(session):
        return 0
    settings, known = load(session), users.known(session)
    made = _choose(session, known, loans=loans, seed=seed, as_of=as_of)
    _write(session, made, settings)
    _recall(session, [each for each in made if each.stage < 4], settings, as_of)
    _regional(session, known["leela"], as_of)
    return len(made)


def _choose(session: Session, known: dict[str, int], *, loans: int, seed: int, as_of: date) -> list[_Made]:
    """Borrowers who were contacted lately, with a story each; the same seed chooses the same."""
    rng = np.random.default_rng([seed, 16])
    contacted = demo.contacted_since(session, as_of - timedelta(days=_CONTACTED_DAYS))
    size = min(round(loans * SHARE), len(contacted))
    if not size:
        return []
    ages = rng.choice(np.r_[1:30, 30:100:3], size=size)
    chosen = [contacted[int(which)] for which in rng.choice(len(contacted), size=size, replace=False)]
    # nobody was contacted after the complaint
    days = [max(as_of - timedelta(days=int(age)), who.at.date()) for age, who in zip(ages, chosen, strict=True)]
    first, first_hold = demo.reserve_ids(session, "complaint", size), demo.reserve_ids(session, "hold", size)
    return [
        _Made(
            id=first + place,
            hold_id=first_hold + place,
            contact=chosen[which],
            story=int(rng.integers(len(_STORIES))),
            channel=_CHANNELS[int(rng.integers(len(_CHANNELS)))],
            received_on=days[which],
            officer_id=known[("leela", "vikram")[int(rng.integers(2))]],
            stage=_stage((as_of - days[which]).days, rng),
        )
        for place, which in enumerate(sorted(range(size), key=days.__getitem__))
    ]


def _stage(age: int, rng: np.random.Generator) -> int:
    """How far a complaint of so many days is: most are answered in time, a few are slow, hardly one is late."""
    if age < 3:
        return 1
    if age < 14 or (age < 30 and rng.random() < 0.4) or (age < 40 and rng.random() < 0.1):
        return 2
    return 3 if age < 45 and rng.random() < 0.3 else 4


def _write(session: Session, made: Sequence[_Made], settings: Settings) -> None:
    zone = ZoneInfo(settings.time_zone)
    demo.insert_rows(session, Hold, [_hold(each, zone) for each in made])
    demo.insert_rows(session, Complaint, [_complaint(each, settings) for each in made])
    demo.insert_rows(session, ComplaintEvent, [event for each in made for event in _events(each, settings)])
    complaints.derive(session, [each.id for each in made])


def _at(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(11, 30), zone)


def _hold(each: _Made, zone: ZoneInfo) -> dict[str, Any]:
    steps = dict(each.steps)
    is_closed = "closed" in steps
    return {
        "id": each.hold_id,
        "borrower_id": each.contact.borrower_id,
        "kind": "complaint",
        "reason": f"Complaint {number_of(each.id)}",
        "starts_on": each.received_on,
        "created_at": _at(each.received_on, zone),
        "created_by": each.contact.recorded_by,
        "released_at": _at(steps["closed"], zone) if is_closed else None,
        "released_by": each.officer_id if is_closed else None,
        "release_reason": f"complaint {number_of(each.id)} closed" if is_closed else None,
    }


def _complaint(each: _Made, settings: Settings) -> dict[str, Any]:
    about, words, _, _ = _STORIES[each.story]
    at = _at(each.received_on, ZoneInfo(settings.time_zone))
    return {
        "id": each.id,
        "borrower_id": each.contact.borrower_id,
        "about": about,
        "against_user_id": each.contact.recorded_by if each.story < 2 else None,
        "channel": each.channel,
        "received_at": at,
        "received_on": each.received_on,
        "text_": words,
        "answer_days": settings.answer_days,
        "recorded_at": at,
        "recorded_by": each.contact.recorded_by,
        "clock_from": each.received_on,
        "due_on": due_on(each.received_on, settings.answer_days),
    }


def _events(each: _Made, settings: Settings) -> list[dict[str, Any]]:
    _, _, answered, outcome = _STORIES[each.story]
    said = {"acknowledged": _ACKNOWLEDGED, "answered": f"{answered}\n\n{settings.escalation}", "closed": "As answered."}
    return [
        {
            "complaint_id": each.id,
            "kind": kind,
            "at": _at(on, ZoneInfo(settings.time_zone)),
            "on_date": on,
            "done_by": each.contact.recorded_by if kind == "opened" else each.officer_id,
            "text_": said.get(kind),
            "sent_by": "letter" if kind in {"acknowledged", "answered"} else None,
            "outcome": outcome if kind == "closed" else None,
            "hold_id": each.hold_id if kind == "opened" else None,
        }
        for kind, on in each.steps
    ]


def _recall(session: Session, not_closed: Sequence[_Made], settings: Settings, as_of: date) -> None:
    """Take the cases of complaints that are not closed, and remind of answers that are still due."""
    borrowers = [each.contact.borrower_id for each in not_closed]
    case_ids = demo.open_cases_of(session, borrowers)
    reason = "recalled: a complaint is open (IN-09)"
    allocation.recall(session, SYSTEM, case_ids, reason=reason, kind=allocation.RecallKind.COMPLAINT)
    alerts = [
        {
            "borrower_id": each.contact.borrower_id,
            "due_at": datetime.combine(day, time(10), ZoneInfo(settings.time_zone)),
            "action": "answer_complaint",
            "note": f"Complaint {number_of(each.id)} waits for its answer",
            "complaint_id": each.id,
            "created_at": _at(each.received_on, ZoneInfo(settings.time_zone)),
        }
        for each in not_closed
        if each.stage < 3
        for day in alerts_on(each.received_on, settings.alert_days)
        if day > as_of
    ]
    complaints.insert_alerts(session, alerts)
    cases.refresh_for(session, as_of, borrowers)


def _regional(session: Session, leader_id: int, as_of: date) -> None:
    """A calamity that is over and a festival to come, so that no demo borrower is held by them today."""
    today = lender.load(session).today
    regional_holds.insert_hold(
        session,
        [("state", "Odisha")],
        name="Cyclone warning",
        kind="calamity",
        reason="Red alert on the coast",
        starts_on=as_of - timedelta(days=60),
        ends_on=as_of - timedelta(days=54),
        created_by=leader_id,
    )
    regional_holds.insert_hold(
        session,
        [("state", "Punjab"), ("city", "Delhi")],
        name="Harvest festival",
        kind="festival",
        reason="Families are together; nobody is called",
        starts_on=today + timedelta(days=9),
        ends_on=today + timedelta(days=12),
        created_by=leader_id,
    )
