"""Visits as they stand: one, a borrower's, a day's in the order in which they are made, a team's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import visits as queries
from services import cases, lender
from services.actors import Actor, Permission
from services.errors import NotFound
from services.visits import places, routing
from services.visits.policy import load_policy
from services.visits.values import CheckIn, Position, Visit

MOST_LISTED = 2_000
_CHECK_IN = ("accuracy_m", "distance_m", "no_position_reason", "source", "override_reason")


@dataclass(frozen=True, slots=True)
class Day:
    """An agent's day: visits in the order in which they are made, those done or called off last."""

    visits: tuple[Visit, ...]
    metres: float
    """Of the way through the visits that are still to be made, as the crow flies."""
    unplaced: int
    """Open visits whose address is not on the map."""


@dataclass(frozen=True, slots=True)
class AgentDays:
    """How the visits of an agent went in some days."""

    agent_id: int
    agent_name: str
    visits: int
    done: int
    met: int
    """Borrower, co-borrower or guarantor was there."""
    missed: int
    far: int
    """Check-ins farther from the address than the limit."""
    without_position: int
    received: Decimal


def load(session: Session, visit_id: int) -> Visit:
    """One visit, in the caller's transaction.

    Raises:
        NotFound: there is no such visit.
    """
    row = queries.by_id(session, visit_id, today=lender.load(session).today)
    if row is None:
        raise NotFound("That visit is not there.")
    return _visit(row)


def own(session: Session, actor: Actor, visit_id: int) -> Visit:
    """A visit that the actor makes, or may see as a leader; locked for an act on it.

    Raises:
        NotFound: there is no such visit, or it is somebody else's.
    """
    row = queries.lock(session, visit_id)
    if row is None or (row.agent_id != actor.id and not actor.may(Permission.VIEW_ALL_CASES)):
        raise NotFound("That visit is not among yours.")
    return load(session, visit_id)


def one(actor: Actor, visit_id: int) -> Visit:
    """One visit, for who makes it or sees all.

    Raises:
        NotAllowed: the actor may not see visits.
        NotFound: there is no such visit, or it is somebody else's.
    """
    actor.require(Permission.VIEW_VISITS)
    with reading() as session:
        visit = load(session, visit_id)
    if visit.agent_id != actor.id and not actor.may(Permission.VIEW_ALL_CASES):
        raise NotFound("That visit is not among yours.")
    return visit


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 50) -> list[Visit]:
    """A borrower's visits, newest day first.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        today = lender.load(session).today
        return [_visit(row) for row in queries.of_borrower(session, borrower_id, today=today, limit=limit)]


def day(actor: Actor, on: date, *, agent_id: int | None = None, start: Position | None = None) -> Day:
    """The visits of an agent on a day.

    Args:
        actor: who looks.
        on: the day.
        agent_id: whose; None: the actor's own.
        start: where the agent sets out, if known.

    Raises:
        NotAllowed: the actor may not see visits, or not those of others.
    """
    actor.require(Permission.VIEW_VISITS)
    whose = actor.id or 0 if agent_id is None else agent_id
    if whose != actor.id:
        actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        today = lender.load(session).today
        rows = queries.of_days(session, first=on, last=on, today=today, agent_id=whose, limit=MOST_LISTED)
        found = _placed(session, [_visit(row) for row in rows])
    return _day(found, start)


def _day(found: Sequence[Visit], start: Position | None) -> Day:
    by_id = {visit.id: visit for visit in found}
    stops = {visit.id: _stop(visit) for visit in found if visit.is_open}
    order = routing.ordered(list(stops.values()), start=start)
    rest = sorted((visit for visit in found if not visit.is_open), key=lambda visit: (visit.status, visit.id))
    return Day(
        visits=(*(by_id[visit_id] for visit_id in order), *rest),
        metres=routing.length([stops[visit_id] for visit_id in order], start=start),
        unplaced=sum(stop.position is None for stop in stops.values()),
    )


def _stop(visit: Visit) -> routing.Stop:
    pin_code = re.search(r"\b[1-9]\d{5}\b", visit.masked)  # which the mask leaves
    area = pin_code.group() if pin_code else visit.city or ""
    return routing.Stop(visit.id, visit.position, visit.appointed_at, area)


def listing(actor: Actor, *, first: date, last: date, agent_id: int | None = None) -> list[Visit]:
    """Visits of some days (both included), of one agent or all.

    Raises:
        NotAllowed: the actor may not see the visits of others.
    """
    actor.require(Permission.VIEW_VISITS)
    if agent_id != actor.id or actor.id is None:
        actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        today = lender.load(session).today
        rows = queries.of_days(session, first=first, last=last, today=today, agent_id=agent_id, limit=MOST_LISTED)
        return [_visit(row) for row in rows]


def team(actor: Actor, *, days: int = 1) -> list[AgentDays]:
    """How the visits of each agent went in the last days, today included.

    Raises:
        NotAllowed: the actor may not see the visits of others.
    """
    actor.require(Permission.VIEW_VISITS)
    actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        today = lender.load(session).today
        near = load_policy(session).near_metres
        rows = queries.days_of_agents(
            session, first=today - timedelta(days=days - 1), last=today, today=today, near=near
        )
        return [AgentDays(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _placed(session: Session, found: Sequence[Visit]) -> list[Visit]:
    """Visits with where their addresses lie, for who may see it."""
    sealed = queries.positions(session, [visit.contact_point_id for visit in found])
    known = {point: places.opened(position) for point, position in sealed.items()}
    return [replace(visit, position=known.get(visit.contact_point_id)) for visit in found]


def _visit(row: AnyRow) -> Visit:
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    at, check_in = values.pop("checked_in_at"), {name: values.pop(name) for name in _CHECK_IN}
    return Visit(**values, check_in=_check_in(at, check_in))


def _check_in(at: Any, values: Mapping[str, Any]) -> CheckIn | None:
    return None if at is None else CheckIn(at=at, **values)
