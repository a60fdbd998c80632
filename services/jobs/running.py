"""The life of a run between the queue and its end, for workers only: they act as the system, so no actor is asked.

A run is claimed by compare-and-set on its status and number of attempts, held by a lease that the worker renews, and
ended by whoever holds that attempt. A worker that was thought dead cannot end what another has taken over.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from db.engine import transaction
from db.queries import jobs as queries
from services.jobs.kinds import KINDS

LEASE = timedelta(seconds=60)
"""A worker that is silent for longer is taken for dead."""
_BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
_KEEP_DONE = timedelta(days=30)


class Progress(Protocol):
    """How work reports how far it is. It may be called often: what is stored is each phase and two reports a second."""

    def __call__(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Report `done` of `total` (rows, ranges, whatever the work counts), with a phrase such as 'checking rows'.

        Raises:
            LeaseLost: another worker has taken the run over; stop.
        """


class LeaseLost(Exception):
    """The run was taken over by another worker: what this one still does must stop."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A run that this worker holds."""

    id: int
    kind: str
    arguments: dict[str, Any]
    attempt: int
    """Which beginning this is, from 1; also proves that the run is still held."""
    max_attempts: int


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A run that may be claimed now."""

    id: int
    attempts: int
    is_long: bool


def due(limit: int = 1000) -> tuple[list[WaitingJob], float | None]:
    """Runs that may be claimed now, oldest first, and the seconds until the next that waits for its time."""
    with transaction() as session:
        rows = queries.due(session, limit)
        seconds = queries.seconds_until_due(session)
    long_kinds = {kind for kind, known in KINDS.items() if known.is_long}
    return [WaitingJob(row.id, row.attempts, row.kind in long_kinds) for row in rows], seconds


def claim(run_id: int, attempts: int) -> ClaimedJob | None:
    """Take a waiting run that was begun `attempts` times so far; None when it is not there to be taken.

    1. Waiting -> running, only if it still waits with that number of attempts; the lease starts.
    """
    with transaction() as session:
        row = queries.claim(session, run_id, attempts, LEASE)
    return None if row is None else ClaimedJob(run_id, row.kind, row.arguments, row.attempts, row.max_attempts)


def renew(job: ClaimedJob) -> bool:
    """Lengthen the lease; False when the run is no longer held."""
    with transaction() as session:
        return queries.renew(session, job.id, job.attempt, LEASE)


def progress(
    run_id: int, done: int, total: int | None = None, note: str | None = None, *, attempt: int | None = None
) -> None:
    """Store how far a run is, in a transaction of its own so that it shows at once.

    Raises:
        LeaseLost: `attempt` is given and no longer the current one.
    """
    with transaction() as session:
        is_held = queries.report_progress(session, run_id, attempt=attempt, done=done, total=total, note=note)
    if attempt is not None and not is_held:
        raise LeaseLost


def finish(job: ClaimedJob, result: dict[str, Any] | None = None) -> bool:
    """Running -> done, with counts to show; False when the run is no longer held."""
    with transaction() as session:
        return queries.finish(session, job.id, job.attempt, result)


def fail(job: ClaimedJob, error: str, *, reference: str | None = None) -> bool:
    """Running -> failed, until a person retries it.

    Args:
        job: the run.
        error: a sentence that a user may read.
        reference: finds the failure in the log.
    """
    with transaction() as session:
        return queries.fail(session, job.id, job.attempt, error, reference)


def try_again(job: ClaimedJob, error: str, *, reference: str | None = None) -> None:
    """After a passing trouble: running -> waiting with a growing pause, or failed after the last attempt."""
    if job.attempt >= job.max_attempts:
        fail(job, f"{error} Tried {job.attempt} times.", reference=reference)
        return
    pause = _BACK_OFF[min(job.attempt, len(_BACK_OFF)) - 1]
    with transaction() as session:
        queries.requeue(session, job.id, job.attempt, after=pause, error=error, extra_attempts=0)


def interrupted(run_id: int, attempt: int, *, by_shutdown: bool) -> None:
    """The process that held the run has died: back to the queue at once, without waiting for the lease.

    A shutdown is nobody's failure and does not count as an attempt; a crash does, else it would come back for ever.
    """
    with transaction() as session:
        row = queries.run(session, run_id)
        if row is None:
            return
        if row.attempts >= row.max_attempts and not by_shutdown:
            sentence = f"The worker stopped {row.attempts} times before this was done. Look at its log, then retry."
            queries.fail(session, run_id, attempt, sentence, None)
            return
        again = "The worker stopped; it starts again."
        extra = 1 if by_shutdown else 0
        queries.requeue(session, run_id, attempt, after=timedelta(0), error=again, extra_attempts=extra)


def sweep() -> int:
    """Put back what dead workers held; how many runs."""
    with transaction() as session:
        return queries.requeue_expired(session)


def forget_old() -> int:
    """Remove records of work that ended well over a month ago; how many. The audit trail keeps who asked for it."""
    with transaction() as session:
        return queries.delete_done(session, older_than=_KEEP_DONE)
