"""Plans of the demo that need approval: waiting at two levels, one too long, some approved and some refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import approvals as queries
from services import clock, documents, lender, plans
from services.actors import Actor, Role
from services.approvals import reach
from services.demo import arrangements, users
from services.demo.arrangements import Made
from services.errors import CollectionsError
from services.plans.approving import KIND, told
from services.plans.checking import assess
from services.plans.limits import load_limits
from services.plans.values import Affordability, Agreed, Proposal

SHARE: Final = 0.0006
"""Requests of each fate per loan of the book."""
_LOW, _HIGH = (Decimal(8_000), Decimal(60_000)), (Decimal(200_001), Decimal(1_000_000))
"""Amounts of plans that a team leader, and a collections manager, may decide as limits are set at first."""
_LENGTHS: Final = {_LOW: 14, _HIGH: 22}
"""Instalments: of the arrears, and of all that is owed."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of a request."""

    amounts: tuple[Decimal, Decimal]
    asked_hours: int
    """How long ago it was asked."""
    status: str = "waiting"
    decided_hours: int = 0
    """How long after that it was decided."""
    decider: str = ""
    reason: str = ""
    is_single: bool = False

    @property
    def asked_at(self) -> datetime:
        """When it was asked."""
        return clock.now() - timedelta(hours=self.asked_hours)

    @property
    def decided_at(self) -> datetime:
        """When it was decided."""
        return self.asked_at + timedelta(hours=self.decided_hours)


_FATES: Final = (
    _Fate(_LOW, 5),
    _Fate(_HIGH, 9),
    _Fate(_LOW, 76, is_single=True),
    _Fate(_LOW, 460, "approved", 7, "vikram", "Income is shown, and the first instalment is due on the payday."),
    _Fate(
        _HIGH, 500, "approved", 20, "leela", "Better than the auction of the vehicle; review after three instalments."
    ),
    _Fate(_LOW, 530, "refused", 5, "vikram", "The salary slip is of another person. Ask for the borrower's own."),
)


def add(session: Session, free: Sequence[AnyRow], *, loans: int) -> int:
    """Write plans that need approval with their requests and evidence; how many.

    Args:
        session: the caller's transaction.
        free: loans past due without a plan, as `arrangements.add` leaves them.
        loans: size of the book.
    """
    known, names = users.known(session), {**users.AGENTS}
    agents = {known[name]: Actor(known[name], full, Role.AGENT) for name, full in names.items()}
    left = [loan for loan in free if loan.owner_id in agents]
    most, written = max(1, round(loans * SHARE)), 0
    for fate in _FATES:
        found = list(islice(_plans(session, left, agents, fate), 1 if fate.is_single else most))
        taken = {agreed.loan.borrower_id for agreed in found}
        left = [loan for loan in left if loan.borrower_id not in taken]
        written += len(found)
        _write(session, found, agents, fate, known.get(fate.decider))
    return written


def _plans(session: Session, loans: Sequence[AnyRow], agents: dict[int, Actor], fate: _Fate) -> Iterator[Agreed]:
    """Plans over more than a year, which changes the loan (IN-16), of amounts that the fate asks for."""
    settings, limits = lender.load(session), load_limits(session)
    day, today = fate.asked_at.astimezone(ZoneInfo(settings.time_zone)).date(), settings.today
    low, high = fate.amounts
    seen: set[int] = set()
    for loan in loans:
        amount = loan.overdue_amount if fate.amounts is _LOW else loan.owed
        if not low <= amount <= high or loan.borrower_id in seen:
            continue
        start_on = today + timedelta(days=6 + loan.loan_id % 9)
        rows = plans.generate(plans.Pattern(amount=amount, length=_LENGTHS[fate.amounts], start_on=start_on))
        stated = Affordability(**arrangements.means(Made(loan, rows, day)))
        proposal = Proposal(loan.loan_id, rows, stated)
        try:
            assessment = assess(proposal, loan, limits, agents[loan.owner_id], day)
        except CollectionsError:
            continue  # such a plan could not be made of this loan
        seen.add(loan.borrower_id)
        yield Agreed(proposal, assessment, loan, day)


