"""Making a visit: checking in at the place, what came of it, photos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import visits as queries
from services import audit, clock, contacts, documents, lender, policy
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, Refused
from services.visits import places
from services.visits import reading as visits
from services.visits.routing import metres
from services.visits.values import Fix, Visit

MOST_PHOTOS = 10
_GOOD_ACCURACY_M = 100
"""A position that is less exact does not become the address's."""


@dataclass(frozen=True, slots=True)
class Presence:
    """That the agent is at the place: a position, or why there is none."""

    fix: Fix | None
    no_position_reason: str | None = None
    override_reason: str | None = None
    """Why the visit is made although the gate forbids it."""


def check_in(actor: Actor, visit_id: int, presence: Presence) -> Visit:
    """Check in at the place, now. The gate is asked, and its answer kept also when it forbids the visit.

    Raises:
        NotAllowed: the actor may not make visits, or gives a reason to override without the permission.
        NotFound: there is no such visit, or it is somebody else's.
        InvalidInput: neither a position nor a reason for none.
        Refused: it is not planned for today, has ended, or the gate forbids it.
        Conflict: somebody checked in already.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:  # what the gate refused is kept, too
        done = check_in_in(session, actor, visit_id, presence)
    if isinstance(done, Refused):
        raise done
    return done


def check_in_in(session: Session, actor: Actor, visit_id: int, presence: Presence) -> Visit | Refused:
    """`check_in` in the caller's transaction; a refusal by the gate is returned, so that what it said is kept."""
    visit = visits.own(session, actor, visit_id)
    if visit.status != "planned" or visit.planned_on != lender.load(session).today:
        raise Refused(_not_now(visit))
    override = (presence.override_reason or "").strip() or None
    if override is not None:
        actor.require(Permission.OVERRIDE_GATE)
    answer = ask_gate(session, actor, visit, at=clock.now())
    if not answer.is_allowed and override is None:
        _record(session, actor, visit, "blocked", f"was refused {visit.words} by the gate, rule {answer.rule}",
                after={"rule": answer.rule, "reason": answer.reason})  # fmt: skip
        later = answer.next_allowed_at
        zone = lender.load(session).time_zone
        return Refused(answer.reason + (f" Allowed from {clock.written(later, zone)}." if later else ""))
    keep(session, actor, visit, presence, at=clock.now(), source="page", answer=answer)
    made = visits.load(session, visit_id)
    _record_check_in(session, actor, made)
    return made


def ask_gate(session: Session, actor: Actor, visit: Visit, *, at: datetime) -> policy.GateAnswer:
    """The gate's answer about a visit at the moment at which it is made, kept."""
    return policy.ask(
        session,
        visit.borrower_id,
        channel="visit",
        purpose="log",
        at=at,
        place=visit.place,
        agent_id=actor.id,
    )


def _not_now(visit: Visit) -> str:
    if visit.status == "planned":
        return f"Visit {visit.number} is planned for {visit.planned_on:%-d %b %Y}. Move it to today first."
    return f"Visit {visit.number} is {visit.status.replace('_', ' ')}."


def keep(
    session: Session,
    actor: Actor,
    visit: Visit,
    presence: Presence,
    *,
    at: datetime,
    source: str,
    answer: policy.GateAnswer,
) -> None:
    """Add a check-in, in the caller's transaction, which records it.

    Raises:
        InvalidInput: neither a position nor a reason for none.
        Conflict: the visit has a check-in already.
    """
    fix, reason = presence.fix, (presence.no_position_reason or "").strip()
    if fix is None and not reason:
        raise InvalidInput({"no_position_reason": "Share the position, or say why there is none."})
    is_kept = queries.insert_check_in(
        session,
        visit_id=visit.id,
        at=at,
        received_at=clock.now(),
        position_encrypted=places.sealed(fix.position) if fix else None,
        accuracy_m=fix.accuracy_m if fix else None,
        distance_m=_distance(session, visit, fix) if fix else None,
        no_position_reason=None if fix else reason,
        source=source,
        gate_decision_id=answer.decision_id,
        override_reason=None if answer.is_allowed else presence.override_reason,
        checked_in_by=actor.id,
    )
    if not is_kept:
        raise Conflict(f"Somebody checked in for visit {visit.number} already.")


def _distance(session: Session, visit: Visit, fix: Fix) -> int | None:
    """Metres from where the address is known to lie."""
    known = queries.positions(session, [visit.contact_point_id]).get(visit.contact_point_id)
    return None if known is None else round(metres(places.opened(known), fix.position))


def _record_check_in(session: Session, actor: Actor, visit: Visit) -> None:
    assert visit.check_in is not None
    against = " AGAINST THE GATE" if visit.check_in.override_reason else ""
    where = _where(visit)
    _record(
        session,
        actor,
        visit,
        "checked_in_against_gate" if against else "checked_in",
        f"checked in for {visit.words}{against}, {where}",
        after={"distance_m": visit.check_in.distance_m, "accuracy_m": visit.check_in.accuracy_m},
        reason=visit.check_in.override_reason or visit.check_in.no_position_reason,
    )


