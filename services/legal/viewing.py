"""Reading legal actions: the list by what runs out next, one with its acts, the calendar of hearings, exports."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import legal_lists as queries
from db.queries.legal_lists import Cursor
from services import cases, documents, lender
from services.actors import Actor, Permission
from services.errors import NotFound
from services.exports import Field
from services.legal import permitted
from services.legal.acting import DOCUMENT
from services.legal.clock import urgency
from services.legal.configuring import load
from services.legal.opening import may_handle
from services.legal.settling import Standing, standings
from services.legal.values import CLOSE_REASONS, KINDS, PURPOSES, Action, Event, number_of

PAGE: Final = 50
EXPORTED_AT_MOST: Final = 20_000
LISTS: Final = {
    "open": "All that are open",
    "soon": "Runs out soon",
    "lapsed": "Ran out",
    "opened": "Notice to be sent",
    "noticed": "Notice sent",
    "served": "Notice received",
    "paid": "Paid in time",
    "filed": "Before a court",
    "closed": "Closed",
}
"""Lists of the page, as it calls them."""
_STATUSES: Final = {
    "opened": ("opened",),
    "noticed": ("noticed",),
    "served": ("served",),
    "paid": ("paid",),
    "filed": ("filed", "decided"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listed."""

    listed: str = "open"
    """A key of `LISTS`."""
    kinds: tuple[str, ...] = ()
    is_mine: bool = False
    """Only borrowers whose case the actor leads through law."""


@dataclass(frozen=True, slots=True)
class ActionPage:
    """A page of the list."""

    rows: tuple[Action, ...]
    next_after: Cursor | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page says on top."""

    open: int
    lapsed: int
    soon: int
    paid: int
    hearings: int
    """In the days of the reminder."""
    amount: Decimal
    expenses: Decimal
    alert_days: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """A hearing of the calendar."""

    id: int
    action_id: int
    on_date: date
    purpose: str
    forum: str | None
    result: str | None
    kind: str
    borrower_name: str
    borrower_number: str

    @property
    def number(self) -> str:
        """How people name the action."""
        return number_of(self.action_id)

    @property
    def purpose_words(self) -> str:
        """The purpose as a screen says it."""
        return PURPOSES.get(self.purpose, self.purpose)


@dataclass(frozen=True, slots=True)
class Detail:
    """One action with its acts, files, and what may be done now."""

    action: Action
    events: tuple[Event, ...]
    documents: tuple[documents.Document, ...]
    acts: tuple[str, ...]
    """Acts that the clocks allow today; empty for who may not handle it."""
    waits: str | None
    """Why the next step is not possible yet, with the day; None: it is, or nothing comes next."""
    today: date
    may_handle: bool


def _scope(actor: Actor, *, is_mine: bool) -> int | None:
    """Whose cases are listed: an agent's own as legal officer, whatever was asked; None: all."""
    return actor.id if is_mine or not actor.may(Permission.VIEW_ALL_CASES) else None


def page(actor: Actor, wanted: Wanted, *, after: Cursor | None = None, limit: int = PAGE) -> ActionPage:
    """A page of a list: what runs out next first.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        today, days = lender.load(session).today, load(session).alert_days
        listed = _filter(actor, wanted, today, days)
        rows = queries.page(session, listed, after=after, limit=limit + 1)
    actions = tuple(_action(row, today, days) for row in rows[:limit])
    following = Cursor(actions[-1].next_by, actions[-1].id) if len(rows) > limit else None
    return ActionPage(actions, following)


def _filter(actor: Actor, wanted: Wanted, today: date, days: int) -> queries.Filter:
    is_soon, is_lapsed = wanted.listed == "soon", wanted.listed == "lapsed"
    return queries.Filter(
        is_closed=wanted.listed == "closed",
        kinds=wanted.kinds,
        statuses=_STATUSES.get(wanted.listed, ()),
        next_from=today if is_soon else None,
        next_before=today if is_lapsed else today + timedelta(days=days + 1) if is_soon else None,
        officer_id=_scope(actor, is_mine=wanted.is_mine),
    )


def _action(row: AnyRow, today: date, alert_days: int) -> Action:
    left = (row.next_by - today).days if row.next_by is not None else None
    how = urgency(row.next_by, today=today, alert_days=alert_days)
    return Action(**row._mapping, days_left=left, urgency=how)  # noqa: SLF001 - SQLAlchemy's public name


def today(actor: Actor) -> date:
    """The business date, for who may see legal actions.

    Raises:
        NotAllowed: the actor may not.
    """
    actor.require(Permission.VIEW_LEGAL)
    return lender.current().today


def figures(actor: Actor) -> Figures:
    """What is open, what runs out, what is demanded and spent.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        today, days = lender.load(session).today, load(session).alert_days
        soon = today + timedelta(days=days)
        row = queries.figures(session, today=today, soon=soon, officer_id=_scope(actor, is_mine=False))
    return Figures(**row._mapping, alert_days=days)  # noqa: SLF001 - SQLAlchemy's public name


