"""Recording an act, in the transaction that does it."""

from typing import Any

from sqlalchemy.orm import Session

from db.queries import audit as queries
from services.actors import Actor


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    subject: tuple[str, int | str],
    summary: str,
    borrower_id: int | None = None,
    loan_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add one event to the audit trail, to be committed or rolled back with the act itself.

    Args:
        session: the transaction of the act.
        actor: who acts.
        action: 'subject.verb' in the past tense, such as 'promise.recorded'.
        subject: type and id of what the act is about, such as ('promise', 17).
        summary: the act as a phrase that follows the actor's name, without personal data:
            'recorded a promise of 5,000.00'.
        borrower_id: whose record the event belongs to.
        loan_id: the loan, if one.
        before: values that the act replaced, JSON.
        after: values it left, JSON.
        reason: why, where the rule asks for one.
    """
    queries.insert_event(
        session,
        actor_id=actor.id,
        actor_name=actor.name,
        actor_role=actor.role,
        action=action,
        subject_type=subject[0],
        subject_id=str(subject[1]),
        summary=summary,
        borrower_id=borrower_id,
        loan_id=loan_id,
        before=before,
        after=after,
        reason=reason,
    )
