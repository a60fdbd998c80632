"""Statements of the work queue: lists of open cases by priority, and claims on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

from db.models.access import AppUser
from db.models.case_people import CasePerson
from db.models.owes import Borrower, Product, Segment
from db.models.work import CollectionCase, FollowUp

_case = CollectionCase.__table__.c
"""Columns of the table rather than the model, which are quicker to ask for."""
_owner = aliased(AppUser)
_holder = aliased(AppUser)


class Tab(StrEnum):
    """The lists of the queue."""

    NOW = "now"
    CALL_BACKS = "call-backs"
    PROMISES = "promises"
    BROKEN = "broken"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases a list shows; an empty field asks nothing."""

    owner_id: int | None = None
    """Cases of this user."""
    is_unallocated: bool = False
    """Cases that nobody has."""
    participant_id: int | None = None
    """Cases in which this user has a role beside the owner."""
    stages: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()
    risk_bands: tuple[int, ...] = ()
    product_id: int | None = None
    region: str | None = None
    branch: str | None = None
    attribute: str | None = None
    """Value of the lender's own segment attribute."""
    at_least: Decimal | None = None
    """Overdue amount, in the lender's currency."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the next page starts after it."""

    priority: int
    case_id: int
    due_at: datetime | None = None
    """When it is to be called back: what the list of call-backs goes by."""


def _in_tab(tab: Tab, today: date | ColumnElement[date]) -> ColumnElement[bool]:
    if tab is Tab.NOW:
        is_due = or_(_case.next_action_on.is_(None), _case.next_action_on <= today)
        is_held = and_(_case.next_action == "review_hold", _case.next_action_on.is_(None))
        return and_(is_due, ~func.coalesce(is_held, False))
    if tab is Tab.CALL_BACKS:
        return select(FollowUp.id).where(FollowUp.borrower_id == _case.borrower_id, FollowUp.done_at.is_(None)).exists()
    if tab is Tab.PROMISES:
        return _case.promise_due_on <= today
    return _case.has_broken_promise.is_(True) if tab is Tab.BROKEN else true()


