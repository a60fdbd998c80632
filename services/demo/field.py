"""Field work of the demo: visits of the last days with what came of them, receipts, deposits, and today's plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import demo_field as queries
from services import clock, lender
from services.actors import Actor, Role
from services.contacts import Entry
from services.demo import users
from services.demo.people import CENTRES
from services.errors import CollectionsError
from services.promises import Terms
from services.visits import Fix, Plan, Position, Presence, Slip, Taken, places
from services.visits.deposits import decide_in, deposit_in
from services.visits.making import check_in_in, finish_in
from services.visits.planning import plan_in
from services.visits.receipts import issue_in

DAYS_BACK: Final = 3
A_DAY: Final = 2
"""Visits of an agent on a day that is over."""
TODAY: Final = 5
AGENTS: Final = ("gopal", "farhan")
_REACH: Final = 0.035
"""How far addresses lie from the middle, degrees."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What all steps need."""

    session: Session
    agent: Actor
    leader: Actor
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class _Fate:
    """What comes of a visit."""

    outcome: str
    person: str
    pays: Decimal = Decimal(0)
    mode: str = "cash"
    note: str | None = None


_FATES: Final = (
    _Fate("no_answer", "nobody"),
    _Fate("promise_to_pay", "borrower", Decimal(1_500)),
    _Fate("promise_to_pay", "borrower", Decimal(2_000), "cheque"),
    _Fate("refuses_to_pay", "borrower", note="Says the shop has no custom before the festival."),
)


def add(session: Session, *, seed: int) -> None:
    """Write the field work, through the services themselves. Does nothing a second time."""
    if queries.has_any(session):
        return
    known = users.known(session)
    leader = Actor(known["vikram"], users.OTHERS["vikram"][0], Role.LEADER)
    rng = np.random.default_rng(seed)
    for name in AGENTS:
        agent = Actor(known[name], users.AGENTS[name], Role.AGENT)
        run = _Run(session, agent, leader, rng)
        offered = iter(queries.visitable(session, known[name], limit=(DAYS_BACK * A_DAY + TODAY) * 3))
        for back in range(DAYS_BACK, 0, -1):
            _past_day(run, offered, back)
        with clock.frozen(min(clock.now(), _morning(session))):  # a day is planned before it begins
            _plan(run, offered)


def _morning(session: Session) -> datetime:
    settings = lender.load(session)
    return datetime.combine(settings.today, time(8, 30), ZoneInfo(settings.time_zone))


def _past_day(run: _Run, offered: Iterator[AnyRow], back: int) -> None:
    settings = lender.load(run.session)
    on, zone = settings.today - timedelta(days=back), ZoneInfo(settings.time_zone)
    receipts: list[int] = []
    made = 0
    for row in offered:
        with clock.frozen(datetime.combine(on, time(9 + made * 2, 20), zone)):
            receipt_id = _visited(run, row, on, _FATES[(made + back) % len(_FATES)])
        made += receipt_id is not None
        receipts += [receipt_id] if receipt_id else []
        if made == A_DAY:
            break
    if back > 1 and receipts:
        with clock.frozen(datetime.combine(on, time(18, 10), zone)):
            _hand_in(run, receipts, on, has_arrived=back > 2)


def _visited(run: _Run, row: AnyRow, on: date, fate: _Fate) -> int | None:
    """The id of the receipt, 0 for none, None when this borrower could not be visited then."""
    try:
        with run.session.begin_nested():
            return _visit(run, row, on, fate)
    except CollectionsError:
        return None


def _visit(run: _Run, row: AnyRow, on: date, fate: _Fate) -> int:
    session, agent, rng = run.session, run.agent, run.rng
    spot = _locate(run, row)
    plan = Plan(row.contact_point_id, "residence", on, purpose="Collect the overdue instalments")
    visit = plan_in(session, agent, row.borrower_id, plan, agent_id=agent.id or 0, request_key=None)
    near = Position(spot.latitude + float(rng.normal(0, 0.0006)), spot.longitude + float(rng.normal(0, 0.0006)))
    checked = check_in_in(session, agent, visit.id, Presence(Fix(near, int(rng.integers(8, 40)))))
    if isinstance(checked, CollectionsError):
        raise checked
    promise = Terms(row.loan_id, Decimal(3_000), on + timedelta(days=6)) if fate.outcome == "promise_to_pay" else None
    entry = Entry("visit", "outbound", fate.person, fate.outcome, note=fate.note, promise=promise)
    finish_in(session, agent, checked, entry, request_key=f"demo-visit-{visit.id}")
    if not fate.pays:
        return 0
    cheque = ("100234", "State Bank of India", on) if fate.mode == "cheque" else ()
    taken = Taken(row.loan_id, fate.pays, fate.mode, row.borrower_name, *cheque)
    return issue_in(session, agent, row.borrower_id, taken, at=clock.now(), visit_id=visit.id, request_key=None).id


def _locate(run: _Run, row: AnyRow) -> Position:
    latitude, longitude = CENTRES[row.city]
    east, north = run.rng.normal(0, _REACH, 2)
    spot = Position(latitude + float(north), longitude + float(east))
    places.keep_position(run.session, run.agent, row.contact_point_id, places.sealed(spot), source="entered")
    return spot


def _hand_in(run: _Run, receipts: Sequence[int], on: date, *, has_arrived: bool) -> None:
    whole = queries.sum_of(run.session, receipts)
    slip = Slip(whole, "State Bank of India, current account 4471", f"SB-{on:%d%m}-{run.agent.id}")
    handed = deposit_in(run.session, run.agent, receipts, slip)
    if has_arrived:
        decide_in(run.session, run.leader, handed.id, has_arrived=True, why=None)


def _plan(run: _Run, offered: Iterator[AnyRow]) -> None:
    """Today's visits; one at an agreed time, one whose address is not on the map."""
    session, agent = run.session, run.agent
    today, planned = lender.load(session).today, 0
    for row in offered:
        agreed = time(15, 30) if planned == 1 else None
        plan = Plan(row.contact_point_id, "residence", today, agreed, "Collect the overdue instalments")
        try:
            with session.begin_nested():
                if planned != 3:
                    _locate(run, row)
                plan_in(session, agent, row.borrower_id, plan, agent_id=agent.id or 0, request_key=None)
        except CollectionsError:
            continue
        planned += 1
        if planned == TODAY:
            return
