"""People of a case beside its owner: who visits, who leads it through law, who watches. A leader adds and removes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import allocation as allocation_queries
from db.queries import case_people as queries
from services import audit, cases
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused

ROLES: Final = {"field": "Field agent", "legal": "Legal officer", "watcher": "Watcher"}
"""Roles by code, as screens say them. A watcher sees the case; the others also record what they did."""


@dataclass(frozen=True, slots=True)
class CasePerson:
    """Someone's role in a case, from when to when, and why."""

    id: int
    case_id: int
    user_id: int
    name: str
    role: str
    reason: str
    added_at: datetime
    added_by_name: str | None
    removed_at: datetime | None
    removed_by_name: str | None
    remove_reason: str | None
    takes_part: bool
    """Has the role now, in a case that is open."""

    @property
    def role_label(self) -> str:
        """The role as a screen says it."""
        return ROLES.get(self.role, self.role)


def of_borrower(actor: Actor, borrower_id: int) -> list[CasePerson]:
    """Who has or had a role in the borrower's cases: those of now first.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        rows = queries.of_borrower(session, borrower_id)
    return [CasePerson(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def add(actor: Actor, borrower_id: int, *, user_id: int, role: str, reason: str) -> int:
    """Give someone a role in the borrower's open case.

    Raises:
        NotAllowed: the actor may not allocate cases.
        Refused: nothing is overdue, so there is no case.
        InvalidInput: no such role, no reason, the owner, or someone who may not work cases.
        Conflict: they have the role already.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        case = cases.open_case(session, borrower_id)
        if case is None:
            raise Refused("This borrower has no open case: people are added to a case while something is overdue.")
        name = _check(session, case, user_id, role, reason)
        person_id = queries.insert_person(
            session, case.id, user_id, role=role, reason=reason.strip(), added_by=actor.id
        )
        if person_id is None:
            raise Conflict(f"{name} is {ROLES[role].lower()} of this case already.")
        audit.record(
            session,
            actor,
            "case.person_added",
            subject=("case", case.id),
            summary=f"added {name} to the case as {ROLES[role].lower()}",
            borrower_id=borrower_id,
            after={"user_id": user_id, "role": role},
            reason=reason.strip(),
        )
        return person_id


def _check(session: Session, case: cases.Case, user_id: int, role: str, reason: str) -> str:
    """The name of who is to be added."""
    names = {row.id: str(row.name) for row in allocation_queries.workers(session)}
    wrong: dict[str, str] = {}
    if role not in ROLES:
        wrong["role"] = "Choose one of the roles in the list."
    if user_id not in names:
        wrong["user"] = "Choose someone who may work cases: an agent or a leader whose account is on."
    elif user_id == case.owner_id:
        wrong["user"] = f"{names[user_id]} owns this case and so takes part already."
    if not reason.strip():
        wrong["reason"] = "Say why, in a few words."
    if wrong:
        raise InvalidInput(wrong)
    return names[user_id]


def remove(actor: Actor, person_id: int, *, reason: str) -> None:
    """End someone's role in a case; the history keeps it.

    Raises:
        NotAllowed: the actor may not allocate cases.
        NotFound: there is no such role.
        Conflict: it has ended already.
        InvalidInput: no reason.
    """
    actor.require(Permission.ALLOCATE_CASES)
    if not reason.strip():
        raise InvalidInput({"remove_reason": "Say why, in a few words."})
    with transaction() as session:
        row = queries.by_id(session, person_id)
        if row is None:
            raise NotFound("That person has no role in a case.")
        if not queries.end(session, person_id, reason=reason.strip(), removed_by=actor.id):
            raise Conflict(f"{row.name} was removed already.")
        audit.record(
            session,
            actor,
            "case.person_removed",
            subject=("case", row.case_id),
            summary=f"removed {row.name} from the case as {ROLES[row.role].lower()}",
            borrower_id=row.borrower_id,
            before={"user_id": row.user_id, "role": row.role},
            reason=reason.strip(),
        )
