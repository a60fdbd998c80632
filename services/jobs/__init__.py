"""Background work: asking for it, doing it once, and showing how it goes. Postgres holds all of it."""

from services.jobs.kinds import KINDS, JobKind, label_of
from services.jobs.requesting import cancel, request, request_once, retry, start
from services.jobs.running import (
    ClaimedJob,
    LeaseLost,
    Progress,
    WaitingJob,
    claim,
    due,
    fail,
    finish,
    forget_old,
    interrupted,
    progress,
    renew,
    sweep,
    try_again,
)
from services.jobs.viewing import JobsOverview, JobView, overview, view

__all__ = [
    "KINDS",
    "ClaimedJob",
    "JobKind",
    "JobView",
    "JobsOverview",
    "LeaseLost",
    "Progress",
    "WaitingJob",
    "cancel",
    "claim",
    "due",
    "fail",
    "finish",
    "forget_old",
    "interrupted",
    "label_of",
    "overview",
    "progress",
    "renew",
    "request",
    "request_once",
    "retry",
    "start",
    "sweep",
    "try_again",
    "view",
]
