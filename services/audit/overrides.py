"""Contacts made against the gate's answer: how many there were, so that they stand out."""

from datetime import timedelta
from typing import Final

from db.engine import reading
from db.queries import audit as queries
from services import clock
from services.actors import Actor, Permission

ACTION: Final = "contact.recorded_against_gate"
DAYS: Final = 30
COUNTED_AT_MOST: Final = 1_000


def lately(actor: Actor) -> int:
    """Contacts against the gate in the last 30 days, counted no further than `COUNTED_AT_MOST`.

    Raises:
        NotAllowed: the actor may not read the audit trail.
    """
    actor.require(Permission.VIEW_AUDIT)
    since = clock.now() - timedelta(days=DAYS)
    with reading() as session:
        wanted = queries.EventFilter(action=ACTION, since=since)
        return queries.count_events(session, wanted, at_most=COUNTED_AT_MOST)
