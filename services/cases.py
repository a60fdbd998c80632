"""Collection cases: opened, closed and recomputed from facts. A case is the work on one borrower with all loans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.queries import case_deriving, closing, stage_rules
from db.queries import case_people as people_queries
from db.queries import cases as queries
from services import clock, lender
from services.actors import Actor, Permission
from services.errors import Conflict, NotAllowed, NotFound

POINTS: Final = {
    "dpd_1_30": 10,
    "dpd_31_60": 20,
    "dpd_61_90": 35,
    "dpd_91_180": 30,
    "dpd_over_180": 15,
    "instalment_near": -15,
    "near_npa": 10,
    "amount_over_5000": 6,
    "amount_over_25000": 12,
    "amount_over_100000": 20,
    "risk_band_3": 4,
    "risk_band_4": 8,
    "risk_band_5": 15,
    "broken_promise": 25,
    "promise_due": 20,
    "promise_later": -30,
    "plan_broken": 25,
    "plan_behind": 15,
    "plan_running": -30,
    "settlement_broken": 25,
    "settlement_behind": 20,
    "settlement_offered": 10,
    "settlement_running": -30,
    "follow_up_due": 30,
    "follow_up_later": -20,
    "never_contacted": 10,
    "contacted_today": -25,
    "contacted_lately": -10,
    "on_hold": -60,
}
"""Priority of a case: the sum of what applies. Work that money hangs on today comes first; a promise that is still
running, a fresh contact or a hold moves a case down. Amounts are in the lender's currency."""

REASONS: Final = {
    "dpd_1_30": "1–30 days past due",
    "dpd_31_60": "31–60 days past due",
    "dpd_61_90": "61–90 days past due",
    "dpd_91_180": "91–180 days past due",
    "dpd_over_180": "over 180 days past due",
    "instalment_near": "instalment falls due soon",
    "near_npa": "turns NPA within 10 days",
    "amount_over_5000": "overdue 5,000.00 or more",
    "amount_over_25000": "overdue 25,000.00 or more",
    "amount_over_100000": "overdue 100,000.00 or more",
    "risk_band_3": "medium risk",
    "risk_band_4": "high risk",
    "risk_band_5": "very high risk",
    "broken_promise": "broken promise",
    "promise_due": "promise due",
    "promise_later": "promise still running",
    "plan_broken": "plan broken",
    "plan_behind": "plan behind",
    "plan_running": "plan running",
    "settlement_broken": "settlement broken",
    "settlement_behind": "settlement behind",
    "settlement_offered": "settlement offered",
    "settlement_running": "settlement running",
    "follow_up_due": "call-back due",
    "follow_up_later": "call-back later",
    "never_contacted": "never contacted",
    "contacted_today": "contacted today",
    "contacted_lately": "contacted in the last 3 days",
    "on_hold": "on hold",
}

ACTIONS: Final = {
    "call": "Call",
    "call_back": "Call back",
    "visit": "Visit",
    "send_message": "Send a message",
    "await_promise": "Await the promise",
    "await_instalment": "Await the instalment of the plan",
    "await_settlement": "Await the payment of the settlement",
    "ask_acceptance": "Ask whether the settlement is accepted",
    "check_payment": "Check the payment",
    "review": "Review with the leader",
    "resolve_dispute": "Resolve the dispute",
    "find_number": "Find the number",
    "offer_plan": "Offer a plan",
    "review_hold": "Review the hold",
    "reassign": "Reassign by language",
    "answer_complaint": "Answer the complaint",
    "legal_step": "Take the legal step",
}
"""Next actions by code, as screens say them."""

STAGES: Final = {"soft": "Soft", "mid": "Mid", "hard": "Hard", "legal": "Legal", "recovery": "Recovery"}
"""Stages of what is overdue, from the first to the last, as screens say them. Rules decide: see services/stages."""
ALL_STAGES: Final = {"pre_due": "Pre-due", **STAGES}
"""With the stage before anything is overdue, which a setting opens: see services/stages/pre_due."""


