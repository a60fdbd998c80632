"""Quarters of disbursal at month-ends, from `vintage_month`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models.stands import VintageMonth
from db.queries.portfolio.scope import Scope, conditions


@dataclass(frozen=True, slots=True)
class VintageSum:
    """A quarter of disbursal at a month-end."""

    vintage_on: date
    as_of: date
    loans: int
    disbursed: Decimal
    loans_30: int
    loans_90: int
    outstanding_30: Decimal
    outstanding_90: Decimal


def vintage_sums(session: Session, scope: Scope, month_closes: Sequence[date]) -> list[VintageSum]:
    """Quarters at the given month closes. The aggregate carries no risk band: that filter does not apply."""
    keys = (VintageMonth.vintage_on, VintageMonth.as_of)
    statement = (
        select(
            *keys,
            func.sum(VintageMonth.loans),
            func.sum(VintageMonth.disbursed),
            func.sum(VintageMonth.loans_30),
            func.sum(VintageMonth.loans_90),
            func.sum(VintageMonth.outstanding_30),
            func.sum(VintageMonth.outstanding_90),
        )
        .where(VintageMonth.as_of.in_(month_closes), *conditions(scope, VintageMonth.segment_id))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [VintageSum(*row) for row in session.execute(statement)]
