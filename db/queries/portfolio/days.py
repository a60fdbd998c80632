"""The book at day-ends, from `portfolio_day`: one statement for all headline figures, trends and buckets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from db.models.stands import PortfolioDay
from db.queries.portfolio.scope import Scope, conditions

if TYPE_CHECKING:
    from db.base import AnyRow

# steps from month to month by the primary key instead of reading every day
_MONTH_CLOSES = text(
    """
    WITH RECURSIVE closes AS (
        SELECT max(as_of) AS as_of FROM portfolio_day
        UNION ALL
        SELECT (SELECT max(day.as_of) FROM portfolio_day AS day
                WHERE day.as_of < date_trunc('month', closes.as_of)::date)
        FROM closes WHERE closes.as_of IS NOT NULL
    )
    SELECT as_of FROM closes WHERE as_of IS NOT NULL ORDER BY as_of
    """
)


@dataclass(frozen=True, slots=True)
class DaySum:
    """The loans of a bucket and asset class at a day-end."""

    as_of: date
    bucket: int
    asset_class: str
    loans: int
    outstanding: Decimal
    overdue_amount: Decimal
    demand_mtd: Decimal
    collected_mtd: Decimal
    collected_of_demand: Decimal


def month_closes(session: Session) -> tuple[date, ...]:
    """The last closed day of each month that has one, oldest first. The newest may lie within its month."""
    return tuple(session.scalars(_MONTH_CLOSES))


def day_sums(
    session: Session, scope: Scope, days: Sequence[date], *, with_day_before: date
) -> tuple[list[DaySum], date | None]:
    """Sums by day, bucket and class.

    Args:
        session: a reading transaction.
        scope: part of the book.
        days: closed days.
        with_day_before: adds the last closed day before this one.

    Returns:
        The sums, and that day before: of the book, since a part of it may have had no account then. None without one,
        or without sums.
    """
    before = select(func.max(PortfolioDay.as_of)).where(PortfolioDay.as_of < with_day_before).scalar_subquery()
    day = or_(PortfolioDay.as_of.in_(days), PortfolioDay.as_of == before)
    keys = (PortfolioDay.as_of, PortfolioDay.bucket, PortfolioDay.asset_class)
    statement = (
        select(
            *keys,
            func.sum(PortfolioDay.loans),
            func.sum(PortfolioDay.outstanding),
            func.sum(PortfolioDay.overdue_amount),
            func.sum(PortfolioDay.demand_mtd),
            func.sum(PortfolioDay.collected_mtd),
            func.sum(PortfolioDay.collected_of_demand),
            before,
        )
        .where(day, *conditions(scope, PortfolioDay.segment_id, PortfolioDay.risk_band))
        .group_by(*keys)
        .order_by(*keys)
    )
    rows: Sequence[AnyRow] = session.execute(statement).all()
    return [DaySum(*row[:-1]) for row in rows], rows[0][-1] if rows else None
