"""Complaints as people see them: lists by urgency, one with its acts, the figures above, and rows to take out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import allocation as allocation_queries
from db.queries import complaint_figures as figure_queries
from db.queries import complaints as queries
from db.queries.complaints import AWAITING, Cursor, Filter
from services import lender
from services.actors import Actor, Permission
from services.complaints.clock import possible, urgency
from services.complaints.configuring import load
from services.complaints.values import ABOUT, CHANNELS, OUTCOMES, Complaint, Event
from services.errors import NotFound
from services.exports import Field

PAGE: Final = 25
EXPORTED_AT_MOST: Final = 50_000
_ANSWERED_DAYS: Final = 90

LISTS: Final = {
    "awaiting": "Waiting for an answer",
    "due_soon": "Due soon",
    "overdue": "Overdue",
    "answered": "Answered, to be closed",
    "closed": "Closed",
    "all": "All",
}
"""The lists of the page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which complaints: a list, narrowed by subject and by whom they are against."""

    listed: str = "awaiting"
    about: tuple[str, ...] = ()
    against_user_id: int | None = None
    is_mine: bool = False
    """Only those that the actor acknowledged."""


@dataclass(frozen=True, slots=True)
class ComplaintPage:
    """A page of a list."""

    rows: tuple[Complaint, ...]
    next_after: Cursor | None
    today: date


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page says on top."""

    awaiting: int
    """Waiting for an answer now."""
    overdue: int
    """Of these, past the last day for an answer."""
    to_close: int
    """Answered and not closed: their holds are still in force."""
    days_to_answer: float | None
    """Mean days from receipt (or reopening) to the answer, of those answered in the last 90 days."""
    received_this_month: int
    contacts_this_month: int

    @property
    def per_thousand_contacts(self) -> float | None:
        """Complaints received per 1,000 contacts that people recorded this month; None: no contacts."""
        return 1000 * self.received_this_month / self.contacts_this_month if self.contacts_this_month else None


@dataclass(frozen=True, slots=True)
class Opened:
    """One complaint with its acts, and what the actor may do with it now."""

    complaint: Complaint
    events: tuple[Event, ...]
    acts: tuple[str, ...]
    """Kinds of acts; empty for those who only look, and for whom it is against."""
    is_against_actor: bool
    today: date


def page(actor: Actor, wanted: Wanted, *, after: Cursor | None = None, limit: int = PAGE) -> ComplaintPage:
    """A page of a list: what waits by its last day, the most urgent first; what is closed the newest first.

    Raises:
        NotAllowed: the actor may not see complaints.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        today = lender.load(session).today
        rows = queries.page(session, _filter(session, actor, wanted, today), after=after, limit=limit + 1)
        found = tuple(_complaint(row, today, load(session).alert_days) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return ComplaintPage(found, Cursor(last.due_on, last.id) if last else None, today)


def _filter(session: Session, actor: Actor, wanted: Wanted, today: date) -> Filter:
    narrowed = {
        "about": wanted.about,
        "against_user_id": wanted.against_user_id,
        "officer_id": (actor.id or 0) if wanted.is_mine else None,
    }
    if wanted.listed == "overdue":
        return Filter(statuses=AWAITING, due_before=today, **narrowed)  # type: ignore[arg-type]
    if wanted.listed == "due_soon":
        settings = load(session)
        near = settings.answer_days - settings.alert_days[0]
        end = today + timedelta(days=near + 1)
        return Filter(statuses=AWAITING, due_from=today, due_to=end, **narrowed)  # type: ignore[arg-type]
    statuses = {"awaiting": AWAITING, "answered": ("answered",), "closed": ("closed",)}.get(wanted.listed, ())
    return Filter(statuses=statuses, is_newest_first=wanted.listed in {"closed", "all"}, **narrowed)  # type: ignore[arg-type]


def _complaint(row: AnyRow, today: date, alert_days: Sequence[int]) -> Complaint:
    how = urgency(row.status, clock_from=row.clock_from, last_day=row.due_on, today=today, alert_days=alert_days)
    left = (row.due_on - today).days if row.status in AWAITING else None
    return Complaint(**row._mapping, days_left=left, urgency=how.value)  # noqa: SLF001 - SQLAlchemy's public name


def opened(actor: Actor, complaint_id: int) -> Opened:
    """One complaint with its acts.

    Raises:
        NotAllowed: the actor may not see complaints.
        NotFound: there is no such complaint.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        row = queries.by_id(session, complaint_id)
        if row is None:
            raise NotFound("There is no such complaint. Choose one from the list.")
        today = lender.load(session).today
        complaint = _complaint(row, today, load(session).alert_days)
        events = tuple(Event(**each._mapping) for each in queries.events(session, complaint_id))  # noqa: SLF001
    is_against = complaint.against_user_id is not None and complaint.against_user_id == actor.id
    may_act = actor.may(Permission.HANDLE_COMPLAINTS) and not is_against
    return Opened(complaint, events, possible(complaint.status) if may_act else (), is_against, today)