@dataclass(frozen=True, slots=True)
class CaseChanges:
    """What a refresh did."""

    opened: int
    closed: int
    changed: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a case's priority."""

    code: str
    points: int

    @property
    def words(self) -> str:
        """The reason as a screen says it."""
        return REASONS.get(self.code, self.code.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Case:
    """An open case as derived, with who owns and who holds it."""

    id: int
    borrower_id: int
    opened_on: date
    stage: str
    owner_id: int | None
    owner_name: str | None
    held_by: int | None
    holder_name: str | None
    held_until: datetime | None
    priority: int
    reasons: tuple[Reason, ...]
    loans: int
    max_dpd: int
    bucket: int
    risk_band: int
    next_action: str | None
    next_action_on: date | None
    has_broken_promise: bool

    def is_held_by_other(self, actor: Actor, at: datetime) -> bool:
        """Whether someone else has the case open now."""
        return self.held_by not in {None, actor.id} and self.held_until is not None and self.held_until > at


def refresh(session: Session, as_of: date, first_borrower_id: int, last_borrower_id: int) -> CaseChanges:
    """Open, close and recompute the cases of a range of borrowers (both ids included), in the caller's transaction."""
    return _refresh(session, as_of, queries.borrower_range(first_borrower_id, last_borrower_id))


def refresh_for(session: Session, as_of: date, borrower_ids: Sequence[int]) -> CaseChanges:
    """The same for a few borrowers, the moment a fact about them arrives."""
    return _refresh(session, as_of, queries.these_borrowers(borrower_ids))


def reprioritise(session: Session, as_of: date, first_borrower_id: int, last_borrower_id: int) -> int:
    """Recompute the open cases of a range of borrowers without opening or closing any, in the caller's transaction.

    What follows a change of scores: nothing that is owed changed, only the points. How many cases changed.
    """
    return _recompute(session, as_of, queries.borrower_range(first_borrower_id, last_borrower_id))


def _refresh(session: Session, as_of: date, scope: queries.Scope) -> CaseChanges:
    settings = lender.load(session)
    pre_due = queries.PreDue(settings.pre_due_days, settings.pre_due_bands)
    closed = queries.close_settled(session, scope, as_of=as_of, pre_due=pre_due)
    opened = queries.open_new(session, scope, as_of=as_of)
    if pre_due.days:
        opened += queries.open_pre_due(session, scope, as_of=as_of, pre_due=pre_due)
    return CaseChanges(opened=opened, closed=closed, changed=_recompute(session, as_of, scope))


def _recompute(session: Session, as_of: date, scope: queries.Scope) -> int:
    """Cases stand as they are to be worked today even when the night closes the day before.

    Else a hold that is over since midnight would keep its case down, a call-back of today would count as one of later,
    and what stage rules that hold from today had moved would be taken back, all until something else changes the case.
    """
    settings = lender.load(session)
    today = max(as_of, settings.today)
    return case_deriving.recompute(
        session,
        scope,
        as_of=as_of,
        today=today,
        zone=settings.time_zone,
        points=POINTS,
        stages=stage_rules.in_force(session, today),
    )


def reasons_of(stored: Sequence[str]) -> tuple[Reason, ...]:
    """Reasons from their stored form, 'broken_promise:25', in the order stored."""
    split = (entry.rpartition(":") for entry in stored)
    return tuple(Reason(code, int(points)) for code, _, points in split)


def require_access(session: Session, actor: Actor, borrower_id: int) -> None:
    """Refuse an actor who sees only their own cases, unless they own the borrower's or take part in it.

    Raises:
        NotFound: the borrower is not theirs to see, or not there: the two are not told apart.
    """
    if not may_see(session, actor, borrower_id):
        raise NotFound("That borrower is not among your cases. Ask your leader to allocate the case to you.")


def may_see(session: Session, actor: Actor, borrower_id: int) -> bool:
    """Whether the borrower is the actor's to see: `require_access` as a question."""
    if actor.may(Permission.VIEW_ALL_CASES) or _owns(session, actor, borrower_id):
        return True
    return actor.id is not None and bool(people_queries.roles(session, borrower_id, actor.id))


def require_work(session: Session, actor: Actor, borrower_id: int) -> None:
    """Refuse who may not see the borrower, and who may only watch.

    Raises:
        NotFound: the borrower is not theirs to see, or not there.
        NotAllowed: they watch the case, and neither own it nor work on it.
    """
    require_access(session, actor, borrower_id)
    if actor.may(Permission.VIEW_ALL_CASES) or _owns(session, actor, borrower_id):
        return
    if actor.id is None or people_queries.roles(session, borrower_id, actor.id) <= {"watcher"}:
        raise NotAllowed("You watch this case: you see it, and its owner works it. Ask your leader for another role.")


def _owns(session: Session, actor: Actor, borrower_id: int) -> bool:
    return actor.id is not None and queries.newest_owner(session, borrower_id) == actor.id


def open_case(session: Session, borrower_id: int) -> Case | None:
    """The borrower's open case; None when nothing is overdue."""
    row = queries.open_case(session, borrower_id)
    return None if row is None else _case(row)


def workable(session: Session, actor: Actor, borrower_id: int, *, loan_id: int | None = None) -> Case | None:
    """The borrower's open case, locked for an act on it in the caller's transaction; None when there is none.

    Args:
        session: the caller's transaction.
        actor: who acts.
        borrower_id: on whose case.
        loan_id: of the borrower, if the act turns on what was paid: the facts are locked before the case, which is the
            order of a payment, so that neither waits for the other in a circle.

    Raises:
        NotFound: the borrower is not the actor's to see.
        NotAllowed: the actor only watches the case.
        Conflict: someone else has the case open.
    """
    require_work(session, actor, borrower_id)
    if loan_id is not None:
        closing.lock_loans(session, [loan_id])
    queries.lock_open_case(session, borrower_id)
    case = open_case(session, borrower_id)
    if case is not None and case.is_held_by_other(actor, clock.now()):
        raise held_by_other(case.holder_name, case.held_until, lender.load(session).time_zone)
    return case


def held_by_other(holder_name: str | None, until: datetime | None, zone: str) -> Conflict:
    """The error that tells who has a case, and until when in the lender's time."""
    from zoneinfo import ZoneInfo

    moment = f" until {until.astimezone(ZoneInfo(zone)):%H:%M}" if until else ""
    return Conflict(f"{holder_name or 'Someone'} has this case open{moment}. Take another, or try again later.")


def _case(row: Row[*tuple[Any, ...]]) -> Case:
    return Case(
        id=row.id,
        borrower_id=row.borrower_id,
        opened_on=row.opened_on,
        stage=row.stage,
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        held_by=row.held_by,
        holder_name=row.holder_name,
        held_until=row.held_until,
        priority=row.priority,
        reasons=reasons_of(row.priority_reasons),
        loans=row.loans,
        max_dpd=row.max_dpd,
        bucket=row.bucket,
        risk_band=row.risk_band,
        next_action=row.next_action,
        next_action_on=row.next_action_on,
        has_broken_promise=row.has_broken_promise,
    )
