"""Statements of background work. Leases and back-off use the database's clock: workers may be on several hosts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.jobs import JobRun

_NOW = func.clock_timestamp()
"""The moment itself: now() stands still within a transaction."""


def insert_run(session: Session, **values: Any) -> int | None:
    """Add a queued run; None when its key is taken by one that is neither failed nor cancelled.

    A failed or cancelled run of the same key goes back to the queue instead, with attempts of its own.
    """
    statement = insert(JobRun).values(**values)
    again = statement.on_conflict_do_update(
        index_elements=[JobRun.key],
        set_={
            "status": "queued",
            "arguments": statement.excluded.arguments,
            "run_after": statement.excluded.run_after,
            "max_attempts": JobRun.attempts + statement.excluded.max_attempts,
            "error": None,
            "reference": None,
            "finished_at": None,
        },
        where=JobRun.status.in_(("failed", "cancelled")),
    )
    return session.execute(again.returning(JobRun.id)).scalar_one_or_none()


def run_with_key(session: Session, key: str) -> int:
    """Id of the run with this key."""
    return session.execute(select(JobRun.id).where(JobRun.key == key)).scalar_one()


def notify(session: Session, run_id: int) -> None:
    """Tell the dispatcher, when and only if the transaction commits."""
    session.execute(text("SELECT pg_notify('recoup_jobs', :id)"), {"id": str(run_id)})


def claim(session: Session, run_id: int, attempt: int, lease: timedelta) -> Row[*tuple[Any, ...]] | None:
    """Take a queued run whose attempts so far are `attempt`, if it is due and nobody else took it."""
    return session.execute(
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.status == "queued", JobRun.attempts == attempt, JobRun.run_after <= _NOW)
        .values(
            status="running",
            attempts=JobRun.attempts + 1,
            lease_until=_NOW + lease,
            started_at=_NOW,
            finished_at=None,
            error=None,
            reference=None,
        )
        .returning(JobRun.kind, JobRun.arguments, JobRun.attempts, JobRun.max_attempts)
    ).one_or_none()


def renew(session: Session, run_id: int, attempt: int, lease: timedelta) -> bool:
    """Lengthen the lease of the holder of this attempt; False when the run is no longer theirs."""
    return _change(session, run_id, attempt, lease_until=_NOW + lease)


def report_progress(
    session: Session, run_id: int, *, attempt: int | None, done: int, total: int | None, note: str | None
) -> bool:
    """Store how far a running run is; False when it is no longer the holder's."""
    return _change(session, run_id, attempt, progress_done=done, progress_total=total, progress_note=note)


def finish(session: Session, run_id: int, attempt: int, result: dict[str, Any] | None) -> bool:
    """Mark the holder's run done."""
    return _change(session, run_id, attempt, status="done", result=result, lease_until=None, finished_at=_NOW)


def fail(session: Session, run_id: int, attempt: int, error: str, reference: str | None) -> bool:
    """Mark the holder's run failed, for good until someone retries it."""
    return _change(
        session, run_id, attempt, status="failed", error=error, reference=reference, lease_until=None, finished_at=_NOW
    )


def requeue(
    session: Session, run_id: int, attempt: int, *, after: timedelta, error: str | None, extra_attempts: int
) -> bool:
    """Put the holder's run back to the queue, to be claimed not before `after` from now."""
    return _change(
        session,
        run_id,
        attempt,
        status="queued",
        run_after=_NOW + after,
        lease_until=None,
        error=error,
        max_attempts=JobRun.max_attempts + extra_attempts,
    )


def _change(session: Session, run_id: int, attempt: int | None, **values: Any) -> bool:
    # The attempt is the fence: a worker that was thought dead finds that its number is no longer the current one.
    statement = update(JobRun).where(JobRun.id == run_id, JobRun.status == "running").values(**values)
    if attempt is not None:
        statement = statement.where(JobRun.attempts == attempt)
    return session.execute(statement.returning(JobRun.id)).one_or_none() is not None


def requeue_expired(session: Session) -> int:
    """Put runs whose lease ran out back to the queue, or fail those that had all their attempts; how many."""
    expired = (JobRun.status == "running", JobRun.lease_until < _NOW)
    failed = session.execute(
        update(JobRun)
        .where(*expired, JobRun.attempts >= JobRun.max_attempts)
        .values(
            status="failed",
            lease_until=None,
            finished_at=_NOW,
            error=func.format(
                "The worker stopped %s times before this was done. Look at its log, then retry.", JobRun.attempts
            ),
        )
        .returning(JobRun.id)
    ).all()
    requeued = session.execute(
        update(JobRun)
        .where(*expired)
        .values(status="queued", lease_until=None, run_after=_NOW, error="The worker stopped; it starts again.")
        .returning(JobRun.id)
    ).all()
    return len(failed) + len(requeued)