def _write(session: Session, found: Sequence[Agreed], agents: dict[int, Actor], fate: _Fate, by: int | None) -> None:
    zone, asked_at = ZoneInfo(lender.load(session).time_zone), fate.asked_at
    ids = arrangements.write(session, [_made(agreed, fate, zone) for agreed in found])
    for plan_id, agreed in zip(ids, found, strict=True):
        actor = agents[agreed.loan.owner_id]
        request_id, level = _asked(session, actor, plan_id, agreed, asked_at)
        _evidence(session, actor, plan_id, agreed, asked_at)
        if by is not None:
            _decided(session, request_id, level, fate, by)
    if fate.status == "approved":
        plans.settle_for(session, lender.load(session).today, [agreed.loan.loan_id for agreed in found])


def _made(agreed: Agreed, fate: _Fate, zone: ZoneInfo) -> Made:
    status = {"waiting": "proposed", "approved": "running", "refused": "refused"}[fate.status]
    decided_on = fate.decided_at.astimezone(zone).date()
    extra = {
        "status": status,
        "counts_from": decided_on if status == "running" else None,
        "refuse_reason": fate.reason if status == "refused" else None,
        "approval_reasons": list(agreed.assessment.approval_reasons),
        "restructuring": list(agreed.assessment.restructuring),
    }
    return Made(agreed.loan, agreed.proposal.rows, agreed.today, extra)


def _asked(session: Session, actor: Actor, plan_id: int, agreed: Agreed, at: datetime) -> tuple[int, int]:
    """Ask as the plan's form does, at another time; the request and the level that it waits at."""
    assert actor.id is not None, "an agent"
    amount, (reason, summary) = agreed.proposal.amount, told(agreed)
    line = reach.place(session, KIND, amount=amount, percent=None, above=0, kept_out={actor.id})
    assert line is not None, "the highest level of the first limits decides any amount"
    request_id = queries.insert_request(
        session,
        kind=KIND,
        subject_kind=KIND,
        subject_id=plan_id,
        borrower_id=agreed.loan.borrower_id,
        amount=amount,
        summary=summary,
        reason=reason,
        first_level=line.level,
        level=line.level,
        excluded_user_ids=[],
        asked_at=at,
        asked_by=actor.id,
        due_at=at + timedelta(hours=line.hours),
    )
    queries.insert_event(session, request_id, "asked", level=line.level, actor_id=actor.id, reason=reason, at=at)
    return request_id, line.level


def _decided(session: Session, request_id: int, level: int, fate: _Fate, decider: int) -> None:
    at, reason = fate.decided_at, fate.reason
    queries.close(session, request_id, status=fate.status, decided_at=at, decided_by=decider, decision_reason=reason)
    queries.insert_event(session, request_id, fate.status, level=level, actor_id=decider, reason=reason, at=at)


def _evidence(session: Session, actor: Actor, plan_id: int, agreed: Agreed, at: datetime) -> None:
    """The borrower's statement of means, as a file that the decider may open."""
    stated, zone = agreed.proposal.affordability, ZoneInfo(lender.load(session).time_zone)
    amounts = {
        "Income a month": stated.income,
        "Rent or housing": stated.housing,
        "Food": stated.food,
        "Electricity, phone, transport": stated.utilities,
        "School and care": stated.dependant_costs,
        "Other loans": stated.other_debts,
        "Other": stated.other,
        "Left a month": stated.disposable,
    }
    lines = [
        "Statement of income and outgoings, as the borrower gave it",
        f"Loan {agreed.loan.external_id}, {at.astimezone(zone):%-d %b %Y}",
        *(f"{label}: {amount:,.2f}" for label, amount in amounts.items()),
    ]
    with clock.frozen(at):
        documents.store(
            session,
            actor,
            kind="evidence",
            file_name="statement-of-means.txt",
            content="\n".join(lines).encode(),
            borrower_id=agreed.loan.borrower_id,
            subject=(KIND, plan_id),
        )
