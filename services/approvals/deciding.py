"""Deciding a request: once, by someone else, of sufficient authority; its outcome takes effect with it."""

from db.engine import transaction
from db.queries import approvals as queries
from services import audit, clock, lender
from services.actors import Actor, Permission
from services.approvals import reach
from services.approvals.asking import require_waiting
from services.approvals.kinds import label_of, outcome_of
from services.errors import InvalidInput, NotFound


def decide(actor: Actor, request_id: int, *, approve: bool, reason: str) -> None:
    """Approve or refuse a request.

    1. The request is locked: of two who decide at once one wins, the other is told.
    2. Maker, excluded people and insufficient levels are refused; the limits are those of today.
    3. Decision, history, what the decision does, and the audit event: one transaction.

    Raises:
        NotAllowed: the actor may not decide requests.
        InvalidInput: no reason.
        NotFound: there is no such request.
        Conflict: it is decided already.
        Refused: the actor made it, is excluded, or lacks the authority; or its outcome cannot take effect any more.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    if not reason.strip():
        raise InvalidInput({"reason": "Give the reason; it stays with the decision."})
    status = "approved" if approve else "refused"
    with transaction() as session:
        request = queries.lock(session, request_id)
        if request is None:
            raise NotFound("There is no such request.")
        require_waiting(request)
        holding = reach.authorities(session, actor, lender.load(session).today)
        holder = reach.authority_for(session, actor, request, holding)
        queries.close(
            session,
            request_id,
            status=status,
            decided_at=clock.now(),
            decided_by=actor.id,
            decided_for=holder if holder != actor.id else None,
            decision_reason=reason.strip(),
        )
        queries.insert_event(
            session,
            request_id,
            status,
            level=request.level,
            actor_id=actor.id,
            reason=reason.strip(),
            at=clock.now(),
        )
        outcome = outcome_of(request.kind)
        (outcome.on_approved if approve else outcome.on_refused)(session, actor, request.subject_id)
        audit.record(
            session,
            actor,
            f"request.{status}",
            subject=("approval_request", request_id),
            summary=f"{status} “{label_of(request.kind)}: {request.summary}”",
            borrower_id=request.borrower_id,
            before={"status": "waiting", "level": request.level, "asked_by": request.asked_by},
            after={"status": status, "authority_of": holder},
            reason=reason.strip(),
        )
