"""Running the rules over the open cases: a dry run that only tells, and the run itself in one transaction."""

import time
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import allocation_rules as queries
from db.queries import jobs as job_queries
from services import audit, clock, jobs, lender
from services.actors import Actor, Permission
from services.allocation.collectors import load as load_collectors
from services.allocation.dealing import Work, prepared
from services.allocation.planning import plan
from services.allocation.rules import Rule, load
from services.allocation.run_reports import RunReport, report_of
from services.allocation.values import Plan
from services.errors import Conflict, Refused
from services.jobs import Progress


class Scope(StrEnum):
    """Which cases a run deals."""

    UNALLOCATED = "unallocated"
    """Those that nobody has."""
    ALL = "all"
    """Every open case, anew."""


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """A run that was done."""

    id: int
    at: datetime
    as_of: date
    version_id: int
    scope: Scope
    asked_by: str | None
    seconds: Decimal
    report: RunReport


def dry_run(actor: Actor, scope: Scope, *, uses_newest: bool = False) -> RunReport:
    """What a run would do now; nothing is written.

    Args:
        actor: who asks.
        scope: which cases.
        uses_newest: by the rules written last, also when they hold only from a later day.

    Raises:
        NotAllowed: the actor may not allocate.
        Refused: there are no rules yet.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading(statement_timeout_ms=60_000) as session:
        today = lender.load(session).today
        version_id = queries.newest_version(session) if uses_newest else queries.version_in_force(session, today)
        work, found = _planned(session, today, scope, _some(version_id))
        return report_of(work, found)


def _some(version_id: int | None) -> int:
    if version_id is None:
        raise Refused("No allocation rules hold yet. Add the first under Rules.")
    return version_id


def _planned(session: Session, today: date, scope: Scope, version_id: int) -> tuple[Work, Plan]:
    crew = load_collectors(session, today)
    rules = [rule for rule in load(session, version_id) if rule.is_enabled]
    work = prepared(session, rules, crew, today=today, now=clock.now(), is_all=scope is Scope.ALL)
    return work, plan(work.cases, work.terms, work.people)


def request_run(actor: Actor, scope: Scope, *, reason: str = "") -> int:
    """Ask for a run in the background; the id of the job.

    Raises:
        NotAllowed: the actor may not allocate.
        Refused: there are no rules yet.
        Conflict: a run is waiting or going on.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        queries.lock(session)
        _some(queries.version_in_force(session, lender.load(session).today))
        if job_queries.open_run_of(session, queries.KIND) is not None:
            raise Conflict("A run of the rules is waiting or going on already.")
        run_id = jobs.request(session, queries.KIND, {"scope": scope.value, "asked_by": actor.id}, actor=actor)
        which = "every open case" if scope is Scope.ALL else "the cases that nobody has"
        summary = f"asked for allocation of {which} by rule"
        subject = ("job", run_id)
        audit.record(session, actor, "allocation.requested", subject=subject, summary=summary, reason=reason or None)
        return run_id


def perform(
    actor: Actor,
    scope: Scope,
    *,
    job_run_id: int | None = None,
    asked_by: int | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Run the rules of today and write who gets which case, all in one transaction; the counts.

    1. One run at a time, by a lock. What this job has done already is told, not done again. 2. Cases and collectors
    are read, and dealt. 3. Cases change hands, unless someone changed them meanwhile; each with a row of history.
    4. The run is kept, with one event.

    Args:
        actor: who acts; the system for background work.
        scope: which cases.
        job_run_id: the background run that does it.
        asked_by: the user who asked; None: by the timetable.
        progress: told of the steps.

    Raises:
        NotAllowed: the actor may not allocate.
        Refused: there are no rules yet.
    """
    actor.require(Permission.ALLOCATE_CASES)
    tell = progress or (lambda *_: None)
    with transaction(statement_timeout_ms=0) as session:
        queries.lock(session)
        done = queries.run_of_job(session, job_run_id) if job_run_id is not None else None
        if done is not None:
            return {"considered": done.considered, "changed": done.changed, "unallocated": done.unallocated}
        counts = deal(session, actor, scope, job_run_id=job_run_id, asked_by=asked_by, progress=tell)
    tell(3, 3, "done")
    return counts


def deal(
    session: Session,
    actor: Actor,
    scope: Scope,
    *,
    job_run_id: int | None = None,
    asked_by: int | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Deal the cases by the rules of today, in the caller's transaction, which holds the lock of runs; the counts.

    Raises:
        Refused: there are no rules yet.
    """
    began = time.perf_counter()
    tell = progress or (lambda *_: None)
    today = lender.load(session).today
    version_id = _some(queries.version_in_force(session, today))
    tell(0, 3, "reading open cases")
    work, found = _planned(session, today, scope, version_id)
    tell(1, 3, "giving cases to collectors")
    report = report_of(work, found)
    run_id = queries.next_run_id(session)
    changed = _give(session, work, found, run_id=run_id, asked_by=asked_by)
    tell(2, 3, "keeping the history")
    values = {"considered": report.considered, "allocated": report.allocated, "unallocated": report.unallocated}
    queries.insert_run(
        session,
        id=run_id,
        as_of=today,
        version_id=version_id,
        scope=scope.value,
        asked_by=asked_by,
        job_run_id=job_run_id,
        changed=changed,
        seconds=Decimal(str(round(time.perf_counter() - began, 2))),
        report=asdict(report),
        **values,
    )
    _record(session, actor, run_id, version_id, {**values, "changed": changed})
    return {"considered": report.considered, "changed": changed, "unallocated": report.unallocated}


def _give(session: Session, work: Work, found: Plan, *, run_id: int, asked_by: int | None) -> int:
    """Write what changes; a case taken from someone because nobody has room says so."""
    moves = np.flatnonzero(found.owner != work.cases.owner)
    rule_ids = np.array([rule.id for rule in work.rules] + [0], np.int64)
    rules = np.where(found.placed[moves], rule_ids[found.rule[moves]], 0)
    reasons = {0: "Taken back: everybody whom the rules name is at capacity"}
    reasons |= {rule.id or 0: _reason(rule) for rule in work.rules}
    columns = (work.cases.ids[moves], work.cases.owner[moves], found.owner[moves], rules)
    ids, was, owners, by = (column.tolist() for column in columns)
    return queries.give(session, ids, was, owners, by, reasons=reasons, run_id=run_id, allocated_by=asked_by)


WAYS = {
    "round_robin": "in turn",
    "by_load": "to even out open cases",
    "keep_agent": "same agent as before",
}
"""How cases are divided, in words."""


def _reason(rule: Rule) -> str:
    return f"Rule “{rule.name}”, {WAYS[rule.way.value]}"


def _record(session: Session, actor: Actor, run_id: int, version_id: int, counts: dict[str, int]) -> None:
    audit.record(
        session,
        actor,
        "allocation.run",
        subject=("allocation_run", run_id),
        summary=f"allocated by rule: {counts['changed']:,} cases changed hands, {counts['unallocated']:,} not placed",
        after={**counts, "rule_version": version_id},
    )


def allocation_runs(actor: Actor, limit: int = 30) -> list[AllocationRun]:
    """The latest runs.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        rows = queries.runs(session, limit)
    return [
        AllocationRun(
            id=row.id,
            at=row.at,
            as_of=row.as_of,
            version_id=row.version_id,
            scope=Scope(row.scope),
            asked_by=row.asked_by,
            seconds=row.seconds,
            report=RunReport.from_json(row.report),
        )
        for row in rows
    ]
