"""Sealing the trail: each seal hashes its events and the seal before, so that no event can be changed unnoticed."""

from db.engine import transaction
from db.queries import audit as queries
from services.actors import Actor, Permission


def seal(actor: Actor) -> int:
    """Seal everything recorded so far, 10,000 events a seal, one transaction each; how many events.

    Safe to run twice and to kill: a seal is there whole or not at all, and the next run goes on from the last.

    Raises:
        NotAllowed: the actor may not seal.
    """
    actor.require(Permission.VERIFY_AUDIT)
    sealed = 0
    while True:
        with transaction(statement_timeout_ms=0) as session:
            batch = queries.seal_next(session)
        if batch == 0:
            return sealed
        sealed += batch
