"""Follow-ups: when a borrower is to be worked again, and how. A new one takes the place of the one before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import follow_ups as queries
from services import audit, cases, clock, lender, policy
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput

FURTHEST_DAYS = 180
CHANNELS: Final = {"call_back": "call", "call": "call", "visit": "visit"}
"""Actions that reach the borrower when they are due, with their channel: the gate is asked for that moment."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A date on which the borrower is to be worked again."""

    id: int
    borrower_id: int
    due_at: datetime
    action: str
    note: str | None


def record(
    actor: Actor,
    borrower_id: int,
    *,
    due_at: datetime,
    action: str = "call_back",
    note: str | None = None,
    request_key: str | None = None,
) -> FollowUp:
    """Set when the borrower is worked again. The same `request_key` again returns the first and changes nothing.

    Raises:
        NotAllowed: the actor may not record contacts.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: the moment is past or too far, or no contact is allowed then; or the action is unknown.
    """
    actor.require(Permission.RECORD_CONTACT)
    with transaction() as session:
        if request_key and (row := queries.by_request_key(session, request_key)):
            return FollowUp(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        cases.workable(session, actor, borrower_id)
        follow_up = add(session, actor, borrower_id, due_at=due_at, action=action, note=note, request_key=request_key)
        settings = lender.load(session)
        cases.refresh_for(session, settings.today, [borrower_id])
        local = due_at.astimezone(ZoneInfo(settings.time_zone))
        audit.record(
            session,
            actor,
            "follow_up.recorded",
            subject=("follow_up", follow_up.id),
            summary=f"set a follow-up ({cases.ACTIONS[action].lower()}) for {local:%-d %b %Y %H:%M}",
            borrower_id=borrower_id,
            after={"due_at": due_at.isoformat(), "action": action},
        )
        return follow_up


def add(
    session: Session,
    actor: Actor,
    borrower_id: int,
    *,
    due_at: datetime,
    action: str,
    note: str | None = None,
    request_key: str | None = None,
) -> FollowUp:
    """Check and insert a follow-up in the caller's transaction, in the place of open ones.

    Raises:
        InvalidInput: see `record`.
        Conflict: another submit of the same form was faster.
    """
    _check(due_at, action)
    _ask_gate(session, actor, borrower_id, due_at, action)
    queries.finish(session, borrower_id, ended_by="moved", at=clock.now())
    follow_up_id = queries.insert_follow_up(
        session,
        borrower_id=borrower_id,
        due_at=due_at,
        action=action,
        note=note,
        created_by=actor.id,
        request_key=request_key,
    )
    if follow_up_id is None:
        raise Conflict("This form was submitted already; the follow-up is set.")
    return FollowUp(id=follow_up_id, borrower_id=borrower_id, due_at=due_at, action=action, note=note)


def finish(session: Session, borrower_id: int) -> None:
    """Mark open follow-ups done, in the caller's transaction: the borrower was worked."""
    queries.finish(session, borrower_id, ended_by="contact", at=clock.now())


def _check(due_at: datetime, action: str) -> None:
    now = clock.now()
    if action not in cases.ACTIONS:
        raise InvalidInput({"action": "Choose one of the actions in the list."})
    if due_at < now:
        raise InvalidInput({"due_at": "The time is past; choose a later one."})
    if due_at > now + timedelta(days=FURTHEST_DAYS):
        raise InvalidInput({"due_at": f"Choose a time within {FURTHEST_DAYS} days."})


def _ask_gate(session: Session, actor: Actor, borrower_id: int, due_at: datetime, action: str) -> None:
    """Refuse a moment at which the borrower may not be contacted, and name the next at which they may.

    What no waiting ends, such as a hold until it is released, is for the gate of that moment: by then it may be over.
    """
    if (channel := CHANNELS.get(action)) is None:
        return
    answer = policy.preview_many(session, [borrower_id], channel, due_at, agent_id=actor.id)[borrower_id]
    if not answer.is_allowed and answer.next_allowed_at is not None:
        possible = clock.written(answer.next_allowed_at, lender.load(session).time_zone)
        raise InvalidInput({"due_at": f"Not allowed then: {answer.reason} Possible from {possible}."})


def open_of(session: Session, borrower_id: int) -> list[FollowUp]:
    """The borrower's open follow-ups, earliest first, for an actor already let in."""
    rows = queries.open_of(session, borrower_id)
    return [FollowUp(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
