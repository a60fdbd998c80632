"""Accounts behind a figure: keyset pages over loan states, or over a day-end's snapshot, with count and sums."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from db.models.owes import Borrower, Loan, Product, Segment
from db.models.stands import LoanSnapshot, LoanState
from db.models.work import Promise
from db.queries.portfolio.scope import Scope, conditions

if TYPE_CHECKING:
    from db.base import AnyRow

CLOSED, WRITTEN_OFF, NOT_REPORTED = 100, 101, 102


class AccountsOf(StrEnum):
    """Which accounts, before any other filter."""

    ACTIVE = "active"
    OVERDUE = "overdue"
    """Something is due and not paid."""
    PAST_DUE = "past_due"
    """In a bucket past due."""
    DEMAND_UNPAID = "demand_unpaid"
    """Part of what fell due in the month is not paid."""
    NPA = "npa"
    PROMISE_PENDING = "promise_pending"
    PROMISE_BROKEN = "promise_broken"
    """A promise broken in the month looked at."""


class SortBy(StrEnum):
    """Order of accounts, largest first; loan numbers ascending."""

    OVERDUE = "overdue"
    DPD = "dpd"
    OUTSTANDING = "outstanding"
    LOAN = "loan"


@dataclass(frozen=True, slots=True)
class Move:
    """Accounts of some buckets at a month-end, by where they were at a later one."""

    opening_on: date
    closing_on: date
    from_buckets: tuple[int, ...]
    to: tuple[int, ...]
    """Buckets at the closing, or ways out."""
    is_forward: bool = False
    """Only those in a worse bucket than at the opening, whichever `to` names."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts to list."""

    scope: Scope = field(default_factory=Scope)
    of: AccountsOf = AccountsOf.PAST_DUE
    buckets: tuple[int, ...] = ()
    """Empty: all that `of` leaves."""
    as_of: date | None = None
    """A closed day; None: as they stand now."""
    move: Move | None = None
    """Instead of `of`, `buckets` and `as_of`."""
    attribute: tuple[str, str] | None = None
    """Key and value of a column of the lender's own file."""

    @property
    def is_by_promise(self) -> bool:
        """Whether accounts are chosen by their promises."""
        return self.move is None and self.of in {AccountsOf.PROMISE_PENDING, AccountsOf.PROMISE_BROKEN}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins or ends: the account next to it."""

    value: Decimal
    loan_id: int
    is_backwards: bool = False
    """The page lies before the account."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the list."""

    loan_id: int
    borrower_id: int
    loan: str
    """The lender's loan number."""
    borrower: str
    product: str
    region: str | None
    branch: str | None
    status: str
    dpd: int
    bucket: int
    asset_class: str
    overdue_amount: Decimal
    outstanding: Decimal
    risk_band: int
    disbursed_on: date | None
    sort_value: Decimal


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """Count and sums of all accounts that a filter leaves."""

    accounts: int
    overdue_amount: Decimal
    outstanding: Decimal
    promises: int | None = None
    """Promises behind the accounts, where promises choose them: an account may have several."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The days by which promises choose accounts."""

    month_start: date
    """First day of the month in which broken promises count."""
    today: date
    """Its last day so far."""
    ended_at: datetime | None
    """When the past day that is looked at ended; None: promises as they stand now."""


def _base(chosen: AccountFilter, dates: Dates) -> Subquery:
    """Accounts that the filter leaves, one row a loan, without names."""
    if chosen.move is not None:
        statement = _moved(chosen.move, chosen.scope)
    elif chosen.as_of is not None:
        statement = _standing(LoanSnapshot, chosen).where(LoanSnapshot.as_of == chosen.as_of)
    else:
        statement = _standing(LoanState, chosen)
    loan_id = statement.selected_columns.loan_id
    if chosen.is_by_promise:
        statement = statement.where(loan_id.in_(select(Promise.loan_id).where(*_promised(chosen.of, dates))))
    if chosen.attribute is not None:
        key, value = chosen.attribute
        statement = statement.where(loan_id.in_(select(Loan.id).where(Loan.attributes[key].astext == value)))
    return statement.subquery("account")


