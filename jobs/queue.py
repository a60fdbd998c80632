"""The queue server: where it is, and what is put there. It only wakes workers; losing it loses no work."""

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from services.jobs import WaitingJob
from settings import settings

QUICK, LONG = "recoup-quick", "recoup-long"
"""Workers take from both, quick ones first: a long import cannot hold up reminders for longer than itself."""
_PERFORM = "jobs.performing.perform"
_SILENCE_SECONDS = 10.0
"""A server that is silent for longer, behind a network that broke without a word, is taken for dead; workers, who wait
for work by listening, give it the time of `jobs.worker`."""
_FAILURE_SECONDS = 60
"""How long RQ remembers a job that it saw dying. Postgres has the record that people see."""


def queue_url() -> str:
    """Address of the queue server: the configured one, else the embedded one."""
    configured = settings().redis_url
    if configured is not None:
        return configured.get_secret_value()
    from db import embedded

    return embedded.queue_url()


def connect() -> Redis:
    """A connection that gives up within seconds, so that callers notice a dead server and come back to it."""
    return Redis.from_url(
        queue_url(),
        socket_connect_timeout=5,
        socket_timeout=_SILENCE_SECONDS,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1, base=0.1), 2),
    )


def queues(connection: Redis) -> dict[str, Queue]:
    """The two queues. JSON only: with pickle, who can write to the server could run code here."""
    return {name: Queue(name, connection=connection, serializer=JSONSerializer) for name in (QUICK, LONG)}


def put(connection: Redis, waiting: list[WaitingJob]) -> int:
    """Wake workers for runs that are not in the queue already; how many were put there.

    The id names run and attempt, so that a run put there twice is one entry; claiming in Postgres decides in any case.
    """
    both = queues(connection)
    present = {job_id for queue in both.values() for job_id in queue.get_job_ids()} if waiting else set()
    missing = [job for job in waiting if _job_id(job) not in present]
    for job in missing:
        both[LONG if job.is_long else QUICK].enqueue_call(
            _PERFORM,
            args=[job.id, job.attempts],
            job_id=_job_id(job),
            timeout=-1,
            result_ttl=0,
            failure_ttl=_FAILURE_SECONDS,
            description=f"run {job.id}, attempt {job.attempts + 1}",
        )
    return len(missing)


def _job_id(job: WaitingJob) -> str:
    return f"{job.id}-{job.attempts}"