def due(session: Session, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Runs that may be claimed now, oldest first: id, attempts, kind."""
    return session.execute(
        select(JobRun.id, JobRun.attempts, JobRun.kind)
        .where(JobRun.status == "queued", JobRun.run_after <= _NOW)
        .order_by(JobRun.id)
        .limit(limit)
    ).all()


def seconds_until_due(session: Session) -> float | None:
    """Seconds until the next queued run may be claimed; None when none waits for its time."""
    statement = select(func.extract("epoch", func.min(JobRun.run_after) - _NOW)).where(
        JobRun.status == "queued", JobRun.run_after > _NOW
    )
    seconds = session.execute(statement).scalar_one()
    return None if seconds is None else float(seconds)


def delete_done(session: Session, *, older_than: timedelta) -> int:
    """Forget runs that ended well long ago, except those with a key that must keep refusing repeats."""
    statement = delete(JobRun).where(
        JobRun.status.in_(("done", "cancelled")),
        JobRun.finished_at < _NOW - older_than,
    )
    return len(session.execute(statement.returning(JobRun.id)).all())


COLUMNS = (
    JobRun.id,
    JobRun.kind,
    JobRun.status,
    JobRun.progress_done,
    JobRun.progress_total,
    JobRun.progress_note,
    JobRun.attempts,
    JobRun.max_attempts,
    JobRun.run_after,
    JobRun.arguments,
    JobRun.result,
    JobRun.error,
    JobRun.reference,
    JobRun.created_at,
    JobRun.started_at,
    JobRun.finished_at,
    AppUser.name.label("asked_by"),
)


def open_runs(session: Session, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Runs that are waiting, running or failed: running first, then failed, then by time; at most `limit`."""
    rank = func.array_position(["running", "failed", "queued"], JobRun.status)
    return session.execute(
        select(*COLUMNS)
        .outerjoin(AppUser, AppUser.id == JobRun.created_by)
        .where(JobRun.status.in_(("queued", "running", "failed")))
        .order_by(rank, JobRun.id.desc())
        .limit(limit)
    ).all()


def ended_runs(session: Session, limit: int, without_kinds: Sequence[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Runs done or cancelled, newest first, without those kinds unless a person asked for them."""
    return session.execute(
        select(*COLUMNS)
        .outerjoin(AppUser, AppUser.id == JobRun.created_by)
        .where(
            JobRun.status.in_(("done", "cancelled")),
            or_(JobRun.kind.not_in(bindparam("kinds", expanding=True)), JobRun.created_by.is_not(None)),
        )
        .order_by(JobRun.created_at.desc())
        .limit(limit),
        {"kinds": list(without_kinds)},
    ).all()


def run(session: Session, run_id: int) -> Row[*tuple[Any, ...]] | None:
    """One run."""
    return session.execute(
        select(*COLUMNS).outerjoin(AppUser, AppUser.id == JobRun.created_by).where(JobRun.id == run_id)
    ).one_or_none()


def counts(session: Session, since: datetime) -> dict[str, int]:
    """Runs by status; of the ended ones those that ended since then."""
    open_statuses = JobRun.status.in_(("queued", "running", "failed"))
    rows = session.execute(
        select(JobRun.status, func.count().label("runs"))
        .where(or_(open_statuses, JobRun.created_at >= since))
        .group_by(JobRun.status)
    )
    return {row.status: row.runs for row in rows}


def reset_failed(session: Session, run_id: int) -> bool:
    """Put a failed run back to the queue with three attempts more; False when it is not failed."""
    statement = (
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.status == "failed")
        .values(status="queued", run_after=_NOW, max_attempts=JobRun.attempts + 3, finished_at=None)
    )
    return session.execute(statement.returning(JobRun.id)).one_or_none() is not None


def cancel_waiting(session: Session, run_id: int) -> bool:
    """Cancel a run that waits or has failed; False when it runs or is over."""
    statement = (
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.status.in_(("queued", "failed")))
        .values(status="cancelled", finished_at=_NOW)
    )
    return session.execute(statement.returning(JobRun.id)).one_or_none() is not None


def open_run_of(session: Session, kind: str) -> int | None:
    """A run of this kind that waits or runs, if any."""
    return session.execute(
        select(JobRun.id).where(JobRun.kind == kind, JobRun.status.in_(("queued", "running"))).limit(1)
    ).scalar_one_or_none()


def hurry(session: Session, run_id: int) -> bool:
    """Let a run that waits for its time be claimed now; False when it does not wait for its time."""
    statement = (
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.status == "queued", JobRun.run_after > _NOW)
        .values(run_after=_NOW)
    )
    return session.execute(statement.returning(JobRun.id)).one_or_none() is not None


def waiting_run_of(session: Session, kind: str) -> int | None:
    """A run of this kind that has not begun, if any."""
    return session.execute(
        select(JobRun.id).where(JobRun.kind == kind, JobRun.status == "queued").limit(1)
    ).scalar_one_or_none()
