"""Allocation by hand: leaders give cases to those who work them, singly, by filter, or spread over a team."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import allocation as queries
from db.queries import queue as queue_queries
from db.queries.queue import QueueFilter, Tab
from services import audit, lender
from services.actors import Actor, Permission
from services.allocation.collectors import refuse_ineligible
from services.errors import InvalidInput, Refused
from services.wording import counted


class Spread(StrEnum):
    """How cases are divided over a team."""

    ROUND_ROBIN = "in turn"
    """Each is given one in turn, by priority, whatever they have."""
    BY_LOAD = "to even out"
    """The next case goes to who has fewest open."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Someone who may be given cases, and what they have."""

    id: int
    name: str
    role: str
    open_cases: int
    overdue_amount: Decimal


@dataclass(frozen=True, slots=True)
class Unallocated:
    """Open cases that nobody has."""

    cases: int
    overdue_amount: Decimal


def workers(actor: Actor) -> list[Worker]:
    """Who may be given cases, with what they have.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return _workers(session)


def _workers(session: Session) -> list[Worker]:
    return [Worker(**row._mapping) for row in queries.workers(session)]  # noqa: SLF001 - SQLAlchemy's public name


def unallocated(actor: Actor) -> Unallocated:
    """How many open cases nobody has, and what is overdue on them.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return Unallocated(**queries.unallocated(session)._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def allocate(actor: Actor, case_ids: Sequence[int], owner_id: int | None, *, reason: str) -> int:
    """Give open cases to one user, or take them from whoever has them (`owner_id` None); how many changed hands.

    Raises:
        NotAllowed: the actor may not allocate.
        InvalidInput: no case, no reason, or a user who may not work cases.
        NotEligible: the user's papers have expired, or the agency is suspended (IN-07).
        Refused: nothing changed, and a complaint is open on a case: those are passed over (IN-09).
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        return _allocate(session, actor, case_ids, owner_id, reason)


def allocate_matching(actor: Actor, wanted: QueueFilter, tab: Tab, owner_id: int | None, *, reason: str) -> int:
    """Give all cases of a list to one user; how many changed hands.

    Raises:
        NotAllowed, InvalidInput, NotEligible: as for `allocate`.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        case_ids = queue_queries.matching_ids(session, wanted, tab, today=lender.load(session).today)
        return _allocate(session, actor, case_ids, owner_id, reason)


def _allocate(session: Session, actor: Actor, case_ids: Sequence[int], owner_id: int | None, reason: str) -> int:
    names = {worker.id: worker.name for worker in _workers(session)}
    given_to = [owner_id] if owner_id is not None else []
    _check(case_ids, given_to, names, reason)
    refuse_ineligible(session, given_to)
    owners: list[int | None] = [owner_id] * len(case_ids)
    changed = queries.assign(session, case_ids, owners, allocated_by=actor.id, reason=reason.strip())
    if not changed and owner_id is not None and queries.with_open_complaint(session, case_ids):
        raise Refused("A complaint is open: until it is closed the case is given to nobody (IN-09).")
    to = f"to {names[owner_id]}" if owner_id is not None else "to nobody"
    audit.record(
        session,
        actor,
        "case.allocated",
        subject=("case", case_ids[0]) if len(case_ids) == 1 else ("cases", len(case_ids)),
        summary=f"allocated {counted(changed, 'case')} {to}",
        after={"owner_id": owner_id, "cases": changed, "first_ids": list(case_ids[:20])},
        reason=reason.strip(),
    )
    return changed


def _check(case_ids: Sequence[int], owner_ids: Sequence[int], names: dict[int, str], reason: str) -> None:
    wrong: dict[str, str] = {}
    if not case_ids:
        wrong["cases"] = "Choose at least one case; the list may have changed meanwhile."
    if any(owner_id not in names for owner_id in owner_ids):
        wrong["owner"] = "Choose someone who may work cases: an agent or a leader whose account is on."
    if not reason.strip():
        wrong["reason"] = "Say why, in a few words."
    if wrong:
        raise InvalidInput(wrong)


def spread(
    actor: Actor,
    wanted: QueueFilter,
    tab: Tab,
    owner_ids: Sequence[int],
    *,
    how: Spread = Spread.BY_LOAD,
    reason: str,
) -> dict[int, int]:
    """Divide all cases of a list over users; how many each was given.

    Raises:
        NotAllowed: the actor may not allocate.
        InvalidInput: no case, no user, no reason, or a user who may not work cases.
        NotEligible: the papers of one of them have expired, or the agency is suspended (IN-07).
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        case_ids = queue_queries.matching_ids(session, wanted, tab, today=lender.load(session).today)
        team = {worker.id: worker for worker in _workers(session)}
        _check(case_ids, owner_ids, {key: worker.name for key, worker in team.items()}, reason)
        if not owner_ids:
            raise InvalidInput({"owner": "Choose who is to be given the cases."})
        refuse_ineligible(session, owner_ids)
        loads = _loads(session, owner_ids, case_ids, how)
        owners = divide(len(case_ids), loads)
        changed = queries.assign(session, case_ids, owners, allocated_by=actor.id, reason=reason.strip())
        given = {owner: owners.count(owner) for owner in loads}
        _record_spread(session, actor, given, changed=changed, how=how, reason=reason.strip())
        return given


def _loads(session: Session, owner_ids: Sequence[int], case_ids: Sequence[int], how: Spread) -> dict[int, int]:
    """What each owner has already, without the cases that are being divided."""
    others = queries.other_loads(session, owner_ids, case_ids) if how is Spread.BY_LOAD else {}
    return {owner: others.get(owner, 0) for owner in owner_ids}


def divide(cases: int, loads: dict[int, int]) -> list[int]:
    """The owner of each of so many cases: always who has fewest, in the order given where they have the same."""
    heap = [(load, place, owner) for place, (owner, load) in enumerate(loads.items())]
    heapq.heapify(heap)
    owners: list[int] = []
    for _ in range(cases):
        load, place, owner = heap[0]
        owners.append(owner)
        heapq.heapreplace(heap, (load + 1, place, owner))
    return owners


def _record_spread(
    session: Session, actor: Actor, given: dict[int, int], *, changed: int, how: Spread, reason: str
) -> None:
    audit.record(
        session,
        actor,
        "case.allocated",
        subject=("cases", sum(given.values())),
        summary=f"spread {sum(given.values()):,} cases over {len(given)} people, {how}; {changed:,} changed hands",
        after={"given": {str(owner): count for owner, count in given.items()}, "how": how.value},
        reason=reason,
    )
