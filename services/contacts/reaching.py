"""Whom and where a contact reached: a party of the loan by name, a number of the borrower, nobody else (IN-03)."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import contacts as queries
from services import cases, clock, policy
from services.actors import Actor, Permission
from services.contacts.values import PARTIES, PERSONS, Entry
from services.errors import InvalidInput
from services.policy.facts import POINT_KIND


@dataclass(frozen=True, slots=True)
class Party:
    """A co-borrower or guarantor."""

    id: int
    role: str
    name: str


def parties(actor: Actor, borrower_id: int) -> tuple[Party, ...]:
    """The co-borrowers and guarantors of a borrower: who may be reached beside them.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return tuple(Party(row.id, row.role, row.name) for row in queries.parties(session, borrower_id))


def allowed(actor: Actor, borrower_id: int, channel: str, *, place: str | None = None) -> policy.GateAnswer:
    """Whether a contact by this channel, and for a visit at this place, is allowed now; nothing is kept.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return policy.preview_many(session, [borrower_id], channel, clock.now(), place=place, agent_id=actor.id)[
            borrower_id
        ]


def placed(session: Session, borrower_id: int, entry: Entry) -> Entry:
    """The entry with the party that was reached, once party and contact point are the borrower's.

    Raises:
        InvalidInput: there is no such party, or several and none is named; or the number is of somebody else.
    """
    return replace(
        entry, party_id=_party(session, borrower_id, entry), contact_point_id=_point(session, borrower_id, entry)
    )


def _party(session: Session, borrower_id: int, entry: Entry) -> int | None:
    if entry.person not in PARTIES:
        if entry.party_id is not None:
            raise InvalidInput({"person": "Only a co-borrower or guarantor is named; choose the person reached again."})
        return None
    role = PERSONS[entry.person].lower()
    known = [row.id for row in queries.parties(session, borrower_id) if row.role == entry.person]
    if not known:
        raise InvalidInput({"person": f"No {role} is on record. Whoever answered is a third party: disclose nothing."})
    if entry.party_id is None and len(known) > 1:
        raise InvalidInput({"person": f"There are {len(known)} on record; choose which {role} was reached."})
    wanted = entry.party_id if entry.party_id is not None else known[0]
    if wanted not in known:
        raise InvalidInput({"person": f"That {role} is not on this borrower's record. Open the case again."})
    return wanted


def _point(session: Session, borrower_id: int, entry: Entry) -> int | None:
    if entry.contact_point_id is None:
        return None
    row = queries.contact_point(session, entry.contact_point_id)
    if row is None or row.borrower_id != borrower_id or row.kind != POINT_KIND.get(entry.channel):
        raise InvalidInput({"contact_point": "That number or address does not go with the borrower and the channel."})
    return entry.contact_point_id