def _standing(state: type[LoanState] | type[LoanSnapshot], chosen: AccountFilter) -> Select[*tuple[Any, ...]]:
    statement = select(
        state.loan_id,
        state.status,
        state.dpd,
        state.bucket,
        state.asset_class,
        state.overdue_amount,
        state.outstanding,
        state.risk_band,
    ).where(
        # a promise on a loan that was written off is a promise, and counts as one
        true() if chosen.is_by_promise else state.status == "active",
        *_kind(state, chosen.of),
        *conditions(chosen.scope, state.segment_id, state.risk_band),
    )
    return statement.where(state.bucket.in_(chosen.buckets)) if chosen.buckets else statement


def _kind(state: type[LoanState] | type[LoanSnapshot], of: AccountsOf) -> Iterator[ColumnElement[bool]]:
    match of:
        case AccountsOf.OVERDUE:
            yield state.overdue_amount > 0
        case AccountsOf.PAST_DUE:
            yield state.bucket > 0
        case AccountsOf.DEMAND_UNPAID:
            yield state.demand_mtd > state.collected_of_demand
        case AccountsOf.NPA:
            yield state.asset_class == "npa"
        case _:
            yield true()


def _promised(of: AccountsOf, dates: Dates) -> Iterator[ColumnElement[bool]]:
    """Which promises choose accounts, as `promise_day` counts them."""
    if of is AccountsOf.PROMISE_BROKEN:
        yield Promise.status == "broken"
        yield Promise.resolved_on.between(dates.month_start, dates.today)
    elif dates.ended_at is None:
        yield Promise.status == "pending"
    else:  # what was pending then may have been resolved or cancelled since
        yield Promise.promised_on <= dates.today
        yield or_(Promise.status == "pending", Promise.resolved_on.is_(None), Promise.resolved_on > dates.today)
        yield or_(Promise.cancelled_at.is_(None), Promise.cancelled_at >= dates.ended_at)


def _moved(move: Move, scope: Scope) -> Select[*tuple[Any, ...]]:
    """The cohort is frozen at the opening: segment and risk band are those of then, figures those of the closing."""
    opening, closing = aliased(LoanSnapshot), aliased(LoanSnapshot)
    return (
        select(
            opening.loan_id,
            func.coalesce(closing.status, "gone").label("status"),
            func.coalesce(closing.dpd, opening.dpd).label("dpd"),
            func.coalesce(closing.bucket, opening.bucket).label("bucket"),
            func.coalesce(closing.asset_class, opening.asset_class).label("asset_class"),
            func.coalesce(closing.overdue_amount, opening.overdue_amount).label("overdue_amount"),
            func.coalesce(closing.outstanding, opening.outstanding).label("outstanding"),
            func.coalesce(closing.risk_band, opening.risk_band).label("risk_band"),
        )
        .join(Loan, Loan.id == opening.loan_id)
        .outerjoin(closing, and_(closing.as_of == move.closing_on, closing.loan_id == opening.loan_id))
        .where(
            opening.as_of == move.opening_on,
            opening.status == "active",
            opening.bucket.in_(move.from_buckets),
            _went(opening, closing, move),
            *conditions(scope, opening.segment_id, opening.risk_band),
        )
    )


def _went(opening: Any, closing: Any, move: Move) -> ColumnElement[bool]:
    if move.is_forward:
        return and_(closing.status == "active", closing.bucket > opening.bucket)
    return or_(false(), *(_ended(closing, code, move.closing_on) for code in move.to))


def _ended(closing: Any, code: int, closing_on: date) -> ColumnElement[bool]:
    is_closed = or_(closing.status == "closed", and_(closing.status.is_(None), Loan.closed_on <= closing_on))
    is_written_off = or_(
        closing.status == "written_off", and_(closing.status.is_(None), Loan.written_off_on <= closing_on)
    )
    if code == CLOSED:
        return is_closed
    if code == WRITTEN_OFF:
        return and_(is_written_off, func.coalesce(is_closed, false()).is_(False))
    if code == NOT_REPORTED:
        left = or_(Loan.closed_on <= closing_on, Loan.written_off_on <= closing_on)
        return and_(closing.status.is_(None), func.coalesce(left, false()).is_(False))
    return and_(closing.status == "active", closing.bucket == code)


def _sort_column(base: FromClause, sort: SortBy) -> Any:
    return {
        SortBy.OVERDUE: base.c.overdue_amount,
        SortBy.DPD: base.c.dpd,
        SortBy.OUTSTANDING: base.c.outstanding,
        SortBy.LOAN: base.c.loan_id,
    }[sort]


