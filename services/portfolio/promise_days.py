"""Keeping promises as they stood at each day-end, so that their trend costs the same at any number of promises."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.queries.portfolio.promises import replace_promise_day


def summarise(session: Session, as_of: date, *, time_zone: str) -> None:
    """Write `promise_day` for a closed day, in place of an earlier summary of it.

    Part of the close, after promises are settled and the snapshot is written: the risk band is the snapshot's.

    Args:
        session: the transaction of the close.
        as_of: the business date.
        time_zone: the lender's, where the business date ends at midnight.
    """
    end_of_day = datetime.combine(as_of + timedelta(days=1), time(), tzinfo=ZoneInfo(time_zone))
    replace_promise_day(session, as_of, end_of_day=end_of_day)
