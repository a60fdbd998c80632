"""Planning visits: one, or a day's worth at once; moving and calling off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import allocation as allocation_queries
from db.queries import case_people as people_queries
from db.queries import visits as queries
from services import audit, cases, clock, lender, policy
from services.actors import Actor, Permission
from services.allocation.collectors import refuse_ineligible
from services.errors import CollectionsError, Conflict, InvalidInput, Refused
from services.visits import places
from services.visits import reading as visits
from services.visits.policy import load_policy
from services.visits.values import PLACES, Plan, Visit

MOST_OFFERED = 200
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that an agent could visit."""

    case_id: int
    borrower_id: int
    borrower_name: str
    borrower_number: str
    city: str | None
    stage: str
    max_dpd: int
    overdue_amount: Decimal
    priority: int
    last_contact_at: datetime | None
    visited_on: date | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of planning many visits."""

    visits: tuple[Visit, ...]
    refused: tuple[tuple[int, str], ...]
    """Borrowers who are not visited, each with the sentence that says why."""


def plan(
    actor: Actor, borrower_id: int, wanted: Plan, *, agent_id: int | None = None, request_key: str | None = None
) -> Visit:
    """Plan a visit to a borrower; the same `request_key` again returns the first and changes nothing.

    Args:
        actor: who plans.
        borrower_id: whom.
        wanted: where and when.
        agent_id: who makes it; None: the actor.
        request_key: of the form.

    Raises:
        NotAllowed: the actor may not make visits, or plan those of others.
        NotFound: the borrower is not the actor's to see.
        Conflict: the borrower is visited on that day already.
        InvalidInput: a field cannot be.
        Refused: there is no open case, the agent has no part in it, the day is full, or the gate forbids it.
    """
    actor.require(Permission.MAKE_VISITS)
    whose = _whose(actor, agent_id)
    with transaction() as session:
        if request_key and (row := queries.by_request_key(session, request_key)):
            if row.borrower_id != borrower_id:
                raise Conflict("This form was used for another borrower. Open it again.")
            return visits.load(session, row.id)
        return plan_in(session, actor, borrower_id, wanted, agent_id=whose, request_key=request_key)


def plan_many(actor: Actor, borrower_ids: Sequence[int], *, agent_id: int | None, on: date, purpose: str) -> Planned:
    """Plan a day's visits at once: each to the place that comes first, those that cannot be are told one by one.

    Raises:
        NotAllowed: the actor may not make visits, or plan those of others.
        InvalidInput: nobody is chosen, or the day cannot be.
    """
    actor.require(Permission.MAKE_VISITS)
    whose = _whose(actor, agent_id)
    if not borrower_ids:
        raise InvalidInput({"borrowers": "Choose at least one case."})
    made: list[Visit] = []
    refused: list[tuple[int, str]] = []
    with transaction() as session:
        first = {row.borrower_id: row for row in queries.first_addresses(session, borrower_ids)}
        for borrower_id in borrower_ids:
            at = first.get(borrower_id)
            if at is None:
                refused.append((borrower_id, "No address is known that may be visited first."))
                continue
            wanted = Plan(at.contact_point_id, at.place or "residence", on, purpose=purpose)
            try:
                with session.begin_nested():  # what a refused one began is taken back
                    made.append(plan_in(session, actor, borrower_id, wanted, agent_id=whose, request_key=None))
            except InvalidInput:
                raise
            except CollectionsError as error:
                refused.append((borrower_id, error.message))
    return Planned(tuple(made), tuple(refused))


def candidates(actor: Actor, *, on: date, agent_id: int | None = None, city: str | None = None) -> list[Candidate]:
    """Open cases with an address that the agent could visit on a day: the most urgent first.

    Raises:
        NotAllowed: the actor may not make visits, or plan those of others.
    """
    actor.require(Permission.MAKE_VISITS)
    whose = _whose(actor, agent_id)
    with reading() as session:
        rows = queries.candidates(session, whose, on=on, city=city, limit=MOST_OFFERED)
        return [Candidate(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def cancel(actor: Actor, visit_id: int, *, reason: str) -> Visit:
    """Call a visit off.

    Raises:
        NotAllowed: the actor may not make visits.
        NotFound: there is no such visit, or it is somebody else's.
        InvalidInput: no reason.
        Refused: it has ended, or somebody checked in.
    """
    actor.require(Permission.MAKE_VISITS)
    _require_reason(reason)
    with transaction() as session:
        visit = visits.own(session, actor, visit_id)
        _call_off(session, actor, visit, reason.strip())
        _record(session, actor, visit, "cancelled", f"called off {visit.words}", reason=reason.strip())
        return visits.load(session, visit_id)


def move(actor: Actor, visit_id: int, *, planned_on: date, appointed_at: time | None, reason: str) -> Visit:
    """Call a visit off and plan it for another day or time, as one act; the new visit.

    Raises:
        NotAllowed, NotFound, Conflict, InvalidInput, Refused: as `cancel` and `plan`.
    """
    actor.require(Permission.MAKE_VISITS)
    _require_reason(reason)
    with transaction() as session:
        visit = visits.own(session, actor, visit_id)
        _call_off(session, actor, visit, reason.strip())
        wanted = Plan(visit.contact_point_id, visit.place, planned_on, appointed_at, visit.purpose)
        made = _insert(session, actor, visit.borrower_id, wanted, agent_id=visit.agent_id, request_key=None)
        _record(session, actor, made, "moved", f"moved {visit.words} to {made.words}", reason=reason.strip())
        return made


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, in a few words."})


def _whose(actor: Actor, agent_id: int | None) -> int:
    if agent_id is None or agent_id == actor.id:
        assert actor.id is not None, "visits are planned by people"
        return actor.id
    actor.require(Permission.ALLOCATE_CASES)
    return agent_id


def _call_off(session: Session, actor: Actor, visit: Visit, reason: str) -> None:
    if visit.status not in {"planned", "missed"}:
        raise Refused(f"Visit {visit.number} is {visit.status.replace('_', ' ')} and cannot be called off any more.")
    queries.cancel(session, visit.id, at=clock.now(), by=actor.id, reason=reason)


def plan_in(
    session: Session, actor: Actor, borrower_id: int, wanted: Plan, *, agent_id: int, request_key: str | None
) -> Visit:
    """`plan` in the caller's transaction."""
    made = _insert(session, actor, borrower_id, wanted, agent_id=agent_id, request_key=request_key)
    whom = "" if agent_id == actor.id else f" for {made.agent_name}"
    _record(session, actor, made, "planned", f"planned {made.words}{whom}")
    return made


