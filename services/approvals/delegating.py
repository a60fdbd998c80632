"""Standing in: who decides with whose authority during an absence."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import authority as queries
from db.queries import users
from services import audit, lender
from services.actors import Actor, Permission
from services.approvals.authority import require_part
from services.approvals.reach import DECIDING
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Delegation:
    """Who stands in for whom, and when."""

    id: int
    from_user_id: int
    from_name: str
    to_user_id: int
    to_name: str
    starts_on: date
    ends_on: date
    """First day on which it holds no more."""
    reason: str


def delegate(
    actor: Actor,
    *,
    from_user_id: int,
    to_user_id: int,
    starts_on: date,
    ends_on: date,
    reason: str,
    request_key: str | None = None,
) -> int:
    """Let one user decide with the authority of another while that one is away; the delegation's id.

    The delegate decides at the level that the absent one holds, never at a level lent to them, and never what the
    absent one asked for or is excluded from. Decisions name both.

    Args:
        actor: the absent one, or someone who may change settings.
        from_user_id: who is away.
        to_user_id: who stands in; may decide requests themselves.
        starts_on: first day.
        ends_on: first day on which it holds no more.
        reason: such as 'leave'.
        request_key: the same again returns the first delegation and changes nothing.

    Raises:
        NotAllowed: it is another's authority, and the actor may not change settings.
        InvalidInput: the dates or people cannot be, or no reason.
        NotFound: there is no such user.
        Refused: one of the two may not decide requests.
    """
    if not (actor.may(Permission.CONFIGURE) or (actor.id == from_user_id and actor.may(Permission.DECIDE_REQUESTS))):
        raise NotAllowed("You may only delegate your own authority. An admin may do it for someone who is away.")
    with transaction() as session:
        _check(session, (from_user_id, to_user_id), starts_on, ends_on, reason)
        delegation_id = queries.insert_delegation(
            session,
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            starts_on=starts_on,
            ends_on=ends_on,
            reason=reason.strip(),
            created_by=actor.id,
            request_key=request_key,
        )
        if delegation_id is None:
            return _same_form(session, from_user_id, to_user_id, starts_on)
        audit.record(
            session,
            actor,
            "authority.delegated",
            subject=("delegation", delegation_id),
            summary=f"delegated authority from {starts_on:%-d %b %Y} up to {ends_on:%-d %b %Y}",
            after={"from_user_id": from_user_id, "to_user_id": to_user_id},
            reason=reason.strip(),
        )
    return delegation_id


def _same_form(session: Session, from_user_id: int, to_user_id: int, starts_on: date) -> int:
    rows = queries.delegations(session, user_id=from_user_id, since=starts_on, limit=_SHOWN)
    found = [row.id for row in rows if row.to_user_id == to_user_id and row.starts_on == starts_on]
    if not found:
        raise Conflict("This form was used for another delegation. Open it again.")
    return int(found[0])


def _check(session: Session, people: tuple[int, int], starts_on: date, ends_on: date, reason: str) -> None:
    wrong: dict[str, str] = {}
    if people[0] == people[1]:
        wrong["to_user_id"] = "Nobody stands in for themselves. Choose someone else."
    if starts_on < lender.load(session).today:
        wrong["starts_on"] = "The first day is past; a delegation starts today or later."
    if ends_on <= starts_on:
        wrong["ends_on"] = "The last day is before the first."
    if not reason.strip():
        wrong["reason"] = "Say why, such as leave."
    if wrong:
        raise InvalidInput(wrong)
    for user_id in people:
        user = users.with_id(session, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        if user.role not in DECIDING or user.disabled_at is not None:
            raise Refused(f"{user.name} may not decide requests, so authority cannot be delegated there.")


def end_delegation(actor: Actor, delegation_id: int) -> None:
    """End a delegation at once. Either of the two may, and whoever may change settings.

    Raises:
        NotFound: there is no such delegation.
        NotAllowed: it is of others.
    """
    with transaction() as session:
        row = queries.delegation(session, delegation_id)
        if row is None:
            raise NotFound("There is no such delegation.")
        if actor.id not in {row.from_user_id, row.to_user_id}:
            actor.require(Permission.CONFIGURE)
        if not queries.revoke(session, delegation_id, revoked_by=actor.id):
            return
        audit.record(
            session,
            actor,
            "authority.delegation_ended",
            subject=("delegation", delegation_id),
            summary="ended a delegation of authority",
            after={"from_user_id": row.from_user_id, "to_user_id": row.to_user_id},
        )


def delegations(actor: Actor) -> list[Delegation]:
    """Delegations that hold now or later: the actor's own, from them and to them; all for whoever changes settings.

    Raises:
        NotAllowed: the actor may neither decide requests nor change settings.
    """
    require_part(actor)
    with reading() as session:
        today = lender.load(session).today
        user_id = None if actor.may(Permission.CONFIGURE) else actor.id
        rows = queries.delegations(session, user_id=user_id, since=today, limit=_SHOWN)
        return [Delegation(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
