"""What waited too long at its level goes to the next one that may decide it."""

from datetime import timedelta

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import approvals as queries
from services import audit, clock
from services.actors import Actor, Permission
from services.approvals import reach
from services.approvals.kinds import label_of

_PAGE = 200


def has_overdue(session: Session) -> bool:
    """Whether any request waited longer than its level has time."""
    return queries.has_overdue(session, now=clock.now())


def escalate_due(actor: Actor) -> int:
    """Move every overdue request up; how many moved. Safe to run twice and at any time.

    A request that no higher level can take stays where it is, and says so; it is not asked again.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    moved = 0
    while True:
        with transaction() as session:
            rows = queries.overdue(session, now=clock.now(), limit=_PAGE)
            moved += sum(_escalate(session, actor, row) for row in rows)
        if len(rows) < _PAGE:
            return moved


def _escalate(session: Session, actor: Actor, request: AnyRow) -> bool:
    line = reach.place(
        session,
        request.kind,
        amount=request.amount,
        percent=request.percent,
        above=request.level,
        kept_out={request.asked_by, *request.excluded_user_ids},
        is_held=True,
    )
    if line is None:
        queries.raise_level(session, request.id, level=request.level, due_at=None)
        return False
    queries.raise_level(session, request.id, level=line.level, due_at=clock.now() + timedelta(hours=line.hours))
    reason = f"Not decided in time at level {request.level}."
    queries.insert_event(
        session, request.id, "escalated", level=line.level, actor_id=actor.id, reason=reason, at=clock.now()
    )
    audit.record(
        session,
        actor,
        "request.escalated",
        subject=("approval_request", request.id),
        summary=f"escalated “{label_of(request.kind)}: {request.summary}” to level {line.level}",
        borrower_id=request.borrower_id,
        before={"level": request.level},
        after={"level": line.level},
        reason=reason,
    )
    return True
