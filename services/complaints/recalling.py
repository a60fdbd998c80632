"""Taking a case from whoever has it because a complaint is open (IN-09)."""

from sqlalchemy.orm import Session

from db.queries import complaints as queries
from services import allocation
from services.actors import Actor
from services.complaints.values import number_of


def recall(session: Session, actor: Actor, borrower_id: int, complaint_id: int) -> str | None:
    """Take the borrower's open case from its owner, in the caller's transaction, with history and reason.

    Who has it open on the screen loses it too. Whose case it was; None: there is none, or nobody had it.
    """
    case = queries.case_of(session, borrower_id)
    if case is None or case.owner_id is None:
        return None
    reason = f"recalled: complaint {number_of(complaint_id)} is open (IN-09)"
    allocation.recall(session, actor, [case.id], reason=reason, kind=allocation.RecallKind.COMPLAINT)
    owner: str | None = case.owner_name
    return owner
