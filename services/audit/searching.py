"""Reading the trail: search by who, whom, what and when; one event with what it changed."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import audit as queries
from services import lender
from services.actors import Actor, Permission
from services.audit.recording import record
from services.errors import InvalidInput, NotFound
from services.wording import counted

PAGE = 100
COUNTED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Search:
    """What an auditor asks. Empty fields ask nothing; both dates are included, in the lender's time zone."""

    who: str | None = None
    """Start of the actor's name."""
    whom: str | None = None
    """The lender's own number of a borrower or a loan."""
    what: str | None = None
    """An action such as 'promise.recorded', or a subject with a dot such as 'promise.'."""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One act, as a line of the trail."""

    id: int
    at: datetime
    who: str
    role: str
    action: str
    subject: str
    summary: str
    reason: str | None
    borrower_id: int | None
    borrower_number: str | None
    loan_number: str | None

    @property
    def sentence(self) -> str:
        """The act as a person would tell it: who did what to whom, and why."""
        whom = f" · {self.borrower_number}" if self.borrower_number and self.borrower_number not in self.summary else ""
        why = f" (reason: {self.reason})" if self.reason else ""
        return f"{self.who} {self.summary}{whom}{why}"


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events, newest first."""

    events: tuple[Event, ...]
    found: int
    """How many match, counted no further than `COUNTED_AT_MOST`."""
    next_before: int | None
    """Pass as `before_id` for the next page; None when this is the last."""

    @property
    def found_label(self) -> str:
        """'1,234' or 'more than 10,000'."""
        return f"more than {COUNTED_AT_MOST:,}" if self.found > COUNTED_AT_MOST else f"{self.found:,}"


@dataclass(frozen=True, slots=True)
class EventDetail:
    """What an event replaced and left, and its digest."""

    event: Event
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    digest: str


def search(actor: Actor, wanted: Search, *, before_id: int | None = None, limit: int = PAGE) -> EventPage:
    """A page of the events that match, newest first.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        InvalidInput: no borrower or loan has the number, or the period ends before it starts.
    """
    actor.require(Permission.VIEW_AUDIT)
    with reading() as session:
        criteria = _criteria(session, wanted)
        rows = queries.events(session, criteria, before_id=before_id, limit=limit + 1)
        found = queries.count_events(session, criteria, at_most=COUNTED_AT_MOST + 1)
    page = tuple(_event(row) for row in rows[:limit])
    return EventPage(page, found, page[-1].id if len(rows) > limit else None)


def _criteria(session: Session, wanted: Search) -> queries.EventFilter:
    if wanted.first_day and wanted.last_day and wanted.last_day < wanted.first_day:
        raise InvalidInput({"last_day": "The period ends before it starts; exchange the two dates."})
    borrower_id = None
    if wanted.whom:
        borrower_id = queries.borrower_with_number(session, wanted.whom.strip())
        if borrower_id is None:
            raise InvalidInput({"whom": f"No borrower or loan has the number “{wanted.whom.strip()}”."})
    zone = ZoneInfo(lender.load(session).time_zone)
    return queries.EventFilter(
        actor=wanted.who.strip() if wanted.who else None,
        borrower_id=borrower_id,
        action=wanted.what,
        since=_midnight(wanted.first_day, zone),
        until=_midnight(wanted.last_day + timedelta(days=1), zone) if wanted.last_day else None,
    )


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time.min, zone) if day else None


def _event(row: AnyRow) -> Event:
    return Event(
        id=row.id,
        at=row.at,
        who=row.actor_name,
        role=row.actor_role,
        action=row.action,
        subject=f"{row.subject_type} {row.subject_id}",
        summary=row.summary,
        reason=row.reason,
        borrower_id=row.borrower_id,
        borrower_number=getattr(row, "borrower_number", None),
        loan_number=getattr(row, "loan_number", None),
    )


def detail(actor: Actor, event_id: int) -> EventDetail:
    """One event with what it replaced and left.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        NotFound: there is no such event.
    """
    actor.require(Permission.VIEW_AUDIT)
    with reading() as session:
        row = queries.event(session, event_id)
    if row is None:
        raise NotFound("That event is not in the audit trail.")
    return EventDetail(_event(row), row.before, row.after, (row.digest or b"").hex())


def known_actions(actor: Actor) -> list[str]:
    """The actions that occur in the trail, sorted, for a choice on screen."""
    actor.require(Permission.VIEW_AUDIT)
    with reading() as session:
        return queries.actions(session)


def export(actor: Actor, wanted: Search) -> tuple[Event, ...]:
    """All events that match, newest first and `COUNTED_AT_MOST` at most, to be taken out as a file.

    Taking them out is itself an event.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        InvalidInput: as `search`.
    """
    actor.require(Permission.VIEW_AUDIT)
    with transaction(statement_timeout_ms=0) as session:
        criteria = _criteria(session, wanted)
        found = tuple(_event(row) for row in queries.events(session, criteria, before_id=None, limit=COUNTED_AT_MOST))
        asked = {name: str(asked) for name, asked in asdict(wanted).items() if asked}
        record(
            session,
            actor,
            "audit.exported",
            subject=("audit_trail", found[0].id if found else 0),
            summary=f"took out {counted(len(found), 'event')} of the audit trail",
            after={"search": asked},
        )
    return found
