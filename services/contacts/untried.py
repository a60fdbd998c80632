"""What was not yet tried to reach a borrower: channels, numbers, co-borrowers and guarantors, with the last attempt.

Relatives and referees are in no such list: only who is bound to the loan may be contacted (IN-03).
"""

from dataclasses import dataclass
from datetime import datetime

from db.engine import reading
from db.queries import untried as queries
from services import cases, clock, policy
from services.actors import Actor, Permission
from services.contacts.values import PERSONS
from services.policy import GateAnswer


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach somebody who owes."""

    channel: str | None
    """None: no number or address of theirs is on record."""
    person: str
    party_name: str | None
    masked: str | None
    """The number or address, masked."""
    is_refused: bool
    """They asked not to be contacted there, or refused consent."""
    tries: int
    last_at: datetime | None
    """None: never tried."""
    last_outcome: str | None
    gate: GateAnswer | None
    """What the gate says of the channel now; None without a channel."""

    @property
    def who(self) -> str:
        """The borrower, or the party by name."""
        role = PERSONS.get(self.person, self.person)
        return f"{role} {self.party_name}" if self.party_name else role


def of_borrower(actor: Actor, borrower_id: int) -> tuple[Way, ...]:
    """Every way to reach the borrower and the parties of the loan: never tried first, then the longest ago.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        rows = queries.ways(session, borrower_id)
        channels = {row.channel for row in rows if row.channel}
        answers = policy.preview_channels(session, borrower_id, channels, clock.now(), agent_id=actor.id)
    return tuple(Way(**row._mapping, gate=answers.get(row.channel)) for row in rows)  # noqa: SLF001 - a public name
