"""Fair comparison: what a portfolio should have brought given its buckets, and how sure the difference is.

Indirect standardisation: expected = sum over buckets of (the portfolio's base in the bucket x what the whole book
brought per unit of base there); index = actual / expected. It is 1 for the whole book by construction. An agent given
hard cases is measured against hard cases. (As the standardised mortality ratio: Breslow and Day, Statistical Methods in
Cancer Research II, IARC 1987, chapter 2.)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import sqrt

from services.performance.sums import Sums

Z = 1.959964
"""Two-sided 95 %."""
FEW = 30
"""Below so many cases (or promises) no difference is claimed, whatever the interval says."""


class Measure(StrEnum):
    """What an index compares."""

    COLLECTED = "collected"
    CURED = "cured"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Index:
    """Actual against expected, with its 95 % interval."""

    actual: Decimal
    expected: Decimal
    value: float
    low: float
    high: float
    number: Decimal
    """Cases, or promises fallen due, that it rests on."""

    @property
    def is_few(self) -> bool:
        """Too few cases to tell anything."""
        return self.number < FEW

    @property
    def is_distinct(self) -> bool:
        """Whether it differs from the book: enough cases, and 1 lies outside the interval."""
        return not self.is_few and (self.low > 1 or self.high < 1)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """95 % score interval of a proportion (Wilson, JASA 22, 1927, 209-212); (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    share, z2 = min(successes / trials, 1.0), Z * Z
    centre = share + z2 / (2 * trials)
    spread = Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return max((centre - spread) / (1 + z2 / trials), 0.0), min((centre + spread) / (1 + z2 / trials), 1.0)


def byar(count: int) -> tuple[float, float]:
    """95 % limits of a Poisson count by Byar's approximation (Breslow and Day 1987, section 2.3)."""
    upper = count + 1
    high = upper * (1 - 1 / (9 * upper) + Z / (3 * sqrt(upper))) ** 3
    low = count * (1 - 1 / (9 * count) - Z / (3 * sqrt(count))) ** 3 if count else 0.0
    return max(low, 0.0), high


def dobson(total: float, squares: float, count: int, *, typical: float = 0.0) -> tuple[float, float]:
    """95 % limits of a sum of amounts that come as a Poisson count.

    Dobson, Kuulasmaa, Eberle and Scherer, Statistics in Medicine 10 (1991) 457-462: the limits of the count, scaled by
    the deviation of the sum over that of the count. A few large payments so make the interval as wide as they must.

    Args:
        total: the sum of amounts.
        squares: the sum of their squares, which is the variance of the sum.
        count: how many amounts.
        typical: size of an amount to reckon with where none has come yet.
    """
    low, high = byar(max(count, 0))
    scale = sqrt(squares / count) if count > 0 else typical
    return total + scale * (low - count), total + scale * (high - count)


def base(sums: Sums, measure: Measure) -> Decimal:
    """What a measure is out of: money to collect, cases by the part held, or promises fallen due."""
    if measure is Measure.COLLECTED:
        return sums.to_collect
    return sums.case_share if measure is Measure.CURED else Decimal(sums.fallen_due)


def actual(sums: Sums, measure: Measure) -> Decimal:
    """What came of it."""
    if measure is Measure.COLLECTED:
        return sums.collected
    return Decimal(sums.cured if measure is Measure.CURED else sums.kept)


@dataclass(frozen=True, slots=True)
class Standard:
    """What the whole book brought."""

    measure: Measure
    rates: Mapping[int, Decimal]
    """Per unit of base, by bucket; buckets without a base are left out."""
    typical: float
    """Size of an amount: the root of the mean square."""


def standard(book: Mapping[int, Sums], measure: Measure) -> Standard:
    """The whole book's rates, from its sums by bucket."""
    rates = {
        bucket: actual(sums, measure) / base(sums, measure) for bucket, sums in book.items() if base(sums, measure) > 0
    }
    whole = total(book.values())
    typical = sqrt(whole.collected_squares / whole.paying) if whole.paying else 0.0
    return Standard(measure, rates, typical)


def index(own: Mapping[int, Sums], book: Standard) -> Index | None:
    """A portfolio's index against the book; None: nothing was to be expected of it.

    Args:
        own: the portfolio's sums by bucket.
        book: of `standard`.
    """
    measure, rates = book.measure, book.rates
    counted = {bucket: sums for bucket, sums in own.items() if bucket in rates}
    expected = sum((base(sums, measure) * rates[bucket] for bucket, sums in counted.items()), Decimal(0))
    if expected <= 0:
        return None
    whole = total(counted.values())
    got = actual(whole, measure)
    low, high = _limits(whole, book)
    number = Decimal(whole.fallen_due) if measure is Measure.KEPT else whole.case_share
    return Index(got, expected, float(got / expected), low / float(expected), high / float(expected), number)


def _limits(sums: Sums, book: Standard) -> tuple[float, float]:
    """95 % limits of what came. What the book brings per unit is taken as known: it rests on all agents' cases."""
    measure = book.measure
    if measure is Measure.COLLECTED:
        return dobson(float(sums.collected), float(sums.collected_squares), sums.paying, typical=book.typical)
    trials = float(max(base(sums, measure), actual(sums, measure)))
    low, high = wilson(float(actual(sums, measure)), trials)
    return low * trials, high * trials


def total(parts: Iterable[Sums]) -> Sums:
    """Sums of parts."""
    return sum(parts, Sums())
