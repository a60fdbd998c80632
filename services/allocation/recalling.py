"""Recall: cases are taken back from who has them, with the kind and the reason in their history."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy.orm import Session

from db.queries import allocation as queries
from services.actors import Actor
from services.errors import InvalidInput


class RecallKind(StrEnum):
    """Why cases are taken back."""

    COMPLAINT = "complaint"
    """The borrower complained: nobody pursues the case until the complaint is settled (IN-09)."""
    AGENCY_BREACH = "agency_breach"
    """The agency broke its agreement or the code of conduct."""
    PAPERS = "papers"
    """The collector's certificate or police check has expired (IN-07)."""
    OTHER = "other"


def recall(session: Session, actor: Actor, case_ids: Sequence[int], *, reason: str, kind: RecallKind | str) -> int:
    """Take open cases back from their owners, in the caller's transaction; how many had one.

    The case stays open with nobody; who has it open now loses it. Keep-the-same-agent rules do not give it back to
    who lost it. The caller asks the permission of its own act and records the event of it: a complaint that recalls a
    case is one act with one event.

    Args:
        session: the transaction of the act.
        actor: who acts.
        case_ids: cases; those that are closed or nobody's are passed over.
        reason: why, for the history; a sentence or a few words.
        kind: which of the reasons for a recall.

    Raises:
        InvalidInput: no reason, or a kind that is not one.
    """
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the case is taken back, in a few words."})
    if kind not in set(RecallKind):
        raise InvalidInput({"kind": "Choose why the case is taken back."})
    return queries.assign(
        session,
        case_ids,
        [None] * len(case_ids),
        allocated_by=actor.id,
        reason=reason.strip(),
        kind=RecallKind(kind).value,
    )
