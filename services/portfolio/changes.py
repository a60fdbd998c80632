"""What changed since the day before and since the month's start: the largest movements first."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.portfolio.figures import BucketSum, DayTotals, npa_share

SHOWN = 3


class Moved(StrEnum):
    """What a movement is of."""

    OVERDUE = "overdue"
    """Overdue amount."""
    BUCKET = "bucket"
    """Outstanding in a bucket past due."""
    NPA = "npa"
    """Outstanding classed as NPA."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of one figure between two day-ends."""

    what: Moved
    bucket: int | None
    amount: Decimal
    """Change in money; its size gives the order."""
    loans: int
    """Change in loans; 0 for the overdue amount."""
    share: Decimal | None
    """Change as a share of what it was; None: it was nothing."""
    points: Decimal | None = None
    """Change of the NPA share, as a share of 1."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Movements since an earlier day-end, largest first; empty: nothing moved."""

    since: date
    movements: tuple[Movement, ...]
    collected: Decimal | None
    """Received since then, where both days lie in one month or `since` is its opening."""


def changes(since: date, before: DayTotals, now: DayTotals, *, is_opening: bool, same_month: bool) -> Changes:
    """The largest movements between two day-ends.

    Args:
        since: the earlier day-end.
        before: the book then.
        now: the book at the day looked at.
        is_opening: the earlier day closes the month before.
        same_month: both days lie in one month.
    """
    found = [_overdue(before, now), _npa(before, now)]
    codes = {code for code in {*before.buckets, *now.buckets} if code > 0}
    found += [_bucket(code, before, now) for code in sorted(codes)]
    moved = [movement for movement in found if movement.amount or movement.loans]
    moved.sort(key=lambda movement: abs(movement.amount), reverse=True)
    collected = now.collected if is_opening else now.collected - before.collected if same_month else None
    return Changes(since, tuple(moved[:SHOWN]), collected)


def _overdue(before: DayTotals, now: DayTotals) -> Movement:
    change = now.overdue - before.overdue
    return Movement(Moved.OVERDUE, None, change, 0, _share(change, before.overdue))


def _bucket(code: int, before: DayTotals, now: DayTotals) -> Movement:
    was, is_now = before.buckets.get(code, BucketSum()), now.buckets.get(code, BucketSum())
    change = is_now.outstanding - was.outstanding
    return Movement(Moved.BUCKET, code, change, is_now.loans - was.loans, _share(change, was.outstanding))


def _npa(before: DayTotals, now: DayTotals) -> Movement:
    change = now.npa_outstanding - before.npa_outstanding
    shares = npa_share(now), npa_share(before)
    points = shares[0] - shares[1] if shares[0] is not None and shares[1] is not None else None
    return Movement(
        Moved.NPA, None, change, now.npa_loans - before.npa_loans, _share(change, before.npa_outstanding), points
    )


def _share(change: Decimal, base: Decimal) -> Decimal | None:
    return change / base if base else None