def of_borrower(session: Session, borrower_id: int, *, today: date) -> tuple[Complaint, ...]:
    """The borrower's complaints that are not closed, for an actor already let in."""
    rows = queries.not_closed_of(session, borrower_id)
    alert_days = load(session).alert_days if rows else ()
    return tuple(_complaint(row, today, alert_days) for row in rows)


def figures(actor: Actor) -> Figures:
    """What waits, what is late, how long answers take, and how many complaints come.

    Raises:
        NotAllowed: the actor may not see complaints.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        settings = lender.load(session)
        first = settings.today.replace(day=1)
        since = settings.today - timedelta(days=_ANSWERED_DAYS)
        row = figure_queries.figures(session, today=settings.today, month_start=first, answered_since=since)
        midnight = datetime.combine(first, time(0), ZoneInfo(settings.time_zone))
        contacts = figure_queries.contacts_since(session, allocation_queries.worker_ids(session), midnight)
    return Figures(
        awaiting=row.awaiting,
        overdue=row.overdue,
        to_close=row.not_closed - row.awaiting,
        days_to_answer=None if row.days_to_answer is None else float(row.days_to_answer),
        received_this_month=row.received_this_month,
        contacts_this_month=contacts,
    )


EXPORT_FIELDS: Final = (
    Field("number", "Complaint"),
    Field("borrower", "Borrower"),
    Field("about", "About"),
    Field("against", "Against"),
    Field("channel", "Received by"),
    Field("received_on", "Received on"),
    Field("status", "Status"),
    Field("due_on", "Answer due on"),
    Field("urgency", "Clock"),
    Field("officer", "Officer"),
    Field("answered_on", "Answered on"),
    Field("closed_on", "Closed on"),
    Field("outcome", "Outcome"),
    Field("compensation", "Compensation"),
)


def export(actor: Actor, wanted: Wanted) -> list[dict[str, object]]:
    """All complaints of a list as rows for a file, at most `EXPORTED_AT_MOST`; without what the borrower wrote.

    Raises:
        NotAllowed: the actor may not see complaints.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    return [_exported(row) for row in page(actor, wanted, limit=EXPORTED_AT_MOST).rows]


def _exported(row: Complaint) -> dict[str, object]:
    return {
        "number": row.number,
        "borrower": row.borrower_number,
        "about": ABOUT[row.about],
        "against": row.against,
        "channel": CHANNELS[row.channel],
        "received_on": row.received_on,
        "status": row.status_words,
        "due_on": row.due_on,
        "urgency": row.urgency,
        "officer": row.officer_name,
        "answered_on": row.answered_on,
        "closed_on": row.closed_on,
        "outcome": OUTCOMES[row.outcome] if row.outcome else None,
        "compensation": row.compensation,
    }
