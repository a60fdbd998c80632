"""Asking for background work, retrying and cancelling it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import jobs as queries
from services import audit, lender
from services.actors import Actor, Permission
from services.errors import Conflict, NotFound, Refused
from services.jobs.kinds import KINDS, label_of
from services.lender import LenderSettings


def request(
    session: Session,
    kind: str,
    arguments: dict[str, Any],
    *,
    key: str | None = None,
    actor: Actor | None = None,
    run_after: datetime | None = None,
    max_attempts: int = 3,
) -> int:
    """Ask for background work in the caller's transaction: it exists only if that commits, and then is not lost.

    Args:
        session: the transaction whose facts the work is about.
        kind: a name in the table of jobs.
        arguments: ids and strings only; JSON.
        key: what makes it unique, such as 'close:2026-11-23'. Asked for twice it runs once; asked for again after a
            failure it is tried again.
        actor: who asked, when a person did.
        run_after: not before this moment (aware); default: now.
        max_attempts: how often it may be begun, counting workers that died.

    Returns:
        The run's id, also when it was asked for before.
    """
    values: dict[str, Any] = {"kind": kind, "key": key, "arguments": arguments, "max_attempts": max_attempts}
    values["created_by"] = actor.id if actor else None
    if run_after is not None:
        values["run_after"] = run_after
    run_id = queries.insert_run(session, **values)
    if run_id is None:
        assert key is not None, "only a key can be taken"
        return queries.run_with_key(session, key)
    queries.notify(session, run_id)
    return run_id


def request_once(session: Session, kind: str, arguments: dict[str, Any]) -> int:
    """As `request`, unless a run of the kind waits already: that one will find what this one is about."""
    waiting = queries.waiting_run_of(session, kind)
    return waiting if waiting is not None else request(session, kind, arguments)


def start(actor: Actor, kind: str) -> int:
    """Start recurring work now instead of at its time; what pauses before another attempt is tried at once.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such kind.
        Refused: this kind needs a subject, such as a file.
        Conflict: it is waiting or running already.
    """
    actor.require(Permission.MANAGE_JOBS)
    known = KINDS.get(kind)
    if known is None:
        startable = ", ".join(name for name, each in KINDS.items() if each.can_start)
        raise NotFound(f"There is no job “{kind}”. Those that can be started: {startable}.")
    if not known.can_start:
        raise Refused(f"{label_of(kind)} starts from its own page, with what it is about.")
    with transaction() as session:
        waiting = queries.open_run_of(session, kind)
        if waiting is not None and not queries.hurry(session, waiting):
            raise Conflict(f"{known.label} is waiting or running already: its progress is on the Jobs page.")
        run_id = waiting or request(session, kind, _arguments_of(kind, lender.load(session)), actor=actor)
        queries.notify(session, run_id)
        summary = f"started the job “{known.label}”"
        audit.record(session, actor, "job.started", subject=("job", run_id), summary=summary)
        return run_id


def _arguments_of(kind: str, settings: LenderSettings) -> dict[str, str]:
    """The last business date that is over, or a later one that was closed already."""
    if kind != "close":
        return {}
    yesterday = settings.today - timedelta(days=1)
    return {"business_date": max(yesterday, settings.closed_through or yesterday).isoformat()}


def retry(actor: Actor, run_id: int) -> None:
    """Put failed work back to the queue.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such run.
        Conflict: it is not failed any more.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction() as session:
        kind = _kind_of(session, run_id)
        if not queries.reset_failed(session, run_id):
            raise Conflict("This job is not failed any more: look at the list again.")
        queries.notify(session, run_id)
        summary = f"retried the job “{label_of(kind)}”"
        audit.record(session, actor, "job.retried", subject=("job", run_id), summary=summary)


def cancel(actor: Actor, run_id: int) -> None:
    """Take waiting or failed work off the list. What runs cannot be cancelled: it would stop half-way.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such run.
        Conflict: it runs, or is over.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction() as session:
        kind = _kind_of(session, run_id)
        if not queries.cancel_waiting(session, run_id):
            raise Conflict("This job is running or over: it cannot be cancelled.")
        summary = f"cancelled the job “{label_of(kind)}”"
        audit.record(session, actor, "job.cancelled", subject=("job", run_id), summary=summary)


def _kind_of(session: Session, run_id: int) -> str:
    row = queries.run(session, run_id)
    if row is None:
        raise NotFound("There is no such job any more.")
    return str(row.kind)
