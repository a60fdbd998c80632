"""The worker process: takes entries from the queue and does each in a child process. `manage.py worker` runs it."""

import os
import time
from contextlib import suppress
from threading import Timer

import redis
import structlog
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from db.engine import engine
from jobs.queue import LONG, QUICK, connect
from services import jobs

log = structlog.get_logger("worker")

_GRACE_SECONDS = 8
"""Time a job has to end after the worker was told to stop. Then it is cut: every job can be begun again."""
_RETRY_SECONDS = (1, 2, 5)
_LISTENS_SECONDS = 75
"""RQ listens for work 15 s less than this at a time, and takes a server that is silent 5 s less than this for dead."""


class RecoupWorker(Worker):
    """RQ's worker, with our ways to stop and to give back what a dead child held."""

    max_connection_wait_time = 5.0
    log_job_description = False
    log_result_lifespan = False
    is_asked_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        """Let the child end its job, but not for ever."""
        self.is_asked_to_stop = True
        timer = Timer(_GRACE_SECONDS, self._cut_child)
        timer.daemon = True
        timer.start()

    def set_shutdown_requested_date(self) -> None:
        """Tell the queue server, if it is there: an error here would be thrown at whatever the signal interrupted."""
        with suppress(redis.RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def _cut_child(self) -> None:
        if self.horse_pid:
            self.kill_horse()

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: object) -> None:  # noqa: ARG002
        """Give back at once what the child held when it died."""
        run_id, attempts = (int(part) for part in job.id.split("-"))
        try:
            jobs.interrupted(run_id, attempts + 1, by_shutdown=self.is_asked_to_stop)
        except SQLAlchemyError:
            log.warning("worker.child_died", run=run_id)  # its lease will end
        finally:
            engine().dispose()  # connections must not cross the next fork


def run(*, burst: bool = False) -> None:
    """Work until told to stop, through restarts of the queue server.

    Args:
        burst: return when the queue is empty.
    """
    failures = 0
    worker: RecoupWorker | None = None
    while worker is None or not worker.is_asked_to_stop:
        try:
            worker = RecoupWorker(
                [QUICK, LONG], connection=connect(), serializer=JSONSerializer, worker_ttl=_LISTENS_SECONDS
            )
            worker.work(burst=burst, logging_level="WARNING")
            failures = 1  # it left its loop: told to stop, or the queue server went away while a job ran
        except StopRequested:
            return
        except (redis.ConnectionError, redis.TimeoutError):
            failures += 1
            log.warning("worker.queue_unreachable", tries=failures)
        else:
            if burst:
                return
        if worker is None or not worker.is_asked_to_stop:
            with suppress(StopRequested):  # told to stop while it waits
                _pause(failures)


def _pause(failures: int) -> None:
    time.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1])
    with suppress(ChildProcessError):  # a child that outlived its watcher
        os.waitpid(-1, os.WNOHANG)
