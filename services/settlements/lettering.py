"""Taking out the letter of a settlement as it was kept."""

from db.engine import reading
from services import cases, documents
from services.actors import Actor, Permission
from services.documents import Opened
from services.errors import NotFound
from services.settlements.reading import load


def letter_of(actor: Actor, settlement_id: int) -> Opened:
    """The letter, exactly as it was kept when the offer was approved; the download stands in the audit trail.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see, or no letter was made yet.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        made = load(session, settlement_id)
        cases.require_access(session, actor, made.borrower_id)
        kept = documents.of_subject(session, ("settlement", settlement_id))
    if not kept:
        raise NotFound("No letter is kept with this settlement: it is made when the offer is approved.")
    return documents.fetch(actor, kept[0].id)
