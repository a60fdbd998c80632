"""Settlements of the demo: waiting, offered, running, behind, completed, broken, refused and withdrawn.

They are proposed and decided by the service itself, as of the day on which each act is said to have happened; where
those that were accepted stand follows from payments, as for any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import approvals as request_queries
from db.queries import loan_facts
from db.queries import plans as plan_queries
from db.queries import settlements as queries
from services import cases, clock, delinquency, lender, settlements
from services.actors import Actor, Role
from services.approvals.kinds import outcome_of
from services.demo import users
from services.errors import CollectionsError
from services.settlements.approving import KIND
from services.settlements.offering import propose_in

SHARE: Final = 0.0004
"""Settlements of each fate per loan of the book."""
_LATE_ENOUGH: Final = 60
"""Days past due from which the demo's lender settles."""
_WAIVED: Final = (Decimal("0.10"), Decimal("0.25"), Decimal("0.40"))
_REASONS: Final = (
    "Shop closed after the flood; the family offers what relatives lend.",
    "Lost the job in March; the settlement is paid from the provident fund.",
    "Long illness; the vehicle is worth less than what is owed.",
)


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of a settlement. Days are counted back from today."""

    proposed: int
    is_approved: bool | None = True
    """None: it waits."""
    accepted: int | None = None
    first_due: int = -10
    """Below zero: so many days to come."""
    parts: int = 1
    withdrawn: int | None = None
    is_paid: bool = False


_FATES: Final = (
    _Fate(proposed=0, is_approved=None),
    _Fate(proposed=0, is_approved=None, parts=3),
    _Fate(proposed=4),
    _Fate(proposed=12, accepted=9, first_due=-6, parts=3),
    _Fate(proposed=30, accepted=24, first_due=2, parts=2),
    _Fate(proposed=20, accepted=15, first_due=0, is_paid=True),
    _Fate(proposed=45, accepted=40, first_due=21, parts=2),
    _Fate(proposed=15, is_approved=False),
    _Fate(proposed=18, accepted=14, first_due=-3, withdrawn=6),
)


def add(session: Session, free: Sequence[AnyRow], *, loans: int) -> int:
    """Write settlements of every fate; how many.

    Args:
        session: the caller's transaction.
        free: loans past due, as `arrangements.add` leaves them; those with a plan are passed over.
        loans: size of the book.
    """
    known = users.known(session)
    agents = {known[name]: Actor(known[name], full, Role.AGENT) for name, full in users.AGENTS.items()}
    boss = Actor(known["leela"], users.OTHERS["leela"][0], Role.LEADER)
    most, made = max(1, round(loans * SHARE)), []
    candidates = (loan for loan in free if loan.dpd >= _LATE_ENOUGH and loan.owner_id in agents and loan.owed >= 5_000)
    for fate in _FATES:
        made += list(islice(_made(session, candidates, agents, boss, fate), most))
    _follow(session, made)
    return len(made)


def _made(
    session: Session, candidates: Iterator[AnyRow], agents: dict[int, Actor], boss: Actor, fate: _Fate
) -> Iterator[AnyRow]:
    for loan in candidates:
        if plan_queries.live_plan(session, loan.loan_id) is not None:
            continue
        try:
            with session.begin_nested():
                _live_through(session, loan, agents[loan.owner_id], boss, fate)
        except CollectionsError:
            continue  # such a settlement could not be made of this loan
        yield loan


def _live_through(session: Session, loan: AnyRow, agent: Actor, boss: Actor, fate: _Fate) -> None:
    today, now = lender.load(session).today, clock.now()
    with clock.frozen(now - timedelta(days=fate.proposed)):
        made = propose_in(session, agent, _terms(session, loan, fate, today))
    if fate.is_approved is None:
        return
    with clock.frozen(now - timedelta(days=fate.proposed) + timedelta(hours=7)):
        _decide(session, boss, made.id, is_approved=fate.is_approved, at=clock.now())
    if fate.accepted is not None:
        queries.accept(session, made.id, on=today - timedelta(days=fate.accepted), channel="call", by=agent.id)
    if fate.withdrawn is not None:
        ended_on = today - timedelta(days=fate.withdrawn)
        queries.cancel(session, made.id, on=ended_on, reason="The relatives lend nothing after all", by=agent.id)
    if fate.is_paid:
        reference = f"SETTLED-{made.id}"
        loan_facts.insert_payment(
            session, loan_id=loan.loan_id, reference=reference, paid_on=today, amount=made.amount, mode="transfer"
        )


def _terms(session: Session, loan: AnyRow, fate: _Fate, today: date) -> settlements.Terms:
    """Charges and interest are waived first, then principal, up to a share of what is owed."""
    row = queries.loan(session, loan.loan_id)
    assert row is not None, "it is in the book"
    owed = row.owed_principal + row.owed_interest + row.owed_charges
    left = (owed * _WAIVED[loan.loan_id % len(_WAIVED)]).quantize(Decimal(1))
    charges = min(row.owed_charges, left)
    interest = min(row.owed_interest, left - charges)
    waived = settlements.Components(left - charges - interest, interest, charges)
    proposed_on, first = today - timedelta(days=fate.proposed), today - timedelta(days=fate.first_due)
    each = ((owed - waived.whole) / fate.parts).quantize(Decimal(1))
    amounts = [each] * (fate.parts - 1)
    amounts.append(owed - waived.whole - sum(amounts, Decimal(0)))
    dates = [first + timedelta(days=30 * place) for place in range(fate.parts)]
    return settlements.Terms(
        loan.loan_id,
        waived,
        tuple(zip(dates, amounts, strict=True)),
        valid_until=min(first, proposed_on + timedelta(days=14)),
        reason=_REASONS[loan.loan_id % len(_REASONS)],
    )


def _decide(session: Session, boss: Actor, settlement_id: int, *, is_approved: bool, at: datetime) -> None:
    request = request_queries.of_subject(session, (KIND, settlement_id), kind=KIND)
    assert request is not None, "asked above"
    status = "approved" if is_approved else "refused"
    reason = "Within the board's policy." if is_approved else "The house is worth more than what is offered."
    request_queries.close(session, request.id, status=status, decided_at=at, decided_by=boss.id, decision_reason=reason)
    request_queries.insert_event(
        session, request.id, status, level=request.level, actor_id=boss.id, reason=reason, at=at
    )
    outcome = outcome_of(KIND)
    (outcome.on_approved if is_approved else outcome.on_refused)(session, boss, settlement_id)


def _follow(session: Session, made: Sequence[AnyRow]) -> None:
    today, ids = lender.load(session).today, [loan.loan_id for loan in made]
    settlements.settle_for(session, today, ids)
    delinquency.derive(session, today, ids)
    cases.refresh_for(session, today, sorted({loan.borrower_id for loan in made}))
