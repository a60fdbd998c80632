"""Summing the month to date at each close, so that performance pages read sums only."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.queries import promises
from db.queries.performance import days as queries
from db.queries.performance import reading
from db.queries.portfolio.days import month_closes
from services import lender
from services.portfolio.filtering import opening_of


def summarise(session: Session, as_of: date) -> None:
    """Write the sums of a closed day in place of earlier ones, in the caller's transaction.

    Part of the close, after promises are settled and cases recomputed; a restatement repeats it for the days it
    touched. Kept are the last day of each month and the days of the newest: other days of past months have no
    snapshots any more to sum.
    """
    closes = month_closes(session)
    newest = closes[-1] if closes else as_of
    if as_of not in closes and as_of.replace(day=1) != newest.replace(day=1):
        return
    zone = ZoneInfo(lender.load(session).time_zone)
    span = (datetime.combine(as_of.replace(day=1), time(), zone), datetime.combine(as_of + timedelta(1), time(), zone))
    grace, _ = promises.limits(session)
    queries.replace_day(session, as_of, opening=opening_of(as_of, closes), zone=zone.key, grace=grace, span=span)
    past = reading.closed_days(session, date.min, newest.replace(day=1) - timedelta(1))
    queries.delete_days(session, [day for day in past if day not in reading.month_closes(session)])