def _where(visit: Visit) -> str:
    assert visit.check_in is not None
    if visit.check_in.no_position_reason is not None:
        return "without position"
    if visit.check_in.distance_m is None:
        return "at a place not on the map before"
    return f"{visit.check_in.distance_m:,} m from the address"


def finish(
    actor: Actor, visit_id: int, entry: contacts.Entry, *, request_key: str, photos: Sequence[tuple[str, bytes]] = ()
) -> Visit:
    """Record what came of a visit after its check-in: the contact with its outcome, and photos.

    The contact is of the moment of the check-in, for which the gate was asked.

    Args:
        actor: who made it.
        visit_id: which.
        entry: as a form of a contact says it; channel, direction and address are those of the visit.
        request_key: of the form.
        photos: name and bytes of each.

    Raises:
        NotAllowed: the actor may not make visits.
        NotFound: there is no such visit, or it is somebody else's.
        Conflict: it has ended already, or someone else has the case open.
        InvalidInput: a field does not go with the outcome, or a file is no photo.
        Refused: nobody checked in.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        visit = visits.own(session, actor, visit_id)
        if visit.status != "checked_in":
            raise (Conflict if visit.status == "done" else Refused)(_not_checked_in(visit))
        finish_in(session, actor, visit, entry, request_key=request_key)
        for name, content in photos:
            _keep_photo(session, actor, visit, name, content)
        return visits.load(session, visit_id)


def _not_checked_in(visit: Visit) -> str:
    if visit.status == "done":
        return f"What came of visit {visit.number} is recorded already."
    return f"Check in at the place first: visit {visit.number} is {visit.status}."


def finish_in(session: Session, actor: Actor, visit: Visit, entry: contacts.Entry, *, request_key: str) -> None:
    """The contact that a visit ended with, in the caller's transaction; its event is the contact's."""
    check_in = queries.check_in(session, visit.id)
    assert check_in is not None, "asked by the caller"
    made = replace(
        entry,
        channel="visit",
        direction="outbound",
        contact_point_id=visit.contact_point_id,
        override_reason=check_in.override_reason,
    )
    contact = contacts.record_in(
        session,
        actor,
        visit.borrower_id,
        made,
        at=check_in.at,
        gate_decision_id=check_in.gate_decision_id,
        request_key=request_key,
    )
    if not queries.finish(session, visit.id, contact.id):
        raise Conflict(f"What came of visit {visit.number} is recorded already.")
    if contact.person in contacts.RIGHT_PARTIES:
        _learn_position(session, actor, visit)


def _learn_position(session: Session, actor: Actor, visit: Visit) -> None:
    """Where somebody was met, the address is: for the map, and for the distance of the next check-in."""
    if queries.positions(session, [visit.contact_point_id]):
        return
    measured = queries.measured_position(session, visit.id, at_most_m=_GOOD_ACCURACY_M)
    if measured is not None:
        places.keep_position(session, actor, visit.contact_point_id, measured, source="visit")


def add_photo(actor: Actor, visit_id: int, *, file_name: str, content: bytes) -> documents.Document:
    """Keep a photo with a visit that has a check-in.

    Raises:
        NotAllowed: the actor may not make visits.
        NotFound: there is no such visit, or it is somebody else's.
        InvalidInput: the file is no photo, or there are enough.
        Refused: nobody checked in.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        visit = visits.own(session, actor, visit_id)
        if visit.check_in is None:
            raise Refused("Check in at the place first; a photo belongs to a visit that was made.")
        document = _keep_photo(session, actor, visit, file_name, content)
        _record(session, actor, visit, "photo_added", f"added a photo to {visit.words}",
                after={"document": document.id, "sha256": document.sha256})  # fmt: skip
        return document


def _keep_photo(session: Session, actor: Actor, visit: Visit, name: str, content: bytes) -> documents.Document:
    if documents.recognised(name, content) not in {"image/jpeg", "image/png"}:
        raise InvalidInput({"photo": "A photo is a JPEG or PNG file; this is none."})
    if visit.photos >= MOST_PHOTOS:
        raise InvalidInput({"photo": f"A visit keeps at most {MOST_PHOTOS} photos."})
    return documents.store(
        session, actor, kind="visit_photo", file_name=name, content=content,
        borrower_id=visit.borrower_id, subject=("visit", visit.id),
    )  # fmt: skip


def _record(
    session: Session,
    actor: Actor,
    visit: Visit,
    verb: str,
    summary: str,
    *,
    after: dict[str, int | str | None],
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        actor,
        f"visit.{verb}",
        subject=("visit", visit.id),
        summary=summary,
        borrower_id=visit.borrower_id,
        after=after,
        reason=reason,
    )
