"""The parts of the book that roll forward most."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from db.engine import reading
from db.queries.portfolio.scope import NOT_GIVEN
from db.queries.portfolio.segments import Dimension, SegmentFlow, segment_flows
from services import lender
from services.actors import Actor, Permission
from services.portfolio.accounts import AccountFilter, Move
from services.portfolio.filtering import PortfolioFilter, opening_of, period
from services.portfolio.rolls import FEWEST, WAYS_OUT, Measure


@dataclass(frozen=True, slots=True)
class WorstSegment:
    """A part of the book, its past-due cohort at the opening and how much of it got worse."""

    value: str
    """Value of the dimension; empty: not given in the lender's file."""
    name: str
    loans: int
    exposure: Decimal
    """Outstanding principal of the cohort at the opening."""
    forward: Decimal
    """Share that rolled forward."""
    forward_loans: int
    """Loans of the cohort that rolled forward."""
    change: Decimal | None
    """Against the month before, as a share of 1; None: no cohort then."""
    is_small: bool
    """Fewer than `FEWEST`: shown last, and named by no heading."""

    @property
    def change_points(self) -> Decimal | None:
        """The change in points, to a tenth."""
        return round(self.change * 100, 1) if self.change is not None else None


@dataclass(frozen=True, slots=True)
class WorstSegments:
    """Segments, worst first."""

    dimension: Dimension
    opening_on: date
    closing_on: date
    segments: tuple[WorstSegment, ...]
    last_bucket: int
    """The bucket from which no further one follows."""


def worst_segments(
    actor: Actor,
    chosen: PortfolioFilter,
    month: date | None = None,
    *,
    dimension: Dimension = Dimension.BRANCH,
    measure: Measure = Measure.AMOUNT,
) -> WorstSegments | None:
    """Segments by roll forward of their past-due loans, worst first; None: no two month-ends in a row are closed.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        when = period(session, month, months_back=4)
        months = _months(when.whole_months) if when is not None else ()
        if not months:
            return None
        last = len(lender.load(session).bucket_edges)
        rows = segment_flows(session, chosen, dimension, months=months, last_bucket=last)
    opening, closing = months[-1]
    found = _ranked(rows, opening, opening_of(opening, tuple(pair[0] for pair in months)), measure)
    return WorstSegments(dimension, opening, closing, found, last)


def of_segment(chosen: PortfolioFilter, dimension: Dimension, value: str) -> PortfolioFilter:
    """A part of the book narrowed to one segment of it."""
    match dimension:
        case Dimension.PRODUCT:
            return replace(chosen, products=(value,))
        case Dimension.REGION:
            return replace(chosen, regions=(value,))
        case Dimension.BRANCH:
            return replace(chosen, branches=(value,))
        case Dimension.ATTRIBUTE:
            return replace(chosen, attributes=(value,))


def cohort(found: WorstSegments, chosen: PortfolioFilter, value: str, *, is_forward: bool = False) -> AccountFilter:
    """The accounts that a segment's figure counts, as the month's opening found them.

    Args:
        found: the segments.
        chosen: part of the book that they are of.
        value: the segment's value.
        is_forward: only those that rolled forward.
    """
    move = Move(
        found.opening_on,
        found.closing_on,
        tuple(range(1, found.last_bucket)),
        () if is_forward else (*range(found.last_bucket + 1), *WAYS_OUT),
        is_forward=is_forward,
    )
    return AccountFilter(scope=of_segment(chosen, found.dimension, value), move=move)


def _months(closes: tuple[date, ...]) -> tuple[tuple[date, date], ...]:
    """Pairs of closes of months in a row, oldest first."""
    openings = ((opening_of(close, closes), close) for close in closes)
    return tuple((opening, close) for opening, close in openings if opening is not None)


def _ranked(rows: list[SegmentFlow], opening: date, before: date | None, measure: Measure) -> tuple[WorstSegment, ...]:
    earlier = {row.value: _share(row, measure) for row in rows if row.opening_on == before}
    found = []
    for row in rows:
        share = _share(row, measure)
        if row.opening_on == opening and share is not None:
            was = earlier.get(row.value)
            found.append(replace(_segment(row, share), change=share - was if was is not None else None))
    return tuple(sorted(found, key=lambda segment: (segment.is_small, -segment.forward, -segment.exposure)))


def _segment(row: SegmentFlow, share: Decimal) -> WorstSegment:
    return WorstSegment(
        value=row.value if row.value is not None else NOT_GIVEN,
        name=row.name if row.name is not None else "not given",
        loans=row.loans,
        exposure=row.amount,
        forward=share,
        forward_loans=row.forward_loans,
        change=None,
        is_small=row.loans < FEWEST,
    )


def _share(row: SegmentFlow, measure: Measure) -> Decimal | None:
    whole = Decimal(row.loans) if measure is Measure.COUNT else row.amount
    part = Decimal(row.forward_loans) if measure is Measure.COUNT else row.forward_amount
    return part / whole if whole else None
