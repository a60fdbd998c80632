"""Vintage curves: how quarters of disbursal went bad with age."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from db.engine import reading
from db.queries.portfolio.vintages import VintageSum, vintage_sums
from services.actors import Actor, Permission
from services.portfolio.filtering import PortfolioFilter, month_number, period
from services.portfolio.rolls import Measure

MONTHS_BACK = 60
YOUNGEST = 10
"""Fewer loans than this make no curve."""


@dataclass(frozen=True, slots=True)
class VintagePoint:
    """A quarter at a month-end."""

    as_of: date
    month: int
    """Months since the month in which the quarter begins."""
    loans: int
    loans_30: int
    loans_90: int
    share_30: Decimal | None
    share_90: Decimal | None


@dataclass(frozen=True, slots=True)
class Vintage:
    """A quarter of disbursal and its curve."""

    starts_on: date
    points: tuple[VintagePoint, ...]

    @property
    def label(self) -> str:
        """The quarter, such as 'Q2 2025' (calendar quarters)."""
        return f"Q{(self.starts_on.month + 2) // 3} {self.starts_on.year}"


def vintages(
    actor: Actor, chosen: PortfolioFilter, month: date | None = None, *, measure: Measure = Measure.COUNT
) -> tuple[Vintage, ...]:
    """Curves of 30+ and 90+ by quarter of disbursal, oldest first, up to the chosen month.

    The risk band does not narrow them: it is not known at disbursal.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        when = period(session, month, months_back=MONTHS_BACK)
        rows = vintage_sums(session, chosen, when.closes) if when is not None else []
    grouped: dict[date, list[VintagePoint]] = {}
    for row in rows:
        grouped.setdefault(row.vintage_on, []).append(_point(row, measure))
    curves = (Vintage(starts_on, tuple(points)) for starts_on, points in sorted(grouped.items()))
    return tuple(curve for curve in curves if curve.points[-1].loans >= YOUNGEST)


def _point(row: VintageSum, measure: Measure) -> VintagePoint:
    is_count = measure is Measure.COUNT
    whole = Decimal(row.loans) if is_count else row.disbursed
    bad_30 = Decimal(row.loans_30) if is_count else row.outstanding_30
    bad_90 = Decimal(row.loans_90) if is_count else row.outstanding_90
    return VintagePoint(
        as_of=row.as_of,
        month=month_number(row.as_of) - month_number(row.vintage_on),
        loans=row.loans,
        loans_30=row.loans_30,
        loans_90=row.loans_90,
        share_30=bad_30 / whole if whole else None,
        share_90=bad_90 / whole if whole else None,
    )
