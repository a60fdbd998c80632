"""When recurring work is due, and what of it was missed while nothing ran. Cron only asks; the timetable answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import jobs as job_queries
from db.queries import schedules as queries
from services import approvals, audit, clock, jobs, lender, reminders
from services.actors import Actor, Permission
from services.errors import NotFound

_CATCH_UP_DAYS = 35
"""Days that are closed one by one after a standstill: over a month, so that no month-end is missing."""
_EVERY_DAY_COUNTS = {"close"}
"""Daily work that must be done for each missed day; of other work the latest time is enough."""
_PATIENCE = 50
"""Attempts of frequent work: while it waits for a server that is away, no second run is planned."""
_WORTHWHILE: dict[str, Callable[[Session], bool]] = {
    "approvals.escalate": approvals.has_overdue,
    "reminders.send": reminders.has_due,
}
"""Frequent work that is planned only when there is something to do."""


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """One line of the timetable."""

    kind: str
    label: str
    every_minutes: int | None
    daily_at: str | None
    """HH:MM, the lender's local time."""
    is_enabled: bool
    last_at: datetime | None
    """The latest period that was planned."""
    next_at: datetime | None
    """None: switched off."""


def plan_due() -> list[int]:
    """Ask for all recurring work whose time has come, once a period; ids of the runs. Safe to call at any time, twice.

    1. Each enabled line is locked; its latest period not after now is compared with the one planned last.
    2. A run with the period in its key is requested, for `close` one for each day missed.
    3. The period is remembered in the same transaction.
    """
    now, runs = clock.now(), list[int]()
    with transaction() as session:
        zone = ZoneInfo(lender.load(session).time_zone)
        for line in queries.lock_enabled(session):
            if line.daily_at is not None:
                runs += _plan_daily(session, line, now, zone)
            else:
                runs += _plan_frequent(session, line, now)
    return runs


def _plan_daily(session: Session, line: Any, now: datetime, zone: ZoneInfo) -> list[int]:
    slot, planned = _latest_slot(line.daily_at, now, zone), _planned(line, now)
    if planned is not None and planned >= slot:
        return []
    queries.set_planned(session, line.kind, slot)
    days = [slot.astimezone(zone).date()]
    if line.kind in _EVERY_DAY_COUNTS and planned is not None:
        days = _days_since(planned.astimezone(zone).date(), days[0])
    # the business date of a night's work is the day that has just ended
    ended = [day - timedelta(days=1) for day in days]
    return [
        jobs.request(session, line.kind, {"business_date": day.isoformat()}, key=f"{line.kind}:{day}") for day in ended
    ]


def _planned(line: Any, now: datetime) -> datetime | None:
    """The latest period that was planned; None where that is still to come: the clock was ahead, and was set right."""
    last: datetime | None = line.last_planned_at
    return last if last is not None and last <= now else None


def _days_since(planned: date, latest: date) -> list[date]:
    missed = min((latest - planned).days, _CATCH_UP_DAYS)
    return [latest - timedelta(days=back) for back in reversed(range(missed))]


def _plan_frequent(session: Session, line: Any, now: datetime) -> list[int]:
    period, planned = _period(line.every_minutes, now), _planned(line, now)
    if planned is not None and planned >= period:
        return []
    queries.set_planned(session, line.kind, period)
    is_worthwhile = _WORTHWHILE.get(line.kind)
    if is_worthwhile is not None and not is_worthwhile(session):
        return []
    if job_queries.open_run_of(session, line.kind) is not None:
        return []  # the one that waits will do the work of this period too
    key = f"{line.kind}:{period:%Y-%m-%dT%H:%MZ}"
    return [jobs.request(session, line.kind, {}, key=key, max_attempts=_PATIENCE)]


def _period(every_minutes: int, now: datetime) -> datetime:
    """Start of the present period: whole multiples of the minutes since 1970, UTC."""
    seconds = every_minutes * 60
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)


def _latest_slot(daily_at: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The last moment not after now at which the lender's clocks showed this time."""
    at, today = time.fromisoformat(daily_at), now.astimezone(zone).date()
    slot = datetime.combine(today, at, zone).astimezone(UTC)
    if slot > now:
        slot = datetime.combine(today - timedelta(days=1), at, zone).astimezone(UTC)
    return slot


def _next_slot(line: Any, now: datetime, zone: ZoneInfo) -> datetime | None:
    if not line.is_enabled:
        return None
    if line.daily_at is None:
        return _period(line.every_minutes, now) + timedelta(minutes=line.every_minutes)
    tomorrow = _latest_slot(line.daily_at, now, zone).astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.fromisoformat(line.daily_at), zone).astimezone(UTC)


def timetable(actor: Actor) -> list[ScheduleView]:
    """The timetable with what was planned last and comes next.

    Raises:
        NotAllowed: the actor may not see jobs.
    """
    actor.require(Permission.VIEW_JOBS)
    now = clock.now()
    with reading() as session:
        zone = ZoneInfo(lender.load(session).time_zone)
        lines = queries.all_lines(session)
    return [
        ScheduleView(
            kind=line.kind,
            label=jobs.label_of(line.kind),
            every_minutes=line.every_minutes,
            daily_at=line.daily_at,
            is_enabled=line.is_enabled,
            last_at=line.last_planned_at,
            next_at=_next_slot(line, now, zone),
        )
        for line in lines
    ]


def switch(actor: Actor, kind: str, *, is_enabled: bool) -> None:
    """Switch recurring work on or off.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such line.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction() as session:
        if not queries.set_enabled(session, kind, is_enabled=is_enabled):
            raise NotFound("There is no such line in the timetable.")
        verb = "on" if is_enabled else "off"
        summary = f"switched {verb} the recurring job “{jobs.label_of(kind)}”"
        audit.record(session, actor, "schedule.switched", subject=("schedule", kind), summary=summary)
