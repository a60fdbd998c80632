"""Moves between month-ends, from `bucket_flow`: one statement for matrix, trends and flow chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models.stands import BucketFlow
from db.queries.portfolio.scope import Scope, conditions


@dataclass(frozen=True, slots=True)
class Flow:
    """Loans of the opening cohort that were in one bucket at the opening and in another, or out, at the closing."""

    opening_on: date
    closing_on: date
    from_bucket: int
    to_bucket: int
    loans: int
    amount: Decimal
    """Outstanding at the opening."""


def flow_sums(session: Session, scope: Scope, month_closes: Sequence[date]) -> list[Flow]:
    """Moves between the given month closes."""
    keys = (BucketFlow.opening_on, BucketFlow.closing_on, BucketFlow.from_bucket, BucketFlow.to_bucket)
    statement = (
        select(*keys, func.sum(BucketFlow.loans), func.sum(BucketFlow.amount))
        .where(
            BucketFlow.opening_on.in_(month_closes),
            BucketFlow.closing_on.in_(month_closes),
            *conditions(scope, BucketFlow.segment_id, BucketFlow.risk_band),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return [Flow(*row) for row in session.execute(statement)]