def _waits(today: ColumnElement[date], at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether the borrower is to be called back later on this day. Asked only of cases that are for today."""
    due_at = select(func.min(FollowUp.due_at)).where(
        FollowUp.borrower_id == _case.borrower_id, FollowUp.done_at.is_(None)
    )
    return and_(_case.next_action_on == today, due_at.scalar_subquery() > at)


def _matching(statement: Select[*tuple[Any, ...]], wanted: QueueFilter) -> Select[*tuple[Any, ...]]:
    statement = statement.where(_case.closed_on.is_(None))
    if wanted.owner_id is not None:
        statement = statement.where(_case.owner_id == wanted.owner_id)
    if wanted.is_unallocated:
        statement = statement.where(_case.owner_id.is_(None))
    if wanted.participant_id is not None:
        statement = statement.where(_case.id.in_(_taking_part(wanted.participant_id)))
    if wanted.stages:
        statement = statement.where(_case.stage.in_(wanted.stages))
    if wanted.buckets:
        statement = statement.where(_case.bucket.in_(wanted.buckets))
    if wanted.risk_bands:
        statement = statement.where(_case.risk_band.in_(wanted.risk_bands))
    if wanted.at_least is not None:
        statement = statement.where(_case.overdue_amount >= wanted.at_least)
    segments = _segments(wanted)
    return statement if segments is None else statement.where(_case.segment_id.in_(segments))


def _taking_part(user_id: int) -> Select[int]:
    return select(CasePerson.case_id).where(CasePerson.user_id == user_id, CasePerson.removed_at.is_(None))


def _segments(wanted: QueueFilter) -> Select[int] | None:
    asked = {
        Segment.product_id: wanted.product_id,
        Segment.region: wanted.region,
        Segment.branch: wanted.branch,
        Segment.attribute: wanted.attribute,
    }
    conditions = [column == value for column, value in asked.items() if value is not None]
    return select(Segment.id).where(*conditions) if conditions else None


ROW_COLUMNS = (
    CollectionCase.id.label("case_id"),
    CollectionCase.borrower_id,
    Borrower.name,
    Borrower.external_id.label("number"),
    CollectionCase.priority,
    CollectionCase.priority_reasons,
    CollectionCase.loans,
    CollectionCase.max_dpd,
    CollectionCase.bucket,
    CollectionCase.risk_band,
    CollectionCase.overdue_amount,
    CollectionCase.outstanding,
    CollectionCase.stage,
    CollectionCase.next_action,
    CollectionCase.next_action_on,
    CollectionCase.last_contact_at,
    CollectionCase.last_outcome,
    CollectionCase.promise_due_on,
    CollectionCase.promise_amount,
    CollectionCase.has_broken_promise,
    CollectionCase.owner_id,
    _owner.name.label("owner_name"),
    CollectionCase.held_by,
    _holder.name.label("holder_name"),
    CollectionCase.held_until,
)


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(*ROW_COLUMNS)
        .join(Borrower, Borrower.id == CollectionCase.borrower_id)
        .outerjoin(_owner, _owner.id == CollectionCase.owner_id)
        .outerjoin(_holder, _holder.id == CollectionCase.held_by)
    )


def _is_after(priority: int | ColumnElement[int], case_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    # the first part lets the index begin at the priority; the second passes over what was seen of it
    return and_(_case.priority <= priority, or_(_case.priority < priority, _case.id > case_id))


def page(
    session: Session, wanted: QueueFilter, tab: Tab, *, today: date, after: Cursor | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """A page of cases, highest priority first; of call-backs by their time."""
    statement = _matching(_rows(), wanted)
    if tab is Tab.CALL_BACKS:
        return session.execute(_by_time(statement, after).limit(limit)).all()
    statement = statement.where(_in_tab(tab, today))
    if after is not None:
        statement = statement.where(_is_after(after.priority, after.case_id))
    return session.execute(statement.order_by(CollectionCase.priority.desc(), CollectionCase.id).limit(limit)).all()


def _by_time(statement: Select[*tuple[Any, ...]], after: Cursor | None) -> Select[*tuple[Any, ...]]:
    """Cases with a call-back, the earliest first."""
    due = (
        select(FollowUp.borrower_id, func.min(FollowUp.due_at).label("due_at"))
        .where(FollowUp.done_at.is_(None))
        .group_by(FollowUp.borrower_id)
        .subquery()
    )
    statement = statement.join(due, due.c.borrower_id == CollectionCase.borrower_id)
    if after is not None:
        statement = statement.where(tuple_(due.c.due_at, CollectionCase.id) > (after.due_at, after.case_id))
    return statement.order_by(due.c.due_at, CollectionCase.id)


def case_row(session: Session, case_id: int) -> Row[*tuple[Any, ...]] | None:
    """One open case as lists show it."""
    statement = _rows().where(CollectionCase.id == case_id, CollectionCase.closed_on.is_(None))
    return session.execute(statement).one_or_none()


def counts(session: Session, wanted: QueueFilter, *, today: date, at_most: int) -> dict[Tab, int]:
    """How many cases each tab holds, counted no further than `at_most`, so that it costs the same on any book."""
    columns = []
    for tab in Tab:
        some = _matching(select(literal(1)).select_from(CollectionCase), wanted).where(_in_tab(tab, today))
        columns.append(select(func.count()).select_from(some.limit(at_most).subquery()).scalar_subquery())
    found = session.execute(select(*columns)).one()
    return dict(zip(Tab, found, strict=True))


def sums(session: Session, wanted: QueueFilter, tab: Tab, *, today: date) -> Row[int, Decimal]:
    """How many cases match and what is overdue on them, in full."""
    statement = _matching(
        select(func.count(), func.coalesce(func.sum(CollectionCase.overdue_amount), Decimal(0))), wanted
    )
    return session.execute(statement.where(_in_tab(tab, today))).one()


def matching_ids(session: Session, wanted: QueueFilter, tab: Tab, *, today: date) -> list[int]:
    """Ids of all cases that match, highest priority first."""
    statement = _matching(select(CollectionCase.id), wanted).where(_in_tab(tab, today))
    return list(session.execute(statement.order_by(CollectionCase.priority.desc(), CollectionCase.id)).scalars())


def candidates(
    session: Session,
    wanted: QueueFilter,
    user_id: int,
    *,
    today: date,
    at: datetime,
    after: Cursor | None,
    but: int | None,
    limit: int,
) -> Sequence[Row[int, int, int]]:
    """Cases to be worked now that nobody else has open, highest priority first: id, borrower and priority.

    Who asked to be called back later today is left alone until then. It reads the index of the list from its top and
    stops at `limit`, whatever the size of the book.
    """
    statement = _candidates(wanted, is_first=after is None, has_but=but is not None)
    priority, last_id = (after.priority, after.case_id) if after else (0, 0)
    return session.execute(
        statement,
        {"me": user_id, "today": today, "at": at, "but": but, "priority": priority, "last_id": last_id, "most": limit},
    ).all()


@lru_cache(maxsize=256)
def _candidates(wanted: QueueFilter, *, is_first: bool, has_but: bool) -> Select[int, int, int]:
    """The statement for a filter, made once: putting it together takes longer than its answer."""
    me, at = bindparam("me", type_=BigInteger), bindparam("at", type_=DateTime(timezone=True))
    today = bindparam("today", type_=Date)
    is_free = or_(_case.held_by.is_(None), _case.held_by == me, _case.held_until <= at)
    statement = _matching(select(_case.id, _case.borrower_id, _case.priority), wanted)
    waits = func.coalesce(_waits(today, at), literal(value=False))
    statement = statement.where(_in_tab(Tab.NOW, today), is_free, ~waits)
    if has_but:
        statement = statement.where(_case.id != bindparam("but", type_=BigInteger))
    if not is_first:
        statement = statement.where(
            _is_after(bindparam("priority", type_=Integer), bindparam("last_id", type_=BigInteger))
        )
    return statement.order_by(_case.priority.desc(), _case.id).limit(bindparam("most", type_=Integer))


def claim(session: Session, case_id: int, user_id: int, *, at: datetime, until: datetime) -> bool:
    """Hold an open case for a user, unless someone else holds it; whether the claim was won."""
    changed = session.execute(
        update(CollectionCase)
        .where(
            CollectionCase.id == case_id,
            CollectionCase.closed_on.is_(None),
            or_(
                CollectionCase.held_by.is_(None),
                CollectionCase.held_by == user_id,
                CollectionCase.held_until <= at,
            ),
        )
        .values(held_by=user_id, held_until=until)
        .returning(CollectionCase.id)
    ).first()
    return changed is not None


def claim_first(
    session: Session, case_ids: Sequence[int], user_id: int, *, at: datetime, until: datetime
) -> int | None:
    """Hold the first case of a list that is free, and let go of others that the user holds; its id.

    Cases that others are claiming this moment are passed over.
    """
    values = {"ids": list(case_ids), "user_id": user_id, "at": at, "until": until}
    return session.execute(_CLAIM_FIRST, values).scalar_one_or_none()


_CLAIM_FIRST = text("""
    WITH best AS (
        SELECT c.id
        FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS wanted (id, place)
        JOIN collection_case c ON c.id = wanted.id
        WHERE c.closed_on IS NULL AND (c.held_by IS NULL OR c.held_by = :user_id OR c.held_until <= :at)
        ORDER BY wanted.place LIMIT 1
        FOR UPDATE OF c SKIP LOCKED
    ), claimed AS (
        UPDATE collection_case c SET held_by = :user_id, held_until = :until FROM best WHERE c.id = best.id
        RETURNING c.id
    ), let_go AS (
        UPDATE collection_case c SET held_by = NULL, held_until = NULL
        FROM best WHERE c.held_by = :user_id AND c.id <> best.id
    )
    SELECT id FROM claimed
""")


def release(session: Session, user_id: int, *, but: int | None = None) -> list[int]:
    """Let go of the cases that a user holds, all but one; ids of those let go."""
    statement = update(CollectionCase).where(CollectionCase.held_by == user_id)
    if but is not None:
        statement = statement.where(CollectionCase.id != but)
    released = session.execute(statement.values(held_by=None, held_until=None).returning(CollectionCase.id))
    return list(released.scalars())


def products(session: Session) -> Sequence[Row[int, str]]:
    """Products, for the filter."""
    return session.execute(select(Product.id, Product.name).order_by(Product.name)).all()


def segment_values(session: Session) -> dict[str, list[str]]:
    """Regions, branches and values of the lender's attribute, for the filters, by the segment's column."""
    names = ("region", "branch", "attribute")
    rows = session.execute(select(Segment.region, Segment.branch, Segment.attribute)).all()
    return {name: sorted({value for row in rows if (value := getattr(row, name)) is not None}) for name in names}


def work_of_day(session: Session, user_ids: Sequence[int], *, since: datetime, today: date) -> Row[*tuple[Any, ...]]:
    """Contacts, right-party contacts and promises that users recorded on a day, which began at `since`."""
    statement = text("""
        SELECT count(*) AS contacts, count(*) FILTER (WHERE d.is_right_party) AS right_party,
               count(DISTINCT a.borrower_id) AS borrowers,
               (SELECT count(*) FROM promise p
                WHERE p.recorded_by = ANY(CAST(:ids AS bigint[])) AND p.promised_on = :today
                  AND p.status <> 'cancelled' AND p.part = 1) AS promises,
               (SELECT coalesce(sum(p.amount), 0) FROM promise p
                WHERE p.recorded_by = ANY(CAST(:ids AS bigint[])) AND p.promised_on = :today
                  AND p.status <> 'cancelled') AS promised
        FROM contact_attempt a JOIN disposition d ON d.code = a.outcome
        WHERE a.recorded_by = ANY(CAST(:ids AS bigint[])) AND a.at >= :since
    """)
    return session.execute(statement, {"ids": list(user_ids), "since": since, "today": today}).one()


def collected(session: Session, owner_id: int, *, today: date) -> Decimal:
    """Payments of a day on loans of the borrowers whose cases a user has, or had when they were closed that day."""
    statement = text("""
        WITH mine AS (
            SELECT c.borrower_id FROM collection_case c WHERE c.owner_id = :owner_id AND c.closed_on IS NULL
            UNION
            SELECT c.borrower_id FROM collection_case c WHERE c.owner_id = :owner_id AND c.closed_on = :today
        )
        SELECT coalesce(sum(CASE y.kind WHEN 'payment' THEN y.amount ELSE -y.amount END), 0)
        FROM mine m
        JOIN loan l ON l.borrower_id = m.borrower_id
        JOIN payment y ON y.loan_id = l.id AND y.paid_on = :today
    """)
    return Decimal(session.execute(statement, {"owner_id": owner_id, "today": today}).scalar_one())
