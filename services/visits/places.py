"""Where a borrower may be met: what each address is, and where it lies (IN-05)."""

from datetime import datetime

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import visits as queries
from services import audit, cases, clock, lender, personal_data, policy
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound
from services.visits.values import PLACES, Address, Position


def of_borrower(actor: Actor, borrower_id: int, *, at: datetime | None = None) -> list[Address]:
    """The borrower's addresses that may be visited at all, with what the gate says of a visit to each.

    Args:
        actor: who asks.
        borrower_id: whose.
        at: the moment asked about; None: now.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_VISITS)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return load(session, borrower_id, at=at or clock.now(), agent_id=actor.id)


def load(session: Session, borrower_id: int, *, at: datetime, agent_id: int | None) -> list[Address]:
    """The same in the caller's transaction, for an actor already let in."""
    rows = queries.addresses(session, borrower_id)
    answers = {
        place: policy.preview_many(session, [borrower_id], "visit", at, place=place, agent_id=agent_id)[borrower_id]
        for place in {row.place for row in rows if row.place}
    }
    return [Address(**row._mapping, answer=answers.get(row.place)) for row in rows]  # noqa: SLF001 - a public name


def say(actor: Actor, borrower_id: int, contact_point_id: int, place: str) -> None:
    """Say what an address is; what was said before stays in the history.

    Raises:
        NotAllowed: the actor may not plan visits.
        NotFound: the borrower is not the actor's to work.
        InvalidInput: no such address or place.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        cases.require_work(session, actor, borrower_id)
        known = address(session, borrower_id, contact_point_id)
        if place not in PLACES:
            raise InvalidInput({"place": "Choose what the address is from the list."})
        if known.place == place:
            return
        keep_place(session, actor, borrower_id, contact_point_id, place)
        audit.record(
            session,
            actor,
            "address.place_recorded",
            subject=("contact_point", contact_point_id),
            summary=f"recorded that an address is: {PLACES[place].lower()}",
            borrower_id=borrower_id,
            before={"place": known.place},
            after={"place": place},
        )


def address(session: Session, borrower_id: int, contact_point_id: int) -> Address:
    """One address of the borrower that may be visited.

    Raises:
        InvalidInput: it is none of theirs, or nobody may be contacted there.
    """
    for row in queries.addresses(session, borrower_id):
        if row.contact_point_id == contact_point_id:
            return Address(**row._mapping, answer=None)  # noqa: SLF001 - SQLAlchemy's public name
    raise InvalidInput({"contact_point": "Choose one of the borrower's addresses at which contact is not refused."})


def keep_place(session: Session, actor: Actor, borrower_id: int, contact_point_id: int, place: str) -> None:
    """Add what an address is, in the caller's transaction."""
    row = {
        "borrower_id": borrower_id,
        "contact_point_id": contact_point_id,
        "place": place,
        "recorded_at": clock.now(),
        "recorded_by": actor.id,
    }
    queries.insert_places(session, [row])


def locate(actor: Actor, borrower_id: int, contact_point_id: int, position: Position) -> None:
    """Say where an address lies, such as from a map.

    Raises:
        NotAllowed: the actor may not plan visits.
        NotFound: the borrower is not the actor's to work.
        InvalidInput: no such address, or no point on earth.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        cases.require_work(session, actor, borrower_id)
        address(session, borrower_id, contact_point_id)
        keep_position(session, actor, contact_point_id, sealed(position), source="entered")
        audit.record(
            session,
            actor,
            "address.position_recorded",
            subject=("contact_point", contact_point_id),
            summary="recorded where an address lies",
            borrower_id=borrower_id,
        )


def keep_position(session: Session, actor: Actor, contact_point_id: int, position: bytes, *, source: str) -> None:
    """Add where an address lies, encrypted, in the caller's transaction."""
    queries.insert_position(
        session,
        contact_point_id=contact_point_id,
        position_encrypted=position,
        source=source,
        recorded_at=clock.now(),
        recorded_by=actor.id,
    )


def sealed(position: Position) -> bytes:
    """A position encrypted, to six decimals of a degree: some ten centimetres.

    Raises:
        InvalidInput: it is no point on earth.
    """
    if not (-90 <= position.latitude <= 90 and -180 <= position.longitude <= 180):
        raise InvalidInput({"position": "Latitude is between -90 and 90, longitude between -180 and 180."})
    return personal_data.encrypt(f"{position.latitude:.6f},{position.longitude:.6f}")


def opened(position: bytes) -> Position:
    """A position in the clear.

    Raises:
        PersonalDataUnreadable: its key is not on this server.
    """
    latitude, longitude = personal_data.decrypt(position).split(",")
    return Position(float(latitude), float(longitude))


def parsed(typed: str) -> Position:
    """A position as maps write it: '19.0760, 72.8777'.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        latitude, longitude = (float(part) for part in typed.replace(";", ",").split(","))
    except ValueError:
        raise InvalidInput({"position": "Write latitude and longitude like 19.0760, 72.8777."}) from None
    return Position(latitude, longitude)


def reveal(actor: Actor, visit_id: int) -> str:
    """The address of a visit in the clear, for who makes it; who saw which is recorded.

    Raises:
        NotAllowed: the actor may not see personal data in the clear.
        NotFound: there is no such visit, or it is not the actor's.
        PersonalDataUnreadable: its key is not on this server.
    """
    actor.require(Permission.REVEAL_PERSONAL_DATA)
    with transaction() as session:
        row = queries.by_id(session, visit_id, today=lender.load(session).today)
        if row is None or (row.agent_id != actor.id and not actor.may(Permission.VIEW_ALL_CASES)):
            raise NotFound("That visit is not among yours.")
        audit.record(
            session,
            actor,
            "contact_point.revealed",
            subject=("contact_point", row.contact_point_id),
            summary="saw a contact point (address) in the clear",
            borrower_id=row.borrower_id,
            reason=f"visit V-{visit_id:05}",
        )
        return in_clear(session, [row.contact_point_id])[row.contact_point_id]


def in_clear(session: Session, contact_point_ids: list[int]) -> dict[int, str]:
    """Addresses in the clear, by contact point, in the transaction that records who saw them."""
    return {
        row.id: personal_data.decrypt(row.value_encrypted)
        for row in queries.sealed_addresses(session, contact_point_ids)
    }
