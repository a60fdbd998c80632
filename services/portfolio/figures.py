"""Headline figures with their trend, and the buckets against the month's start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from db.queries.portfolio.days import DaySum
from db.queries.portfolio.promises import PromiseSum
from services.portfolio.definitions import FigureKey
from services.portfolio.filtering import Period, opening_of

OUT = 100
"""Bucket codes from here on are ways out of the book."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class BucketSum:
    """The loans of a bucket at a day-end."""

    loans: int = 0
    outstanding: Decimal = ZERO
    overdue: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class DayTotals:
    """The book, or part of it, at a day-end."""

    buckets: Mapping[int, BucketSum]
    npa_loans: int = 0
    npa_outstanding: Decimal = ZERO
    demand: Decimal = ZERO
    collected: Decimal = ZERO
    collected_of_demand: Decimal = ZERO

    @property
    def loans(self) -> int:
        """Active loans."""
        return sum(bucket.loans for bucket in self.buckets.values())

    @property
    def outstanding(self) -> Decimal:
        """Principal not yet repaid, of active loans."""
        return sum((bucket.outstanding for bucket in self.buckets.values()), ZERO)

    @property
    def overdue(self) -> Decimal:
        """Due and not paid, of active loans."""
        return sum((bucket.overdue for bucket in self.buckets.values()), ZERO)

    @property
    def delinquent(self) -> int:
        """Active loans in a bucket past due."""
        return sum(bucket.loans for code, bucket in self.buckets.items() if code > 0)


def totals_by_day(rows: Iterable[DaySum]) -> dict[date, DayTotals]:
    """Add up rows by day."""
    grouped: dict[date, list[DaySum]] = {}
    for row in rows:
        grouped.setdefault(row.as_of, []).append(row)
    return {day: _totals(group) for day, group in grouped.items()}


def _totals(rows: list[DaySum]) -> DayTotals:
    active = [row for row in rows if row.bucket < OUT]
    npa = [row for row in active if row.asset_class == "npa"]
    return DayTotals(
        buckets={
            code: _bucket([row for row in active if row.bucket == code]) for code in {row.bucket for row in active}
        },
        npa_loans=sum(row.loans for row in npa),
        npa_outstanding=sum((row.outstanding for row in npa), ZERO),
        demand=sum((row.demand_mtd for row in rows), ZERO),
        collected=sum((row.collected_mtd for row in rows), ZERO),
        collected_of_demand=sum((row.collected_of_demand for row in rows), ZERO),
    )


def _bucket(rows: list[DaySum]) -> BucketSum:
    return BucketSum(
        loans=sum(row.loans for row in rows),
        outstanding=sum((row.outstanding for row in rows), ZERO),
        overdue=sum((row.overdue_amount for row in rows), ZERO),
    )


def efficiency(day: DayTotals) -> Decimal | None:
    """Collection efficiency excluding arrears; None: nothing fell due."""
    return day.collected_of_demand / day.demand if day.demand else None


def efficiency_with_arrears(day: DayTotals, opening: DayTotals | None) -> Decimal | None:
    """Collection efficiency including arrears; None: nothing to collect, or the opening arrears are not known."""
    if opening is None or not (to_collect := day.demand + opening.overdue):
        return None
    return day.collected / to_collect


def recovery(day: DayTotals, opening: DayTotals | None) -> Decimal | None:
    """Collected on overdue ÷ overdue assigned; None: nothing assigned, or the opening arrears are not known.

    The numerator is the lesser of two: money beyond what paid the month's demand (which holds advances), and the fall
    of the overdue assigned (which holds write-offs). Neither an advance nor a write-off is a recovery.
    """
    if opening is None or not (assigned := opening.overdue + day.demand - day.collected_of_demand):
        return None
    beyond_demand = day.collected - day.collected_of_demand
    return max(min(beyond_demand, assigned - day.overdue), ZERO) / assigned


def npa_share(day: DayTotals) -> Decimal | None:
    """NPA outstanding ÷ outstanding; None: nothing outstanding."""
    return day.npa_outstanding / day.outstanding if day.outstanding else None


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure, its second reading and its trend."""

    key: FigureKey
    value: Decimal | None
    """Money, a count, or a share of 1; None: cannot be told, or there is nothing to tell."""
    second: Decimal | None
    """Active loans (delinquent), efficiency including arrears, broken promises, loans (NPA); None: none."""
    previous: Decimal | None
    """Value at the last day-end of the month before."""
    trend: tuple[tuple[date, Decimal | None], ...]
    """Value at the month closes, oldest first, the last being the day itself."""
    amount: Decimal | None = None
    """Money behind a count: pending promises."""


def headline(period: Period, days: Mapping[date, DayTotals], promises: Mapping[date, PromiseSum]) -> tuple[Figure, ...]:
    """The six figures at the day looked at, with up to twelve months of trend."""
    today = days.get(period.as_of, DayTotals({}))
    openings = {close: _opening(close, period, days) for close in period.closes}
    shown = [(close, days.get(close, DayTotals({}))) for close in period.closes[-12:]]

    def figure(key: FigureKey, values: list[Decimal | None], second: Decimal | None = None) -> Figure:
        trend = tuple(zip([close for close, _ in shown], values, strict=True))
        previous = dict(trend).get(period.opening_on) if period.opening_on else None
        return Figure(key, values[-1], second, previous, trend)

    return (
        figure(FigureKey.OVERDUE, [day.overdue for _, day in shown]),
        figure(FigureKey.DELINQUENT, [Decimal(day.delinquent) for _, day in shown], Decimal(today.loans)),
        figure(
            FigureKey.EFFICIENCY,
            [efficiency(day) for _, day in shown],
            efficiency_with_arrears(today, openings[period.as_of]),
        ),
        figure(FigureKey.RECOVERY, [recovery(day, openings[close]) for close, day in shown]),
        _promises(period, promises),
        figure(FigureKey.NPA, [npa_share(day) for _, day in shown], Decimal(today.npa_loans)),
    )


def _opening(close: date, period: Period, days: Mapping[date, DayTotals]) -> DayTotals | None:
    opening_on = opening_of(close, period.closes)
    return days.get(opening_on) if opening_on is not None else None


def _promises(period: Period, promises: Mapping[date, PromiseSum]) -> Figure:
    none = PromiseSum(period.as_of, 0, ZERO, 0, 0, 0, ZERO)
    today = promises.get(period.as_of, none)
    trend = tuple((close, Decimal(promises.get(close, none).pending)) for close in period.closes[-12:])
    previous = dict(trend).get(period.opening_on) if period.opening_on else None
    return Figure(
        FigureKey.PROMISES, Decimal(today.pending), Decimal(today.broken_mtd), previous, trend, today.pending_amount
    )


def refreshed(promises: Figure, now: PromiseSum) -> Figure:
    """The promises' figure with its newest value taken from now."""
    pending = Decimal(now.pending)
    trend = (*promises.trend[:-1], (promises.trend[-1][0], pending))
    return replace(promises, value=pending, second=Decimal(now.broken_mtd), amount=now.pending_amount, trend=trend)
