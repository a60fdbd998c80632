"""Doing one run: claim it, keep its lease while it works, and write down how it ended."""

import os
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from jobs.registry import JOBS
from services import jobs
from services.errors import CollectionsError, Conflict, Unavailable
from services.jobs import ClaimedJob, LeaseLost, Progress

log = structlog.get_logger("jobs")

_RENEW_SECONDS = 15
_REPORT_SECONDS = 0.5
_PARENT_SECONDS = 2


def perform(run_id: int, attempts: int) -> None:
    """What a worker does with an entry of the queue. An entry for a run that is taken or over does nothing."""
    job = jobs.claim(run_id, attempts)
    if job is None:
        log.info("job.skipped", run=run_id, attempts=attempts)
        return
    log.info("job.begun", run=job.id, kind=job.kind, attempt=job.attempt)
    with _lease_kept(job):
        _do(job)


def _do(job: ClaimedJob) -> None:
    try:
        result = JOBS[job.kind](job.id, job.arguments, _progress_of(job))
    except LeaseLost:
        log.warning("job.taken_over", run=job.id, kind=job.kind, attempt=job.attempt)
    except (Conflict, Unavailable) as error:
        jobs.try_again(job, error.message)
    except CollectionsError as error:
        log.info("job.refused", run=job.id, kind=job.kind, error=type(error).__name__)
        jobs.fail(job, error.message)
    except (OperationalError, InterfaceError) as error:
        reference = _logged("job.interrupted", job, error)
        jobs.try_again(job, "The database was not available or too slow.", reference=reference)
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is becomes a failure with a reference
        reference = _logged("job.failed", job, error)
        jobs.fail(job, f"Something went wrong. The log has it under {reference}.", reference=reference)
    else:
        jobs.finish(job, result)
        log.info("job.done", run=job.id, kind=job.kind, attempt=job.attempt)


def _logged(event: str, job: ClaimedJob, error: Exception) -> str:
    """Log where an error arose, without its message: that may hold values of a borrower. Returns the reference."""
    reference = uuid4().hex[:8].upper()
    cause = error.orig if isinstance(error, DBAPIError) else None
    log.error(
        event,
        reference=reference,
        run=job.id,
        kind=job.kind,
        attempt=job.attempt,
        error=type(error).__name__,
        sqlstate=getattr(cause, "sqlstate", None),
        where=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )
    return reference


def _progress_of(job: ClaimedJob) -> Progress:
    """Stores each new phase, the end, and between them two reports a second."""
    reported_at: float = 0.0
    phase: str | None = None

    def report(done: int, total: int | None = None, note: str | None = None) -> None:
        nonlocal reported_at, phase
        is_end = total is not None and done >= total
        if is_end or note != phase or time.monotonic() - reported_at >= _REPORT_SECONDS:
            reported_at, phase = time.monotonic(), note
            jobs.progress(job.id, done, total, note, attempt=job.attempt)

    return report


@contextmanager
def _lease_kept(job: ClaimedJob) -> Iterator[None]:
    """Within, a thread renews the lease, so that long statements do not look like a dead worker."""
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(job, done), name=f"lease-{job.id}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _keep(job: ClaimedJob, done: threading.Event) -> None:
    parent, renewed_at = os.getppid(), time.monotonic()
    while not done.wait(_PARENT_SECONDS):
        if os.getppid() != parent:
            # The worker was killed. Its child goes too, so that who stops Recoup by force has stopped it; the run
            # comes back when its lease is over.
            os._exit(1)
        if time.monotonic() - renewed_at < _RENEW_SECONDS:
            continue
        try:
            if not jobs.renew(job):
                return  # over or taken over: the next report of progress says so
            renewed_at = time.monotonic()
        except (OperationalError, InterfaceError):
            log.warning("job.lease_not_renewed", run=job.id)