def hearings(actor: Actor, *, week_of: date, limit: int = 500) -> tuple[date, tuple[Hearing, ...]]:
    """The Monday of a week, and its hearings by day.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    monday = week_of - timedelta(days=week_of.weekday())
    with reading() as session:
        officer = _scope(actor, is_mine=False)
        rows = queries.hearings(session, monday, monday + timedelta(days=7), officer_id=officer, limit=limit)
    return monday, tuple(Hearing(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name


def detail(actor: Actor, action_id: int) -> Detail:
    """One action.

    Raises:
        NotAllowed: the actor may not see legal actions.
        NotFound: there is no such action, or its borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        row = queries.by_id(session, action_id)
        if row is None:
            raise NotFound("There is no such legal action.")
        cases.require_access(session, actor, row.borrower_id)
        today = lender.load(session).today
        standing = standings(session, [action_id])[action_id]
        may = may_handle(session, actor, row.borrower_id)
        acts = permitted.possible(row.kind, standing.state, standing.events, today) if may else ()
        return Detail(
            action=_action(row, today, load(session).alert_days),
            events=tuple(Event(**each._mapping) for each in queries.events(session, action_id)),  # noqa: SLF001
            documents=tuple(documents.of_subject(session, (DOCUMENT, action_id))),
            acts=acts,
            waits=_waits(row.kind, standing, today) if may else None,
            today=today,
            may_handle=may,
        )


def _waits(kind: str, standing: Standing, today: date) -> str | None:
    """Why what comes next cannot be done today."""
    act = {"notice": "notice_issued", "filing": "filed"}.get(standing.state.next_step or "")
    return permitted.why_not(kind, standing.state, standing.events, act, today) if act else None


def of_borrower(session: Session, borrower_id: int, *, today: date, limit: int = 20) -> tuple[Action, ...]:
    """A borrower's actions, newest first, for an actor already let in."""
    days = load(session).alert_days
    return tuple(_action(row, today, days) for row in queries.of_borrower(session, borrower_id, limit=limit))


def for_borrower(actor: Actor, borrower_id: int) -> tuple[Action, ...]:
    """A borrower's actions, newest first; none for who may not see legal actions.

    Raises:
        NotFound: the borrower is not the actor's to see.
    """
    if not actor.may(Permission.VIEW_LEGAL):
        return ()
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return of_borrower(session, borrower_id, today=lender.load(session).today)


EXPORT_FIELDS: Final = (
    Field("number", "Action"),
    Field("kind", "Kind"),
    Field("borrower", "Borrower"),
    Field("loans", "Loans"),
    Field("amount", "Demanded"),
    Field("opened_on", "Opened on"),
    Field("status", "Status"),
    Field("next", "Next"),
    Field("next_by", "By"),
    Field("notice_on", "Notice sent"),
    Field("served_on", "Notice received"),
    Field("file_from", "May be filed from"),
    Field("file_by", "Last day to file"),
    Field("filed_on", "Filed on"),
    Field("hearing_on", "Next hearing"),
    Field("paid_amount", "Received in time"),
    Field("expenses", "Expenses"),
    Field("recoverable", "Recoverable"),
    Field("officer", "Legal officer"),
    Field("closed_on", "Closed on"),
    Field("close_reason", "Closed because"),
)


def export(actor: Actor, wanted: Wanted) -> list[dict[str, object]]:
    """All actions of a list as rows for a file, at most 20,000; without the borrower's name.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    return [_exported(row) for row in page(actor, wanted, limit=EXPORTED_AT_MOST).rows]


def _exported(row: Action) -> dict[str, object]:
    return {
        "number": row.number,
        "kind": KINDS[row.kind],
        "borrower": row.borrower_number,
        "loans": row.loan_numbers,
        "amount": row.amount,
        "opened_on": row.opened_on,
        "status": row.status_words,
        "next": row.next_words,
        "next_by": row.next_by,
        "notice_on": row.notice_on,
        "served_on": row.served_on,
        "file_from": row.file_from,
        "file_by": row.file_by,
        "filed_on": row.filed_on,
        "hearing_on": row.hearing_on,
        "paid_amount": row.paid_amount,
        "expenses": row.expenses,
        "recoverable": row.recoverable,
        "officer": row.officer_name,
        "closed_on": row.closed_on,
        "close_reason": CLOSE_REASONS[row.close_reason] if row.close_reason else None,
    }
