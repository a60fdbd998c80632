"""Absences of collectors: who is away from when to when, so that rules give them nothing meanwhile."""

from dataclasses import dataclass
from datetime import date, timedelta

from db.engine import reading, transaction
from db.queries import collectors as queries
from services import audit, clock, lender
from services.actors import Actor, Permission
from services.allocation.collectors import load
from services.errors import Conflict, InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Absence:
    """Days on which a collector is away."""

    id: int
    user_id: int
    name: str
    starts_on: date
    ends_on: date
    """First day back at work."""
    reason: str


def absences(actor: Actor) -> list[Absence]:
    """Absences that are on or to come, the earliest first; at most 200.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        rows = queries.absences(session, today=lender.load(session).today, limit=200)
    return [Absence(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def add_absence(
    actor: Actor, user_id: int, *, first_day: date, last_day: date, reason: str, request_key: str | None = None
) -> None:
    """Enter days on which rules give a collector no cases. Sent twice with the same key it is entered once.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such collector.
        InvalidInput: no reason, or the last day before the first.
    """
    actor.require(Permission.ALLOCATE_CASES)
    wrong = {}
    if last_day < first_day:
        wrong["last_day"] = "The last day is before the first."
    if not reason.strip():
        wrong["reason"] = "Say why, in a few words."
    if wrong:
        raise InvalidInput(wrong)
    with transaction() as session:
        found = load(session, lender.load(session).today, user_ids=[user_id], loads=False)
        if not found:
            raise NotFound("There is no such collector.")
        absence_id = queries.insert_absence(
            session,
            user_id=user_id,
            starts_on=first_day,
            ends_on=last_day + timedelta(days=1),
            reason=reason.strip(),
            recorded_by=actor.id,
            request_key=request_key,
        )
        if absence_id is not None:
            summary = f"entered that {found[0].name} is away from {first_day.isoformat()} to {last_day.isoformat()}"
            subject = ("collector_absence", absence_id)
            audit.record(session, actor, "absence.entered", subject=subject, summary=summary, reason=reason.strip())


def withdraw_absence(actor: Actor, absence_id: int) -> None:
    """Take back an absence that was entered by mistake or ended early.

    Raises:
        NotAllowed: the actor may not allocate.
        Conflict: it was taken back already.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        row = queries.withdraw_absence(session, absence_id, at=clock.now(), by=actor.id)
        if row is None:
            raise Conflict("This absence was taken back already.")
        summary = f"took back the absence from {row.starts_on.isoformat()}"
        subject = ("collector_absence", absence_id)
        audit.record(session, actor, "absence.withdrawn", subject=subject, summary=summary)
