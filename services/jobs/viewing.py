"""How background work goes, for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from db.engine import reading
from db.queries import jobs as queries
from services import clock
from services.actors import Actor, Permission
from services.errors import NotFound
from services.jobs.kinds import KINDS, label_of


@dataclass(frozen=True, slots=True)
class JobView:
    """One run as a screen shows it."""

    id: int
    kind: str
    label: str
    status: str
    done: int
    total: int | None
    note: str | None
    attempts: int
    max_attempts: int
    run_after: datetime
    arguments: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    reference: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    asked_by: str | None
    """Name of the person; None: the schedule, or a step of other work."""

    @property
    def share_done(self) -> float | None:
        """0 to 1; None when the total is not known."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def duration(self) -> timedelta | None:
        """From its last beginning to its end; None while it runs or waits."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


@dataclass(frozen=True, slots=True)
class JobsOverview:
    """What the jobs page shows."""

    running: list[JobView]
    failed: list[JobView]
    waiting: list[JobView]
    """At most a hundred of the three together; `counts` has the whole numbers."""
    ended: list[JobView]
    counts: dict[str, int]
    """Runs by status; done and cancelled ones of the last 24 hours."""


def overview(actor: Actor, *, ended: int = 30) -> JobsOverview:
    """What runs, waits, failed, and was done lately.

    Raises:
        NotAllowed: the actor may not see jobs.
    """
    actor.require(Permission.VIEW_JOBS)
    routine = [kind for kind, known in KINDS.items() if known.is_routine]
    with reading() as session:
        open_runs = [_view(row) for row in queries.open_runs(session, 100)]
        return JobsOverview(
            running=[run for run in open_runs if run.status == "running"],
            failed=[run for run in open_runs if run.status == "failed"],
            waiting=[run for run in open_runs if run.status == "queued"],
            ended=[_view(row) for row in queries.ended_runs(session, ended, routine)],
            counts=queries.counts(session, clock.now() - timedelta(days=1)),
        )


def view(actor: Actor, run_id: int) -> JobView:
    """One run. Who may import sees the runs of imports; the rest needs the permission to see jobs.

    Raises:
        NotAllowed: the actor may not see it.
        NotFound: there is no such run.
    """
    if not actor.may(Permission.IMPORT):
        actor.require(Permission.VIEW_JOBS)
    with reading() as session:
        row = queries.run(session, run_id)
    if row is None:
        raise NotFound("There is no such job any more.")
    return _view(row)


def _view(row: Row[*tuple[Any, ...]]) -> JobView:
    return JobView(
        id=row.id,
        kind=row.kind,
        label=label_of(row.kind),
        status=row.status,
        done=row.progress_done,
        total=row.progress_total,
        note=row.progress_note,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        run_after=row.run_after,
        arguments=row.arguments,
        result=row.result,
        error=row.error,
        reference=row.reference,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        asked_by=row.asked_by,
    )
