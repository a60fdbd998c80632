"""Holding a case while it is worked: one collector a borrower at a time, by leases that end by themselves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import queue as queries
from db.queries.queue import Cursor, QueueFilter
from services import audit, cases, clock, lender, policy
from services.actors import Actor, Permission
from services.queue.listing import scoped, visible

LEASE = timedelta(minutes=15)
"""How long a case stays with the one who opened it; each act on it starts the time anew."""
_RENEW_BELOW = timedelta(minutes=10)
_CANDIDATES = 25
"""Cases looked at in one go: of these, the best that may be called now is taken."""
_FIRST = 6
"""Of these, how many the gate is asked about first: one of them nearly always is the one."""


def take(actor: Actor, case_id: int) -> datetime:
    """Hold a case while it is worked, for `LEASE` from now; until when.

    1. one statement claims it if nobody else holds it; 2. cases the actor held before are let go; 3. the first
    opening is recorded, a renewal is not.

    Raises:
        NotAllowed: the actor may not work the queue.
        NotFound: the case is closed, or not the actor's.
        NotAllowed: the actor only watches the case.
        Conflict: someone else has it open; the sentence says who and until when.
    """
    actor.require(Permission.WORK_QUEUE)
    now = clock.now()
    with transaction() as session:
        row = visible(session, actor, case_id)
        if row.owner_id != actor.id:
            cases.require_work(session, actor, row.borrower_id)
        is_mine = row.held_by == actor.id and row.held_until > now
        if is_mine and row.held_until - now > _RENEW_BELOW:
            return _until(row)
        if not queries.claim(session, case_id, actor.id or 0, at=now, until=now + LEASE):
            holder = visible(session, actor, case_id)
            raise cases.held_by_other(holder.holder_name, holder.held_until, lender.load(session).time_zone)
        if not is_mine:
            queries.release(session, actor.id or 0, but=case_id)
            _record_taken(session, actor, case_id, row.borrower_id)
        return now + LEASE


def _until(row: Row[*tuple[Any, ...]]) -> datetime:
    until: datetime = row.held_until
    return until


def _record_taken(session: Session, actor: Actor, case_id: int, borrower_id: int) -> None:
    audit.record(
        session,
        actor,
        "case.taken",
        subject=("case", case_id),
        summary="opened the case",
        borrower_id=borrower_id,
    )


def next_case(actor: Actor, wanted: QueueFilter | None = None, *, but: int | None = None) -> int | None:
    """Hold the best case to work now, and let go of the one before; its id, or None when nothing is left.

    Cases that may be called now come before those that may not, each in order of priority. Two who ask at the same
    moment are given different cases. An agent is given cases that they own, not those in which they only take part.
    A borrower who is to be called back later today is left alone until then.

    Args:
        actor: who works.
        wanted: which cases; None: all that the actor may work.
        but: a case to pass over, normally the one just done.

    Raises:
        NotAllowed: the actor may not work the queue.
    """
    actor.require(Permission.WORK_QUEUE)
    scope = scoped(actor, replace(wanted or QueueFilter(), participant_id=None))
    now = clock.now()
    with transaction() as session:
        claimed = _claim_best(session, actor, scope, but, now)
        if claimed is None:
            queries.release(session, actor.id or 0)
            return None
        _record_taken(session, actor, *claimed)
        return claimed[0]


def _claim_best(
    session: Session, actor: Actor, scope: QueueFilter, but: int | None, now: datetime
) -> tuple[int, int] | None:
    """The case claimed, for which others of the actor are let go, and its borrower.

    What others claim this moment is passed over without waiting for them. Nobody goes empty-handed while a case is
    free: where others took all that was looked at, the next ones are.
    """
    settings, me = lender.load(session), actor.id or 0
    preview = partial(policy.preview_many, session, channel="call", at=now, agent_id=me, settings=settings)
    after: Cursor | None = None
    while rows := queries.candidates(
        session, scope, me, today=settings.today, at=now, after=after, but=but, limit=_CANDIDATES
    ):
        borrowers = {row.id: row.borrower_id for row in rows}
        for case_ids in _callable_first(preview, borrowers):
            claimed = queries.claim_first(session, case_ids, me, at=now, until=now + LEASE)
            if claimed is not None:
                return claimed, borrowers[claimed]
        after = Cursor(rows[-1].priority, rows[-1].id)
    return None


def _callable_first(
    preview: Callable[[list[int]], Mapping[int, policy.GateAnswer]], borrowers: Mapping[int, int]
) -> Iterator[list[int]]:
    """Lists of cases to try in turn, each by priority: those that may be called now, and last those that may not."""
    case_ids, blocked = list(borrowers), []
    for some in filter(None, (case_ids[:_FIRST], case_ids[_FIRST:])):
        answers = preview([borrowers[case_id] for case_id in some])
        free = [case_id for case_id in some if answers[borrowers[case_id]].is_allowed]
        blocked += [case_id for case_id in some if case_id not in free]
        if free:
            yield free
    if blocked:
        yield blocked


def release(actor: Actor) -> None:
    """Let go of the case that the actor has open, so that others may take it.

    Raises:
        NotAllowed: the actor may not work the queue.
    """
    actor.require(Permission.WORK_QUEUE)
    with transaction() as session:
        for case_id in queries.release(session, actor.id or 0):
            row = queries.case_row(session, case_id)
            audit.record(
                session,
                actor,
                "case.released",
                subject=("case", case_id),
                summary="let go of the case",
                borrower_id=row.borrower_id if row else None,
            )
