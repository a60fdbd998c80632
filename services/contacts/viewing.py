"""Reading contacts and the outcomes they may have."""

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import contacts as queries
from services import lender
from services.actors import Actor, Permission
from services.contacts.values import Contact, Outcome, outcome_of


def outcomes(actor: Actor) -> list[Outcome]:
    """The outcomes that people may choose today, the quick ones first.

    Raises:
        NotAllowed: the actor may not see borrowers.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return [outcome_of(row) for row in queries.dispositions(session, lender.load(session).today)]


def latest(session: Session, borrower_id: int, *, limit: int = 3) -> list[Contact]:
    """The borrower's last contacts, newest first, for an actor already let in."""
    rows = queries.latest(session, borrower_id, limit=limit)
    return [Contact(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
