"""The cron process: leads, dispatches, and asks the timetable every half minute. `manage.py cron` runs it.

Any number may run, on any hosts: Postgres lets one lead, the others take over within seconds of its end.
"""

import threading
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType

import redis
import structlog
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested
from sqlalchemy.exc import SQLAlchemyError

from jobs.dispatch import Dispatcher
from jobs.queue import QUICK, connect
from services import schedules

log = structlog.get_logger("cron")

_TICK_SECONDS = 30
_BACK_OFF_SECONDS = 2


def tick() -> int:
    """Ask for what is due by now; how many runs. What was missed while nothing ran is due as well."""
    runs = schedules.plan_due()
    if runs:
        log.info("cron.planned", runs=runs)
    return len(runs)


class PlanningScheduler(CronScheduler):
    """RQ's scheduler, whose jobs run here instead of being queued.

    RQ would queue them pickled, which our workers refuse; and planning is a short transaction that must not wait
    behind long work. Only the leader plans.
    """

    def __init__(self, connection: redis.Redis, dispatcher: Dispatcher) -> None:
        super().__init__(connection, logging_level="WARNING")  # what it does is logged by us
        self._dispatcher = dispatcher
        self.stopping = threading.Event()

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ's way out says goodbye to the queue server; where that is away, its error must not hide the stop."""
        self.stopping.set()
        super()._request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def enqueue_jobs(self) -> list[CronJob]:
        """Run what is due, if this process leads."""
        if not self._dispatcher.is_leading:
            return []
        due = [job for job in self._cron_jobs if job.should_run()]
        for job in due:
            try:
                assert job.func is not None, "registered here, with its function"
                job.func()
            except SQLAlchemyError as error:
                log.warning("cron.database_unreachable", error=type(error).__name__)
            job.set_enqueue_time(datetime.now(UTC))
        return due

    def calculate_sleep_interval(self) -> float:
        """Short while another leads, so that this one plans soon after it takes over."""
        return super().calculate_sleep_interval() if self._dispatcher.is_leading else 1.0


def run() -> None:
    """Lead or stand by until told to stop, through restarts of both servers."""
    dispatcher = Dispatcher()
    dispatcher.start()
    try:
        with suppress(StopRequested):  # told to stop while it waits
            _schedule(dispatcher)
    finally:
        dispatcher.stop()


def _schedule(dispatcher: Dispatcher) -> None:
    while dispatcher.is_alive():
        scheduler = PlanningScheduler(connect(), dispatcher)
        scheduler.register(tick, QUICK, interval=_TICK_SECONDS)
        try:
            scheduler.start()  # type: ignore[no-untyped-call]
        except redis.RedisError:
            if not scheduler.stopping.is_set():
                log.warning("cron.queue_unreachable")
                scheduler.stopping.wait(_BACK_OFF_SECONDS)
        else:
            return  # told to stop
        if scheduler.stopping.is_set():
            return
