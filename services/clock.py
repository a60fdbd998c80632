"""The only clocks. Moments are UTC, business dates are in the lender's zone, ranges are half-open: [start, end)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen_now", default=None)


def now() -> datetime:
    """The moment, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def today(zone: str) -> date:
    """The business date in an IANA time zone, normally the lender's."""
    return now().astimezone(ZoneInfo(zone)).date()


def local(at: datetime, zone: str) -> datetime:
    """A moment as the clocks of an IANA time zone show it."""
    return at.astimezone(ZoneInfo(zone))


def written(at: datetime, zone: str) -> str:
    """A moment in a sentence, as screens write moments: '1 Dec 2026, 08:00'."""
    there = local(at, zone)
    return f"{there.day} {there:%b %Y, %H:%M}"


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Within, the clock stands at `at` (aware). For tests and for replaying a past day."""
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