def _insert(
    session: Session, actor: Actor, borrower_id: int, wanted: Plan, *, agent_id: int, request_key: str | None
) -> Visit:
    cases.require_work(session, actor, borrower_id)
    case = cases.open_case(session, borrower_id)
    if case is None or case.stage == "pre_due":
        raise Refused("This borrower has no open case: nothing is overdue, so nobody is visited.")
    _check_agent(session, case, agent_id)
    _check_day(session, wanted, agent_id)
    address = places.address(session, borrower_id, wanted.contact_point_id)
    if wanted.place not in PLACES:
        raise InvalidInput({"place": "Choose what the address is from the list."})
    if address.place != wanted.place:
        places.keep_place(session, actor, borrower_id, wanted.contact_point_id, wanted.place)
    _ask_gate(session, borrower_id, wanted, agent_id)
    visit_id = queries.insert_visit(
        session,
        borrower_id=borrower_id,
        case_id=case.id,
        agent_id=agent_id,
        planned_on=wanted.planned_on,
        appointed_at=wanted.appointed_at,
        contact_point_id=wanted.contact_point_id,
        place=wanted.place,
        purpose=(wanted.purpose or "").strip() or None,
        planned_at=clock.now(),
        planned_by=actor.id,
        request_key=request_key,
    )
    if visit_id is None:
        raise Conflict("A visit to this borrower is planned for that day already.")
    return visits.load(session, visit_id)


def _check_agent(session: Session, case: cases.Case, agent_id: int) -> None:
    refuse_ineligible(session, [agent_id])
    if agent_id == case.owner_id:
        return
    known = {row.id: row.name for row in allocation_queries.workers(session)}
    if agent_id not in known:
        raise InvalidInput({"agent": "Choose someone who may work cases: an agent or a leader whose account is on."})
    if "field" not in people_queries.roles(session, case.borrower_id, agent_id):
        raise Refused(
            f"{known[agent_id]} neither owns this case nor is its field agent. Add them to the case on the borrower's "
            "page first."
        )


def _check_day(session: Session, wanted: Plan, agent_id: int) -> None:
    today, limits = lender.load(session).today, load_policy(session)
    if not today <= wanted.planned_on <= today + timedelta(days=limits.plan_days):
        raise InvalidInput({"planned_on": f"Choose a day from today to {limits.plan_days} days ahead."})
    if queries.planned_count(session, agent_id, wanted.planned_on) >= limits.visits_per_day:
        raise Refused(f"That day is full: {limits.visits_per_day} visits are the most. Choose another day.")


def _ask_gate(session: Session, borrower_id: int, wanted: Plan, agent_id: int) -> None:
    """Refuse what could not be made on that day; at the check-in the gate is asked again, and the answer kept.

    Times of visits are those where the borrower is; without one it is asked for noon.
    """
    is_agreed = wanted.appointed_at is not None
    zone = policy.zone_of(session, borrower_id)
    moment = max(datetime.combine(wanted.planned_on, wanted.appointed_at or _NOON, zone), clock.now())
    answer = policy.preview_many(session, [borrower_id], "visit", moment, place=wanted.place, agent_id=agent_id)[
        borrower_id
    ]
    later = answer.next_allowed_at
    is_free = not is_agreed and later is not None and later.astimezone(zone).date() == wanted.planned_on
    if not answer.is_allowed and not is_free:
        raise Refused(answer.reason)


def _record(
    session: Session, actor: Actor, visit: Visit, verb: str, summary: str, *, reason: str | None = None
) -> None:
    audit.record(
        session,
        actor,
        f"visit.{verb}",
        subject=("visit", visit.id),
        summary=summary,
        borrower_id=visit.borrower_id,
        after={
            "agent": visit.agent_id,
            "planned_on": visit.planned_on.isoformat(),
            "place": visit.place,
            "contact_point": visit.contact_point_id,
        },
        reason=reason,
    )
