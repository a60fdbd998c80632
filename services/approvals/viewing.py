"""Looking at requests: what waits for me, what I asked, what escalated, what is decided, and one with its facts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import approvals as queries
from db.queries import authority as authority_queries
from services import lender
from services.actors import Actor, Permission
from services.approvals import reach
from services.approvals.kinds import Fact, facts_of, label_of
from services.errors import NotFound, Refused

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A request as lists show it."""

    id: int
    kind: str
    subject: tuple[str, int]
    borrower_id: int | None
    borrower_number: str | None
    amount: Decimal | None
    percent: Decimal | None
    """0 to 100."""
    summary: str
    reason: str
    first_level: int
    level: int
    level_title: str
    status: str
    """waiting, approved, refused, withdrawn."""
    asked_at: datetime
    asked_by: int
    asked_by_name: str
    due_at: datetime | None
    decided_at: datetime | None
    decided_by_name: str | None
    decided_for_name: str | None
    decision_reason: str | None

    @property
    def label(self) -> str:
        """The kind as screens say it."""
        return label_of(self.kind)

    @property
    def is_escalated(self) -> bool:
        """Whether it went above the level it was asked of."""
        return self.level > self.first_level

    def age(self, now: datetime) -> timedelta:
        """How long it has waited, or waited until it was decided."""
        return (self.decided_at or now) - self.asked_at


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a request's history."""

    at: datetime
    event: str
    level: int
    level_title: str
    actor_name: str | None
    """None: the time limit."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One request with all that a decider needs."""

    request: Request
    history: tuple[Event, ...]
    facts: tuple[Fact, ...]
    may_decide: bool
    why_not: str | None
    """Why this actor may not decide it; None when they may, or when it is decided."""
    may_withdraw: bool
    stands_in_for: str | None
    """Whose authority the actor would use, when not their own."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of requests."""

    requests: tuple[Request, ...]
    total: int | None
    """How many there are in all; None where they are not counted."""
    next_key: int | None = None
    """Pass as `before`, or as `after` where the oldest stand first, for the next page; None when this is the last."""
    highest_held: int | None = None
    """The highest level that anybody holds: what waits above it is decided by nobody. None: not looked up."""


def inbox(actor: Actor, *, is_exact: bool = True) -> Page:
    """What waits for the actor, the most pressing first.

    Args:
        actor: who looks.
        is_exact: only what waits at the actor's own level, or at that of someone they stand in for; otherwise also
            what waits at lower levels, which they may decide as well.

    Raises:
        NotAllowed: the actor may not decide requests.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    with reading() as session:
        holding = reach.authorities(session, actor, lender.load(session).today)
        rows = queries.waiting_for(session, actor.id or 0, holding, is_exact=is_exact, limit=SHOWN)
    return _counted(rows)


def everything(actor: Actor, *, after: int | None = None, limit: int = SHOWN) -> Page:
    """All that waits, at whatever level, oldest first, and the highest level that anybody holds.

    Raises:
        NotAllowed: the actor may not decide requests.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    with reading() as session:
        page = _oldest(session, is_escalated=False, after=after, limit=limit)
        held = authority_queries.holders(session, reach.DECIDING)
    return replace(page, highest_held=max((row.level for row in held), default=0))


def escalated(actor: Actor, *, after: int | None = None, limit: int = SHOWN) -> Page:
    """What waits above the level it was asked of, oldest first.

    Raises:
        NotAllowed: the actor may not decide requests.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    with reading() as session:
        return _oldest(session, is_escalated=True, after=after, limit=limit)


def _oldest(session: Session, *, is_escalated: bool, after: int | None, limit: int) -> Page:
    rows = queries.waiting_all(session, is_escalated=is_escalated, after=after, limit=limit + 1)
    return replace(_keyed(rows, limit), total=rows[0].total if rows else 0)


def asked_by_me(actor: Actor, *, before: int | None = None, limit: int = 50) -> Page:
    """What the actor asked for, newest first.

    Raises:
        NotAllowed: the actor may not see requests.
    """
    actor.require(Permission.VIEW_REQUESTS)
    with reading() as session:
        return _keyed(queries.asked_by(session, actor.id or 0, before=before, limit=limit + 1), limit)


def decided(actor: Actor, *, before: int | None = None, is_mine: bool = False, limit: int = 50) -> Page:
    """What is decided or taken back, newest request first; with `is_mine` only what the actor decided.

    Raises:
        NotAllowed: the actor may not decide requests.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    with reading() as session:
        rows = queries.decided(session, decided_by=actor.id if is_mine else None, before=before, limit=limit + 1)
        return _keyed(rows, limit)


def detail(actor: Actor, request_id: int) -> Detail:
    """One request, its facts and history, and whether the actor may decide it.

    Raises:
        NotAllowed: the actor may not see requests.
        NotFound: it is not there, or neither the actor's own nor theirs to decide.
    """
    actor.require(Permission.VIEW_REQUESTS)
    with reading() as session:
        row = queries.by_id(session, request_id)
        if row is None or not (row.asked_by == actor.id or actor.may(Permission.DECIDE_REQUESTS)):
            raise NotFound("That request is not there, or not yours to see.")
        is_mine = row.asked_by == actor.id
        is_waiting = row.status == "waiting"
        why_not, stands_in_for = _standing(session, actor, row) if is_waiting and not is_mine else (None, None)
        return Detail(
            request=_request(row),
            history=tuple(Event(**event._mapping) for event in queries.history(session, request_id)),  # noqa: SLF001
            facts=facts_of(session, row.kind, row.subject_id),
            may_decide=is_waiting and not is_mine and why_not is None,
            why_not=why_not,
            may_withdraw=is_waiting and is_mine,
            stands_in_for=stands_in_for,
        )


def _standing(session: Session, actor: Actor, row: AnyRow) -> tuple[str | None, str | None]:
    """Why the actor may not decide, and for whom they would decide."""
    from db.queries import users

    holding = reach.authorities(session, actor, lender.load(session).today)
    try:
        holder = reach.authority_for(session, actor, row, holding)
    except Refused as refusal:
        return refusal.message, None
    user = users.with_id(session, holder) if holder != actor.id else None
    return None, user.name if user is not None else None


def of_subject(session: Session, subject: tuple[str, int], *, kind: str) -> Request | None:
    """The newest request of a kind about a subject, in the caller's transaction."""
    row = queries.of_subject(session, subject, kind=kind)
    return None if row is None else _request(row)


def _counted(rows: Sequence[AnyRow]) -> Page:
    return Page(tuple(_request(row) for row in rows), rows[0].total if rows else 0)


def _keyed(rows: Sequence[AnyRow], limit: int) -> Page:
    shown = rows[:limit]
    return Page(tuple(_request(row) for row in shown), None, shown[-1].id if len(rows) > limit else None)


def _request(row: AnyRow) -> Request:
    plain = [name for name in Request.__slots__ if name != "subject"]
    return Request(subject=(row.subject_kind, row.subject_id), **{name: getattr(row, name) for name in plain})
