"""Promises in figures: as they stand now, and as they stood at day-ends (`promise_day`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, func, or_, select, text
from sqlalchemy.orm import Session

from db.models.owes import Loan
from db.models.stands import LoanState, PromiseDay
from db.models.work import Promise
from db.queries.portfolio.scope import Scope, conditions

if TYPE_CHECKING:
    from db.base import AnyRow


@dataclass(frozen=True, slots=True)
class PromiseSum:
    """Promises at a moment: pending then, and how those resolved in its month ended."""

    as_of: date
    pending: int
    pending_amount: Decimal
    kept_mtd: int
    partly_kept_mtd: int
    broken_mtd: int
    broken_amount_mtd: Decimal
    """Promised and not paid, of the broken."""


def promises_now(session: Session, scope: Scope, *, month_start: date, today: date) -> PromiseSum:
    """Promises as they stand in this transaction; reads the pending ones and those resolved since `month_start`."""
    status = Promise.status
    statement = select(
        func.count().filter(status == "pending"),
        func.coalesce(func.sum(Promise.amount).filter(status == "pending"), 0),
        func.count().filter(status == "kept"),
        func.count().filter(status == "partly_kept"),
        func.count().filter(status == "broken"),
        func.coalesce(func.sum(Promise.amount - Promise.paid_amount).filter(status == "broken"), 0),
    ).where(or_(status == "pending", and_(Promise.resolved_on >= month_start, Promise.resolved_on <= today)))
    row: AnyRow = session.execute(_of_scope(statement, scope)).one()
    return PromiseSum(today, *row)


_Counts = Select[int, Decimal, int, int, int, Decimal]


def _of_scope(statement: _Counts, scope: Scope) -> _Counts:
    if scope.is_whole_book:
        return statement
    segment = conditions(scope, Loan.segment_id)
    joined = statement.join(Loan, Loan.id == Promise.loan_id).where(*segment)
    if not scope.risk_bands:
        return joined
    return joined.join(LoanState, LoanState.loan_id == Promise.loan_id).where(LoanState.risk_band.in_(scope.risk_bands))


def promises_at(session: Session, scope: Scope, days: Sequence[date]) -> list[PromiseSum]:
    """Promises as they stood at closed days."""
    statement = (
        select(
            PromiseDay.as_of,
            func.sum(PromiseDay.pending),
            func.sum(PromiseDay.pending_amount),
            func.sum(PromiseDay.kept_mtd),
            func.sum(PromiseDay.partly_kept_mtd),
            func.sum(PromiseDay.broken_mtd),
            func.sum(PromiseDay.broken_amount_mtd),
        )
        .where(PromiseDay.as_of.in_(days), *conditions(scope, PromiseDay.segment_id, PromiseDay.risk_band))
        .group_by(PromiseDay.as_of)
        .order_by(PromiseDay.as_of)
    )
    return [PromiseSum(*row) for row in session.execute(statement)]


_DELETE_DAY = text("DELETE FROM promise_day WHERE as_of = :as_of")
# A promise pending at the day-end may have been resolved or cancelled since: both are judged as of the day. The risk
# band is the one of the day's snapshot; a loan without one (closed, or not yet reported) counts as not scored.
_INSERT_DAY = text(
    """
    INSERT INTO promise_day (as_of, segment_id, risk_band, pending, pending_amount,
                             kept_mtd, partly_kept_mtd, broken_mtd, broken_amount_mtd)
    SELECT CAST(:as_of AS date), loan.segment_id, coalesce(snapshot.risk_band, 0),
           count(*) FILTER (WHERE judged.is_pending),
           coalesce(sum(promise.amount) FILTER (WHERE judged.is_pending), 0),
           count(*) FILTER (WHERE judged.is_resolved AND promise.status = 'kept'),
           count(*) FILTER (WHERE judged.is_resolved AND promise.status = 'partly_kept'),
           count(*) FILTER (WHERE judged.is_resolved AND promise.status = 'broken'),
           coalesce(sum(promise.amount - promise.paid_amount)
                    FILTER (WHERE judged.is_resolved AND promise.status = 'broken'), 0)
    FROM promise
    CROSS JOIN LATERAL (
        SELECT promise.promised_on <= :as_of
               AND (promise.status = 'pending' OR coalesce(promise.resolved_on, :end_of_time) > :as_of)
               AND (promise.cancelled_at IS NULL OR promise.cancelled_at >= :end_of_day) AS is_pending,
               coalesce(promise.resolved_on BETWEEN date_trunc('month', CAST(:as_of AS date))::date AND :as_of, false)
               AS is_resolved
    ) AS judged
    JOIN loan ON loan.id = promise.loan_id
    LEFT JOIN loan_snapshot AS snapshot ON snapshot.as_of = :as_of AND snapshot.loan_id = promise.loan_id
    WHERE (promise.status = 'pending' OR promise.resolved_on >= date_trunc('month', CAST(:as_of AS date))::date
           OR promise.cancelled_at >= :end_of_day)
      AND (judged.is_pending OR judged.is_resolved)
    GROUP BY loan.segment_id, coalesce(snapshot.risk_band, 0)
    """
)


def replace_promise_day(session: Session, as_of: date, *, end_of_day: datetime) -> None:
    """Summarise promises as of a closed day, in place of an earlier summary of it.

    Args:
        session: the transaction of the close.
        as_of: the business date.
        end_of_day: the moment at which the business date ended (aware datetime).
    """
    session.execute(_DELETE_DAY, {"as_of": as_of})
    values = {"as_of": as_of, "end_of_day": end_of_day, "end_of_time": date.max}
    session.execute(_INSERT_DAY, values)
