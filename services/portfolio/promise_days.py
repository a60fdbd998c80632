"""Keeping promises as they stood at each day-end, so that their trend costs the same at any number of promises."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.queries.portfolio.days import month_closes
from db.queries.portfolio.promises import promises_at, replace_promise_day
from db.queries.portfolio.scope import Scope


def summarise(session: Session, as_of: date, *, time_zone: str) -> None:
    """Write `promise_day` for a closed day, in place of an earlier summary of it, and of months it changed.

    Part of the close, after promises are settled and the snapshot is written: the risk band is the snapshot's. A late
    payment, or the first close after a load of old promises, settles promises of months that are closed already: month
    closes are summarised again, newest first, until one comes out as it was.

    Args:
        session: the transaction of the close.
        as_of: the business date.
        time_zone: the lender's, where the business date ends at midnight.
    """
    _replace(session, as_of, time_zone)
    earlier = [close for close in month_closes(session) if close < as_of.replace(day=1)]
    for close in reversed(earlier):
        before = promises_at(session, Scope(), [close])
        _replace(session, close, time_zone)
        if promises_at(session, Scope(), [close]) == before:
            return


def end_of_day(on: date, time_zone: str) -> datetime:
    """The moment at which a business date ends in the lender's zone."""
    return datetime.combine(on + timedelta(days=1), time(), tzinfo=ZoneInfo(time_zone))


def _replace(session: Session, as_of: date, time_zone: str) -> None:
    replace_promise_day(session, as_of, end_of_day=end_of_day(as_of, time_zone))
