"""From Postgres to the queue server: announced work at once, and every few seconds whatever the queue lost."""

import threading
import time

import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.listening import Listener, listener
from jobs.queue import connect, put
from services import jobs

log = structlog.get_logger("dispatch")

_SWEEP_SECONDS = 5.0
_LISTEN_SECONDS = 0.5
_STANDBY_SECONDS = 3.0
_BACK_OFF_SECONDS = (0.5, 1, 2, 5)
_TAKING_SECONDS = 3.0
"""A worker that took an entry has claimed its run by then; sooner it is not put into the queue again."""


class Dispatcher(threading.Thread):
    """One leads at a time among all hosts; the others stand by."""

    def __init__(self) -> None:
        super().__init__(name="dispatcher", daemon=True)
        self._stopping = threading.Event()
        self._leading = threading.Event()
        self.put = 0
        """Entries put into the queue since the start."""
        self._put_at: dict[tuple[int, int], float] = {}
        """Runs and attempts put there a moment ago."""

    @property
    def is_leading(self) -> bool:
        """Whether this process plans and dispatches."""
        return self._leading.is_set()

    def stop(self) -> None:
        """End after the present round."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=10)

    def run(self) -> None:
        """Lead, or stand by, until stopped; through restarts of both servers."""
        failures = 0
        while not self._stopping.is_set():
            try:
                with listener() as ear:
                    while not self._stopping.is_set() and not ear.try_to_lead():
                        self._stopping.wait(_STANDBY_SECONDS)
                    failures = 0
                    self._lead(ear)
            except (psycopg.Error, SQLAlchemyError, redis.RedisError) as error:
                failures += 1
                log.warning("dispatch.unreachable", server=type(error).__module__.split(".")[0], tries=failures)
            finally:
                self._leading.clear()
            self._stopping.wait(_BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)])

    def _lead(self, ear: Listener) -> None:
        if not self._stopping.is_set():
            self._leading.set()
        with connect() as connection:
            while not self._stopping.is_set():
                self._rest(ear, min(self.round(connection), _SWEEP_SECONDS))

    def _rest(self, ear: Listener, seconds: float) -> None:
        """Until work is announced or the time is over, in short waits so that a stop is heard soon."""
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            if ear.wait(min(left, _LISTEN_SECONDS)):
                return

    def round(self, connection: redis.Redis) -> float:
        """Take back what dead workers held, wake workers for what waits; seconds until the next run is due."""
        taken_back = jobs.sweep()
        waiting, seconds = jobs.due()
        now = time.monotonic()
        self._put_at = {run: at for run, at in self._put_at.items() if now - at < _TAKING_SECONDS}
        fresh = [job for job in waiting if (job.id, job.attempts) not in self._put_at]
        self.put += (awoken := put(connection, fresh))
        self._put_at |= dict.fromkeys(((job.id, job.attempts) for job in fresh), now)
        if taken_back or awoken:
            log.info("dispatch.round", taken_back=taken_back, put=awoken, waiting=len(waiting))
        return _SWEEP_SECONDS if seconds is None else max(0.05, seconds)
