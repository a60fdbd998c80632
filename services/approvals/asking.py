"""Asking for approval, and taking the request back."""

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import approvals as queries
from services import audit, clock
from services.actors import Actor
from services.approvals import reach
from services.approvals.kinds import label_of, outcome_of
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused


def ask(
    session: Session,
    actor: Actor,
    *,
    kind: str,
    subject: tuple[str, int],
    borrower_id: int | None,
    amount: Decimal | None,
    percent: Decimal | None = None,
    excluded_user_ids: Collection[int] = (),
    above_level: int = 0,
    reason: str,
    summary: str,
) -> int:
    """Ask for a decision, in the transaction of the act that needs it; the request's id.

    The caller records the act in the audit trail; the request is part of it. The request waits at the lowest level
    that may decide so much and that someone other than the maker and the excluded holds.

    Args:
        session: the caller's transaction.
        actor: the maker.
        kind: a registered kind, such as 'settlement'.
        subject: type and id of what takes effect with the decision.
        borrower_id: whose record it belongs to; None for none.
        amount: what is at stake, in the lender's currency; None when no amount measures it.
        percent: its share of what is owed, 0 to 100.
        excluded_user_ids: who may not decide it whatever their level.
        above_level: the decider's level must be higher than this (IN-19: above the maker's or the sanctioner's).
        reason: the maker's.
        summary: one line that says what is asked, without personal data.

    Raises:
        NotAllowed: the system asks; only people do.
        InvalidInput: no reason.
        Refused: no level of authority may decide so much.
        Conflict: the subject waits for a decision of the kind already.
    """
    maker = _maker(actor, kind)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; whoever decides reads it."})
    share = percent.quantize(Decimal("0.01")) if percent is not None else None
    kept_out = {maker, *excluded_user_ids}
    line = reach.place(session, kind, amount=amount, percent=share, above=above_level, kept_out=kept_out)
    if line is None:
        raise Refused("No level of authority may decide this much. Lower it, or ask an admin to set a limit for it.")
    return _insert(
        session,
        line,
        kind=kind,
        subject_kind=subject[0],
        subject_id=subject[1],
        borrower_id=borrower_id,
        amount=amount,
        percent=share,
        summary=summary,
        reason=reason.strip(),
        excluded_user_ids=sorted(set(excluded_user_ids)),
        asked_by=maker,
    )


def _maker(actor: Actor, kind: str) -> int:
    outcome_of(kind)  # what nobody could carry out cannot be asked
    if actor.id is None:
        raise NotAllowed("Only a person may ask for approval.")
    return actor.id


def _insert(session: Session, line: AnyRow, *, reason: str, asked_by: int, **asked: Any) -> int:
    """The request at its first level, and the event that begins its history."""
    now = clock.now()
    request_id = queries.insert_request(
        session,
        **asked,
        reason=reason,
        first_level=line.level,
        level=line.level,
        asked_at=now,
        asked_by=asked_by,
        due_at=now + timedelta(hours=line.hours),
    )
    queries.insert_event(session, request_id, "asked", level=line.level, actor_id=asked_by, reason=reason, at=now)
    return request_id


def withdraw(actor: Actor, request_id: int, *, reason: str) -> None:
    """Take one's own request back before it is decided.

    Raises:
        NotFound: there is no such request.
        Refused: someone else asked for it.
        Conflict: it is decided already.
        InvalidInput: no reason.
    """
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the request is taken back."})
    with transaction() as session:
        request = queries.lock(session, request_id)
        if request is None:
            raise NotFound("There is no such request.")
        if request.asked_by != actor.id:
            raise Refused("Only who asked may take a request back. You can refuse it instead.")
        require_waiting(request)
        _close(session, actor, request, reason.strip())
        outcome = outcome_of(request.kind)
        if outcome.on_withdrawn is not None:
            outcome.on_withdrawn(session, actor, request.subject_id)
        audit.record(
            session,
            actor,
            "request.withdrawn",
            subject=("approval_request", request_id),
            summary=f"took back the request “{label_of(request.kind)}: {request.summary}”",
            borrower_id=request.borrower_id,
            reason=reason.strip(),
        )


def withdraw_for(session: Session, actor: Actor, *, kind: str, subject: tuple[str, int], reason: str) -> bool:
    """Close the request that waits about a subject, in the transaction that ends the subject; whether one waited."""
    newest = queries.of_subject(session, subject, kind=kind)
    request = queries.lock(session, newest.id) if newest is not None else None
    if request is None or request.status != "waiting":
        return False
    _close(session, actor, request, reason)
    return True


def _close(session: Session, actor: Actor, request: AnyRow, reason: str) -> None:
    queries.close(
        session,
        request.id,
        status="withdrawn",
        decided_at=clock.now(),
        decided_by=actor.id,
        decision_reason=reason,
    )
    queries.insert_event(
        session, request.id, "withdrawn", level=request.level, actor_id=actor.id, reason=reason, at=clock.now()
    )


def require_waiting(request: AnyRow) -> None:
    """Refuse what is decided already, and say by whom.

    Raises:
        Conflict: it does not wait any more.
    """
    if request.status != "waiting":
        raise Conflict(f"This request was {request.status} by {request.decided_by_name or 'Recoup'} in the meantime.")
