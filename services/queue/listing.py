"""Lists of cases by priority, each case with the gate's answer for a call now. Agents are given their own only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import case_people as people_queries
from db.queries import follow_ups as follow_up_queries
from db.queries import queue as queries
from db.queries.queue import Cursor, QueueFilter, Tab
from services import cases, clock, lender, policy
from services.actors import Actor, Permission
from services.errors import NotFound

PAGE = 25
COUNTED_AT_MOST = 1_000

TABS: Final = {
    Tab.NOW: "Now",
    Tab.CALL_BACKS: "Call-backs",
    Tab.PROMISES: "Promises today",
    Tab.BROKEN: "Broken",
    Tab.ALL: "All",
}


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A case as a line of the queue."""

    case_id: int
    borrower_id: int
    name: str
    number: str
    priority: int
    reasons: tuple[cases.Reason, ...]
    loans: int
    max_dpd: int
    bucket: int
    risk_band: int
    overdue_amount: Decimal
    outstanding: Decimal
    stage: str
    next_action: str | None
    next_action_on: date | None
    last_contact_at: datetime | None
    last_outcome: str | None
    promise_due_on: date | None
    promise_amount: Decimal | None
    has_broken_promise: bool
    owner_id: int | None
    owner_name: str | None
    held_by: int | None
    """Who has it open now; None when nobody."""
    holder_name: str | None
    held_until: datetime | None
    contact: policy.GateAnswer | None
    """Whether a call is allowed now, and if not, from when."""
    follow_up_at: datetime | None

    @property
    def why(self) -> str:
        """The two strongest reasons for its place, in words; where nothing raises it, why it stands low."""
        raising = [reason.words for reason in self.reasons if reason.points > 0]
        told = raising or [reason.words for reason in self.reasons]
        return _sentence_case(", ".join(told[:2]))

    @property
    def action_words(self) -> str:
        """The next action in words."""
        return cases.ACTIONS.get(self.next_action or "call", self.next_action or "Call")


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of a list, and how many cases each list holds."""

    rows: tuple[QueueRow, ...]
    next_after: Cursor | None
    counts: Mapping[Tab, int]
    today: date
    """The business date that the list is of."""

    def count_label(self, tab: Tab) -> str:
        """'42' or '1,000+'."""
        found = self.counts[tab]
        return f"{COUNTED_AT_MOST:,}+" if found > COUNTED_AT_MOST else f"{found:,}"


def page(
    actor: Actor, wanted: QueueFilter, tab: Tab = Tab.NOW, *, after: Cursor | None = None, limit: int = PAGE
) -> QueuePage:
    """A page of a list with each case's answer of the gate for a call now: highest priority first, call-backs by time.

    Raises:
        NotAllowed: the actor may not work the queue.
    """
    actor.require(Permission.WORK_QUEUE)
    scope = scoped(actor, wanted)
    with reading() as session:
        today = lender.load(session).today
        rows = queries.page(session, scope, tab, today=today, after=after, limit=limit + 1)
        shown = rows[:limit]
        counts = queries.counts(session, scope, today=today, at_most=COUNTED_AT_MOST + 1)
        found = _queue_rows(session, shown, actor)
    last = found[-1] if len(rows) > limit else None
    following = Cursor(last.priority, last.case_id, last.follow_up_at) if last else None
    return QueuePage(found, following, counts, today)


def scoped(actor: Actor, wanted: QueueFilter) -> QueueFilter:
    """The filter, narrowed to what the actor may see."""
    if wanted.participant_id is not None:
        wanted = replace(wanted, participant_id=actor.id or 0)  # nobody reads another's list of roles
    if actor.may(Permission.VIEW_ALL_CASES):
        return wanted
    owner_id = None if wanted.participant_id is not None else actor.id or 0
    return replace(wanted, owner_id=owner_id, is_unallocated=False)


def _queue_rows(session: Session, rows: Sequence[Row[*tuple[Any, ...]]], actor: Actor) -> tuple[QueueRow, ...]:
    now = clock.now()
    borrower_ids = [row.borrower_id for row in rows]
    answers = policy.preview_many(session, borrower_ids, "call", now, agent_id=actor.id) if rows else {}
    due = follow_up_queries.next_due(session, borrower_ids) if rows else {}
    return tuple(_queue_row(row, now, answers.get(row.borrower_id), due.get(row.borrower_id)) for row in rows)


def _queue_row(
    row: Row[*tuple[Any, ...]], now: datetime, answer: policy.GateAnswer | None, follow_up_at: datetime | None
) -> QueueRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    reasons = cases.reasons_of(values.pop("priority_reasons"))
    if row.held_until is None or row.held_until <= now:
        values |= {"held_by": None, "holder_name": None, "held_until": None}
    return QueueRow(**values, reasons=reasons, contact=answer, follow_up_at=follow_up_at)


def one(actor: Actor, case_id: int) -> QueueRow:
    """One open case as a line of the queue, wherever it stands.

    Raises:
        NotAllowed: the actor may not work the queue.
        NotFound: the case is closed, or not the actor's.
    """
    actor.require(Permission.WORK_QUEUE)
    with reading() as session:
        return _queue_rows(session, [visible(session, actor, case_id)], actor)[0]


def visible(session: Session, actor: Actor, case_id: int) -> Row[*tuple[Any, ...]]:
    """An open case that the actor may see, in the caller's transaction.

    Raises:
        NotFound: the case is closed, or not the actor's.
    """
    row = queries.case_row(session, case_id)
    if row is not None:
        if actor.may(Permission.VIEW_ALL_CASES) or row.owner_id == actor.id:
            return row
        if people_queries.roles(session, row.borrower_id, actor.id or 0):
            return row
    raise NotFound("That case is not open, or not among yours. Choose another from the list.")