def _page(base: Subquery, sort: SortBy, cursor: Cursor | None, limit: int) -> Subquery:
    value, loan_id = _sort_column(base, sort), base.c.loan_id
    is_back = cursor is not None and cursor.is_backwards
    falls = (sort is not SortBy.LOAN) != is_back
    statement = select(base, value.label("sort_value"))
    if cursor is not None:
        beyond = value < cursor.value if falls else value > cursor.value
        tie = loan_id < cursor.loan_id if is_back else loan_id > cursor.loan_id
        statement = statement.where(or_(beyond, and_(value == cursor.value, tie)))
    order = (value.desc() if falls else value, loan_id.desc() if is_back else loan_id)
    return statement.order_by(*order).limit(limit).subquery("page")


def _named(page: FromClause, sort: SortBy) -> Select[*tuple[Any, ...]]:
    """Names for a page of accounts, in its order."""
    value = page.c.sort_value
    return (
        select(
            page.c.loan_id,
            Loan.borrower_id,
            Loan.external_id,
            Borrower.name,
            Product.name,
            Segment.region,
            Segment.branch,
            page.c.status,
            page.c.dpd,
            page.c.bucket,
            page.c.asset_class,
            page.c.overdue_amount,
            page.c.outstanding,
            page.c.risk_band,
            Loan.disbursed_on,
            value,
        )
        .join(Loan, Loan.id == page.c.loan_id)
        .join(Borrower, Borrower.id == Loan.borrower_id)
        .join(Product, Product.id == Loan.product_id)
        .join(Segment, Segment.id == Loan.segment_id)
        .order_by(value if sort is SortBy.LOAN else value.desc(), page.c.loan_id)
    )


def account_page(
    session: Session,
    chosen: AccountFilter,
    *,
    sort: SortBy,
    cursor: Cursor | None,
    limit: int,
    dates: Dates,
) -> list[Account]:
    """One page of accounts.

    Args:
        session: a reading transaction.
        chosen: which accounts.
        sort: their order.
        cursor: the account next to the page; None: the first page.
        limit: most rows.
        dates: the days by which promises choose accounts.
    """
    page = _page(_base(chosen, dates), sort, cursor, limit)
    return [Account(*row) for row in session.execute(_named(page, sort))]


def all_accounts(
    session: Session, chosen: AccountFilter, *, sort: SortBy, limit: int, dates: Dates
) -> Iterator[Account]:
    """The first `limit` accounts, streamed from a server-side cursor."""
    page = _page(_base(chosen, dates), sort, None, limit)
    for row in session.execute(_named(page, sort), execution_options={"yield_per": 2000}):
        yield Account(*row)


def account_totals(session: Session, chosen: AccountFilter, *, dates: Dates) -> AccountTotals:
    """Count and sums of all accounts that the filter leaves."""
    base = _base(chosen, dates)
    statement = select(
        func.count(),
        func.coalesce(func.sum(base.c.overdue_amount), 0),
        func.coalesce(func.sum(base.c.outstanding), 0),
    ).select_from(base)
    row: AnyRow = session.execute(statement).one()
    promises = _promises(session, chosen, dates) if chosen.is_by_promise else None
    return AccountTotals(row[0], row[1], row[2], promises)


def _promises(session: Session, chosen: AccountFilter, dates: Dates) -> int:
    behind = select(_base(chosen, dates).c.loan_id)
    counted = select(func.count()).where(*_promised(chosen.of, dates), Promise.loan_id.in_(behind))
    return session.scalars(counted).one()


def has_day(session: Session, day: date) -> bool:
    """Whether a snapshot of a day is kept."""
    return session.scalar(select(LoanSnapshot.loan_id).where(LoanSnapshot.as_of == day).limit(1)) is not None


def attribute_keys(session: Session, *, sample: int = 2000) -> list[str]:
    """Columns of the lender's own file, as seen on the newest loans."""
    newest = select(Loan.attributes).order_by(Loan.id.desc()).limit(sample).subquery()
    key = func.jsonb_object_keys(newest.c.attributes).label("key")
    return list(session.scalars(select(key).distinct().order_by("key")))


def attribute_values(session: Session, key: str, *, sample: int = 2000, limit: int = 50) -> list[str]:
    """The commonest values of such a column on the newest loans."""
    newest = select(Loan.attributes[key].astext.label("value")).order_by(Loan.id.desc()).limit(sample).subquery()
    statement = (
        select(newest.c.value)
        .where(newest.c.value.is_not(None))
        .group_by(newest.c.value)
        .order_by(func.count().desc(), newest.c.value)
        .limit(limit)
    )
    return list(session.scalars(statement))
