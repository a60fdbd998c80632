"""How dates and moments are written: 14 Nov 2026; nearer than a week as people say it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from components import cached

NOTHING = "–"


def day(on: date | None) -> str:
    """'14 Nov 2026'; a dash for none."""
    return f"{on.day} {on:%b %Y}" if on is not None else NOTHING


def moment(at: datetime | None) -> str:
    """'14 Nov 2026, 14:05' in the lender's time zone; a dash for none."""
    if at is None:
        return NOTHING
    local = at.astimezone(ZoneInfo(cached.lender_format().time_zone))
    return f"{day(local.date())}, {local:%H:%M}"


def near(at: datetime | None, today: date) -> str:
    """'today, 14:05'; the date in full when a week away or more; a dash for none."""
    if at is None:
        return NOTHING
    local = at.astimezone(ZoneInfo(cached.lender_format().time_zone))
    return f"{relative(local.date(), today)}, {local:%H:%M}"


def relative(on: date | None, today: date) -> str:
    """'today', 'tomorrow', '3 days ago', 'in 5 days'; the date itself when a week away or more."""
    if on is None:
        return NOTHING
    days = (on - today).days
    said = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if days in said:
        return said[days]
    if abs(days) >= 7:
        return day(on)
    return f"in {days} days" if days > 0 else f"{-days} days ago"
