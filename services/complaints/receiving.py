"""Receiving a complaint: it stops contact, takes the case from its agent and starts the clock, as one act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import cases as case_queries
from db.queries import complaints as queries
from services import audit, cases, clock, holds, lender
from services.actors import Actor, Permission, Role
from services.complaints.clock import alerts_on, due_on
from services.complaints.configuring import load
from services.complaints.recalling import recall
from services.complaints.values import ABOUT, CHANNELS, Entry, Received, Settings, number_of
from services.errors import Conflict, InvalidInput

OLDEST_DAYS: Final = 365
"""How long ago a complaint may have been received when it is recorded."""
LONGEST: Final = 4_000
"""Characters of what the borrower says."""
_ALERT_AT: Final = time(10)
_AGAINST: Final = (Role.AGENT.value, Role.LEADER.value)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of our own whom a complaint may be against."""

    id: int
    name: str
    role: str


def people(actor: Actor) -> list[Person]:
    """Whom of our own a complaint may be against.

    Raises:
        NotAllowed: the actor may not see borrowers.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return [Person(**row._mapping) for row in queries.people(session, _AGAINST)]  # noqa: SLF001 - public by docs


def agencies(actor: Actor) -> dict[int, str]:
    """Outside agencies that a complaint may be against: names by id.

    Raises:
        NotAllowed: the actor may not see borrowers.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return {row.id: row.name for row in queries.agencies(session)}


def receive(actor: Actor, borrower_id: int, entry: Entry, *, request_key: str | None = None) -> Received:
    """Record a complaint of a borrower; anyone who sees the borrower may. The same `request_key` again changes nothing.

    1. A hold stops automation and calls until the complaint is closed (IN-09).
    2. The case is taken from its owner, also when somebody has it open.
    3. The clock starts on the day of receipt; reminders are set on its alert days (IN-20).

    Raises:
        NotAllowed: the actor may not see borrowers.
        NotFound: the borrower is not the actor's to see.
        InvalidInput: a field cannot be taken.
        Conflict: another submit of the same form was faster.
    """
    actor.require(Permission.VIEW_BORROWER)
    with transaction() as session:
        if request_key and (earlier := queries.by_request_key(session, request_key)):
            return Received(earlier, None)
        cases.require_access(session, actor, borrower_id)
        case_queries.lock_open_case(session, borrower_id)
        settings, today = load(session), lender.load(session).today
        _check(session, entry)
        hold_id = hold(session, actor, borrower_id, f"Complaint: {ABOUT[entry.about].lower()}", today=today)
        complaint_id = _insert(
            session, actor, borrower_id, entry, settings=settings, hold_id=hold_id, request_key=request_key
        )
        recalled = recall(session, actor, borrower_id, complaint_id)
        cases.refresh_for(session, today, [borrower_id])
        _record(session, actor, borrower_id, complaint_id, entry, recalled_from=recalled)
        return Received(complaint_id, recalled)


def hold(session: Session, actor: Actor, borrower_id: int, reason: str, *, today: date) -> int:
    """Stop contact with the borrower until the complaint is closed, in the caller's transaction; the hold's id."""
    terms = holds.Terms(kind="complaint", reason=reason, ends_on=None)
    return holds.add(session, actor, borrower_id, terms, today=today)


def _check(session: Session, entry: Entry) -> None:
    wrong: dict[str, str] = {}
    now = clock.now()
    if entry.about not in ABOUT:
        wrong["about"] = "Choose what the complaint is about."
    if entry.channel not in CHANNELS:
        wrong["channel"] = "Choose how the complaint came."
    if not entry.text.strip():
        wrong["text"] = "Write what the borrower complains of, in the borrower's words as far as you can."
    elif len(entry.text) > LONGEST:
        wrong["text"] = f"Keep it below {LONGEST:,} characters."
    if entry.received_at > now:
        wrong["received_at"] = "The complaint cannot be received later than now."
    elif entry.received_at < now - timedelta(days=OLDEST_DAYS):
        wrong["received_at"] = f"The complaint was received more than {OLDEST_DAYS} days ago. Check the date."
    if entry.against_user_id is not None and entry.against_user_id not in _ids(queries.people(session, _AGAINST)):
        wrong["against"] = "Choose one of the people in the list."
    if entry.against_agency_id is not None and entry.against_agency_id not in _ids(queries.agencies(session)):
        wrong["agency"] = "Choose one of the agencies in the list."
    if wrong:
        raise InvalidInput(wrong)


def _ids(rows: Sequence[AnyRow]) -> set[int]:
    return {row.id for row in rows}


def _insert(
    session: Session,
    actor: Actor,
    borrower_id: int,
    entry: Entry,
    *,
    settings: Settings,
    hold_id: int,
    request_key: str | None,
) -> int:
    received_on = entry.received_at.astimezone(ZoneInfo(settings.time_zone)).date()
    complaint_id = queries.insert_complaint(
        session,
        words=entry.text.strip(),
        borrower_id=borrower_id,
        about=entry.about,
        against_user_id=entry.against_user_id,
        against_agency_id=entry.against_agency_id,
        channel=entry.channel,
        received_at=entry.received_at,
        received_on=received_on,
        answer_days=settings.answer_days,
        recorded_by=actor.id,
        request_key=request_key,
        clock_from=received_on,
        due_on=due_on(received_on, settings.answer_days),
    )
    if complaint_id is None:
        raise Conflict("This form was submitted already; the complaint is recorded.")
    queries.insert_event(
        session, complaint_id=complaint_id, kind="opened", on_date=received_on, done_by=actor.id, hold_id=hold_id
    )
    queries.derive(session, [complaint_id])
    days = alerts_on(received_on, settings.alert_days)
    remind(session, actor, borrower_id, complaint_id, days=days, zone=ZoneInfo(settings.time_zone))
    return complaint_id


def remind(
    session: Session, actor: Actor, borrower_id: int, complaint_id: int, *, days: Sequence[date], zone: ZoneInfo
) -> None:
    """Set reminders of the answer on those of the days that have not passed, at ten in the lender's morning."""
    today = clock.now().astimezone(zone).date()
    alerts = [
        {
            "borrower_id": borrower_id,
            "due_at": datetime.combine(day, _ALERT_AT, zone),
            "action": "answer_complaint",
            "note": f"Complaint {number_of(complaint_id)} waits for its answer",
            "created_by": actor.id,
            "complaint_id": complaint_id,
        }
        for day in days
        if day >= today
    ]
    queries.insert_alerts(session, alerts)


def _record(
    session: Session, actor: Actor, borrower_id: int, complaint_id: int, entry: Entry, *, recalled_from: str | None
) -> None:
    recalled = f"; the case was recalled from {recalled_from}" if recalled_from else ""
    audit.record(
        session,
        actor,
        "complaint.opened",
        subject=("complaint", complaint_id),
        summary=f"recorded complaint {number_of(complaint_id)} ({ABOUT[entry.about].lower()}){recalled}",
        borrower_id=borrower_id,
        after={
            "about": entry.about,
            "channel": entry.channel,
            "received_at": entry.received_at.isoformat(),
            "against_user_id": entry.against_user_id,
            "against_agency_id": entry.against_agency_id,
        },
    )
