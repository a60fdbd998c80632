"""The daily run of the rules: switched on by a leader, done once the day before is closed."""

from datetime import date, timedelta
from typing import Any

from db.engine import reading, transaction
from db.queries import allocation_rules as queries
from db.queries import jobs as job_queries
from services import audit, clock, jobs, lender
from services.actors import Actor, Permission
from services.allocation.running import Scope, perform
from services.errors import Refused
from services.jobs import JobView, Progress

_WAIT = timedelta(minutes=10)


def is_daily(actor: Actor) -> bool:
    """Whether the rules run each day.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return queries.is_daily(session)


def switch_daily(actor: Actor, *, is_enabled: bool) -> None:
    """Let the rules run each night over the cases that nobody has, or no more.

    Raises:
        NotAllowed: the actor may not allocate.
        Refused: there are no rules to run yet.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        if is_enabled and queries.newest_version(session) is None:
            raise Refused("There are no allocation rules yet. Add the first under Rules.")
        queries.set_daily(session, is_enabled=is_enabled, at=clock.now())
        summary = f"switched the daily allocation by rule {'on' if is_enabled else 'off'}"
        audit.record(session, actor, "schedule.switched", subject=("schedule", queries.KIND), summary=summary)


def daily(actor: Actor, business_date: date, *, job_run_id: int, progress: Progress | None = None) -> dict[str, Any]:
    """Run the rules for the day after `business_date`, once that is closed; until then ask again every ten minutes.

    What is asked for a day long gone is not done: the timetable has asked anew since.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        settings = lender.load(session)
        if settings.today > business_date + timedelta(days=1):
            return {"skipped": "a later run is due"}
        if settings.closed_through is None or settings.closed_through < business_date:
            arguments = {"business_date": business_date.isoformat()}
            key = f"{queries.KIND}:{business_date}:after-{job_run_id}"
            jobs.request(session, queries.KIND, arguments, key=key, run_after=clock.now() + _WAIT)
            return {"skipped": "waits for the day-end close"}
    return dict(perform(actor, Scope.UNALLOCATED, job_run_id=job_run_id, progress=progress))


def current_run(actor: Actor) -> JobView | None:
    """The run that waits or goes on, with its progress; None when there is none.

    Raises:
        NotAllowed: the actor may not allocate, or not see jobs.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        run_id = job_queries.open_run_of(session, queries.KIND)
    return jobs.view(actor, run_id) if run_id is not None else None
