"""Roll rates: what became of each bucket of a frozen opening cohort, by month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from db.engine import reading
from db.queries.portfolio.flows import Flow, flow_sums
from services import lender
from services.actors import Actor, Permission
from services.portfolio.filtering import PortfolioFilter, month_number, period

ZERO = Decimal(0)
FEWEST = 30
"""Of a smaller cohort no heading tells a share: one loan moves it by more than three points."""
WAYS_OUT: dict[int, str] = {100: "Closed", 101: "Written off", 102: "No longer reported"}


class Measure(StrEnum):
    """What shares are taken of."""

    COUNT = "count"
    AMOUNT = "amount"
    """Outstanding principal at the opening."""


class Outcome(StrEnum):
    """What became of a loan in a month; with the ways out they add to the cohort."""

    FORWARD = "forward"
    STABILISED = "stabilised"
    BACK = "back"
    CURE = "cure"


@dataclass(frozen=True, slots=True)
class Cell:
    """Loans that moved one way, and their outstanding principal at the opening."""

    loans: int = 0
    amount: Decimal = ZERO

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(self.loans + other.loans, self.amount + other.amount)

    def by(self, measure: Measure) -> Decimal:
        """The loans or the amount."""
        return Decimal(self.loans) if measure is Measure.COUNT else self.amount


@dataclass(frozen=True, slots=True)
class RollMonth:
    """Moves between two month-ends of the cohort frozen at the first."""

    opening_on: date
    closing_on: date
    cells: Mapping[tuple[int, int], Cell]
    """By opening bucket and closing bucket or way out."""

    def row(self, bucket: int) -> Cell:
        """All loans in the bucket at the opening."""
        return sum((cell for (start, _), cell in self.cells.items() if start == bucket), Cell())

    def share(self, bucket: int, end: int, measure: Measure) -> Decimal | None:
        """Part of the bucket's loans that ended there; None: the bucket was empty."""
        whole = self.row(bucket).by(measure)
        return self.cells.get((bucket, end), Cell()).by(measure) / whole if whole else None

    def outcome(self, bucket: int, outcome: Outcome, measure: Measure) -> Decimal | None:
        """Part of the bucket's loans with that outcome; None: the bucket was empty."""
        whole = self.row(bucket).by(measure)
        ended = (
            cell for (start, end), cell in self.cells.items() if start == bucket and outcome_of(start, end) == outcome
        )
        return sum(ended, Cell()).by(measure) / whole if whole else None

    @property
    def ways_out(self) -> tuple[int, ...]:
        """Ways out that some loan took, and always 'closed'."""
        return tuple(code for code in WAYS_OUT if code == 100 or any(end == code for _, end in self.cells))


def outcome_of(start: int, end: int) -> Outcome | None:
    """What a move means; None: a way out of the book."""
    if end in WAYS_OUT:
        return None
    if end > start:
        return Outcome.FORWARD
    if end == start:
        return Outcome.STABILISED
    return Outcome.CURE if end == 0 else Outcome.BACK


@dataclass(frozen=True, slots=True)
class RollHeadline:
    """A bucket's share with an outcome, and its change in points against the month before."""

    bucket: int
    whole: Cell
    """The bucket at the opening, of which the share is."""
    share: Decimal
    change: Decimal | None
    """None: no month before to compare with, or too few loans in it."""


@dataclass(frozen=True, slots=True)
class Rolls:
    """Roll rates of a month and the months before it."""

    bucket_labels: tuple[str, ...]
    months: tuple[RollMonth, ...]
    """Oldest first; empty: no two month-ends in a row are closed."""
    as_of: date
    """The day that the page looks at; the newest month may lie before it."""

    @property
    def latest(self) -> RollMonth | None:
        """The month that the matrix shows."""
        return self.months[-1] if self.months else None

    def headline(self, measure: Measure) -> RollHeadline | None:
        """The bucket whose roll forward changed most; None: no bucket had loans enough to tell by."""
        buckets = range(len(self.bucket_labels) - 1)
        found = [line for bucket in buckets if (line := self.told(bucket, Outcome.FORWARD, measure)) is not None]
        return max(found, key=lambda line: abs(line.change or ZERO), default=None)

    def told(self, bucket: int, outcome: Outcome, measure: Measure) -> RollHeadline | None:
        """A bucket's share with an outcome in the newest month, and its change; None: fewer than `FEWEST` loans."""
        if self.latest is None or self.latest.row(bucket).loans < FEWEST:
            return None
        share = self.latest.outcome(bucket, outcome, measure)
        if share is None:
            return None
        before = self.months[-2] if len(self.months) > 1 else None
        is_told = before is not None and before.row(bucket).loans >= FEWEST
        earlier = before.outcome(bucket, outcome, measure) if before is not None and is_told else None
        return RollHeadline(bucket, self.latest.row(bucket), share, share - earlier if earlier is not None else None)


def rolls(actor: Actor, chosen: PortfolioFilter, month: date | None = None) -> Rolls | None:
    """Roll rates of the chosen month, or the last whole one, and of a year before; None: nothing is closed.

    The risk band filter takes the band at the opening.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        when = period(session, month)
        if when is None:
            return None
        labels = lender.load(session).bucket_labels
        flows = flow_sums(session, chosen, when.whole_months)
    return Rolls(labels, _months(flows), when.as_of)


def _months(flows: Iterable[Flow]) -> tuple[RollMonth, ...]:
    grouped: dict[tuple[date, date], dict[tuple[int, int], Cell]] = {}
    for flow in flows:
        if month_number(flow.closing_on) - month_number(flow.opening_on) == 1:
            cells = grouped.setdefault((flow.opening_on, flow.closing_on), {})
            cells[flow.from_bucket, flow.to_bucket] = Cell(flow.loans, flow.amount)
    return tuple(RollMonth(opening, closing, cells) for (opening, closing), cells in sorted(grouped.items()))
