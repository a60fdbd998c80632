"""Hardship of the demo: waiting, in relief, to be reviewed, refused. Applied for and decided by the service itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import approvals as request_queries
from db.queries import hardship as queries
from db.queries import plans as plan_queries
from db.queries import settlements as settlement_queries
from services import clock, lender
from services.actors import Actor, Role
from services.approvals.kinds import outcome_of
from services.demo import users
from services.errors import CollectionsError
from services.hardship.applying import apply_in
from services.hardship.approving import KIND
from services.hardship.values import Application, Evidence, Relief
from services.plans.values import Affordability

SHARE: Final = 0.0004
"""Applications of each fate per loan of the book."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of an application; days are counted back from today."""

    applied: int
    cause: str
    story: str
    is_granted: bool | None = None
    review: int = -40
    """Below zero: so many days to come."""


_FATES: Final = (
    _Fate(1, "illness", "In hospital since the accident; the shop is closed until he walks again."),
    _Fate(12, "job_loss", "The mill closed on the last of the month; a new place is promised for spring.", True),
    _Fate(50, "calamity", "The flood took the stock; the insurer's man has seen it.", True, 2),
    _Fate(20, "business", "Fewer orders than last year.", False),
)
_REASONS: Final = {
    True: "The papers show it, and the income comes back.",
    False: "The bank statement shows the same turnover as before. Agree on a plan instead.",
}
_NOTICE: Final = Evidence("statement.txt", b"Written statement of the borrower, signed in the branch.")


def add(session: Session, free: Sequence[AnyRow], *, loans: int) -> int:
    """Write applications of every fate; how many.

    Args:
        session: the caller's transaction.
        free: loans past due, as `arrangements.add` leaves them; those with a plan or settlement are passed over.
        loans: size of the book.
    """
    known = users.known(session)
    agents = {known[name]: Actor(known[name], full, Role.AGENT) for name, full in users.AGENTS.items()}
    boss = Actor(known["vikram"], users.OTHERS["vikram"][0], Role.LEADER)
    candidates = iter([loan for loan in reversed(free) if loan.owner_id in agents])
    written = 0
    for fate in _FATES:
        wanted = max(1, round(loans * SHARE))
        for loan in candidates:
            written += (made := _made(session, loan, agents[loan.owner_id], boss, fate))
            wanted -= made
            if wanted == 0:
                break
    return written


def _made(session: Session, loan: AnyRow, agent: Actor, boss: Actor, fate: _Fate) -> int:
    """1 when the application could be made of this loan, else 0."""
    if plan_queries.live_plan(session, loan.loan_id) or settlement_queries.live(session, loan.loan_id):
        return 0
    try:
        with session.begin_nested():
            _live_through(session, loan, agent, boss, fate)
    except CollectionsError:
        return 0
    return 1


def _live_through(session: Session, loan: AnyRow, agent: Actor, boss: Actor, fate: _Fate) -> None:
    today, now = lender.load(session).today, clock.now()
    starts_on = today - timedelta(days=fate.applied - 1)
    wanted = Application(
        cause=fate.cause,
        story=fate.story,
        since_on=starts_on - timedelta(days=20),
        means=Affordability(income=Decimal(9_000), housing=Decimal(3_500), food=Decimal(4_000), dependants=3),
        relief=Relief("holiday", starts_on, starts_on + timedelta(days=89)),
        review_on=today - timedelta(days=fate.review),
    )
    with clock.frozen(now - timedelta(days=fate.applied)):
        made = apply_in(session, agent, loan.borrower_id, wanted, evidence=[_NOTICE])
    if fate.is_granted is None:
        return
    with clock.frozen(now - timedelta(days=fate.applied) + timedelta(hours=20)):
        _decide(session, boss, made.id, is_granted=fate.is_granted)
    assert queries.by_id(session, made.id, today=today) is not None


def _decide(session: Session, boss: Actor, hardship_id: int, *, is_granted: bool) -> None:
    request = request_queries.of_subject(session, (KIND, hardship_id), kind=KIND)
    assert request is not None, "asked above"
    status, reason, at = ("approved" if is_granted else "refused"), _REASONS[is_granted], clock.now()
    request_queries.close(session, request.id, status=status, decided_at=at, decided_by=boss.id, decision_reason=reason)
    request_queries.insert_event(
        session, request.id, status, level=request.level, actor_id=boss.id, reason=reason, at=at
    )
    outcome = outcome_of(KIND)
    (outcome.on_approved if is_granted else outcome.on_refused)(session, boss, hardship_id)
