"""Statements of repayment plans: terms are inserted once; decisions and cancellations are set once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy import insert as insert_rows
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.owes import Lender, Loan
from db.models.plans import PlanAffordability, PlanInstalment, RepaymentPlan
from db.models.stands import LoanState

IN_FORCE = ("running", "behind")
"""Statuses of a plan that suspends the usual treatment."""

LIMIT_COLUMNS = (
    Lender.plan_grace_days,
    Lender.plan_break_days,
    Lender.plan_max_months,
    Lender.plan_min_instalment,
    Lender.plan_max_share,
    Lender.plan_restructure_months,
    Lender.plan_agent_amount,
)


def limits(session: Session) -> AnyRow:
    """The lender's limits of plans."""
    return session.execute(select(*LIMIT_COLUMNS)).one()


def change_limits(session: Session, values: dict[str, int | Decimal]) -> None:
    """Set the lender's limits of plans, by column."""
    session.execute(update(Lender).values(**values))


def loan(session: Session, loan_id: int) -> AnyRow | None:
    """What a plan of the loan is checked against."""
    owed = LoanState.outstanding + LoanState.overdue_interest + LoanState.overdue_charges
    return session.execute(
        select(
            Loan.external_id,
            Loan.borrower_id,
            Loan.instalment_amount,
            LoanState.status,
            LoanState.overdue_amount,
            func.greatest(owed, LoanState.overdue_amount).label("owed"),
        )
        .join(LoanState, LoanState.loan_id == Loan.id)
        .where(Loan.id == loan_id)
    ).one_or_none()


def live_plan(session: Session, loan_id: int) -> AnyRow | None:
    """The loan's plan that is in force or waits for approval."""
    return session.execute(
        select(RepaymentPlan.id, RepaymentPlan.status)
        .where(RepaymentPlan.loan_id == loan_id, RepaymentPlan.status.in_(("proposed", *IN_FORCE)))
        .limit(1)
    ).one_or_none()


def last_taking_day(session: Session, loan_id: int) -> date | None:
    """The last day whose payments the loan's completed plans took: a later plan counts from the day after."""
    return session.execute(
        select(func.max(RepaymentPlan.resolved_on)).where(
            RepaymentPlan.loan_id == loan_id, RepaymentPlan.status == "completed"
        )
    ).scalar_one()


def insert_plan(session: Session, **values: Any) -> int | None:
    """Insert a plan's terms; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(RepaymentPlan)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(RepaymentPlan.id)
    ).scalar_one_or_none()


def insert_instalments(session: Session, plan_id: int, rows: Sequence[tuple[int, date, Decimal]]) -> None:
    """Insert a plan's instalments: number, date, amount."""
    session.execute(
        insert_rows(PlanInstalment),
        [{"plan_id": plan_id, "number": number, "due_on": due_on, "amount": amount} for number, due_on, amount in rows],
    )


def insert_affordability(session: Session, plan_id: int, **values: Any) -> None:
    """Keep what the borrower said of income and outgoings."""
    session.execute(insert_rows(PlanAffordability).values(plan_id=plan_id, **values))


_maker, _canceller = aliased(AppUser), aliased(AppUser)
COLUMNS = (
    RepaymentPlan.id,
    RepaymentPlan.borrower_id,
    RepaymentPlan.loan_id,
    Loan.external_id.label("loan_number"),
    RepaymentPlan.amount,
    RepaymentPlan.method,
    RepaymentPlan.rhythm,
    RepaymentPlan.starts_on,
    RepaymentPlan.ends_on,
    RepaymentPlan.made_on,
    RepaymentPlan.counts_from,
    RepaymentPlan.approval_reasons,
    RepaymentPlan.restructuring,
    RepaymentPlan.over_limit_reason,
    RepaymentPlan.refuse_reason,
    RepaymentPlan.cancel_reason,
    RepaymentPlan.status,
    RepaymentPlan.paid_amount,
    RepaymentPlan.due_amount,
    RepaymentPlan.next_due_on,
    RepaymentPlan.next_due_amount,
    RepaymentPlan.resolved_on,
    RepaymentPlan.made_by,
    _maker.name.label("made_by_name"),
    _canceller.name.label("cancelled_by_name"),
)


def _plans() -> Select[*tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .join(Loan, Loan.id == RepaymentPlan.loan_id)
        .outerjoin(_maker, _maker.id == RepaymentPlan.made_by)
        .outerjoin(_canceller, _canceller.id == RepaymentPlan.cancelled_by)
    )


def by_id(session: Session, plan_id: int) -> AnyRow | None:
    """One plan."""
    return session.execute(_plans().where(RepaymentPlan.id == plan_id)).one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """The plan that an earlier submit of the same form made."""
    return session.execute(_plans().where(RepaymentPlan.request_key == request_key)).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """The borrower's plans, newest first."""
    statement = _plans().where(RepaymentPlan.borrower_id == borrower_id)
    return session.execute(statement.order_by(RepaymentPlan.id.desc()).limit(limit)).all()


def instalments(session: Session, plan_ids: Sequence[int]) -> Sequence[AnyRow]:
    """Instalments of plans, in order."""
    return session.execute(
        select(
            PlanInstalment.plan_id,
            PlanInstalment.number,
            PlanInstalment.due_on,
            PlanInstalment.amount,
            PlanInstalment.paid_amount,
            PlanInstalment.settled_on,
        )
        .where(PlanInstalment.plan_id.in_(plan_ids))
        .order_by(PlanInstalment.plan_id, PlanInstalment.number)
    ).all()


def affordability(session: Session, plan_ids: Sequence[int]) -> Sequence[AnyRow]:
    """The means stated with plans."""
    columns = list(PlanAffordability.__table__.columns)
    return session.execute(select(*columns).where(PlanAffordability.plan_id.in_(plan_ids))).all()


def begin(session: Session, plan_id: int, *, counts_from: date) -> bool:
    """Put a proposed plan into force; False when it is not proposed any more."""
    return _moved(session, plan_id, ("proposed",), status="running", counts_from=counts_from)


def refuse(session: Session, plan_id: int, *, reason: str) -> bool:
    """End a proposed plan by the approver's no; False when it is not proposed any more."""
    return _moved(session, plan_id, ("proposed",), status="refused", refuse_reason=reason)


def cancel(session: Session, plan_id: int, *, on: date, reason: str, by: int | None) -> bool:
    """Cancel a plan from a day on; False when it is not in force or proposed any more."""
    return _moved(
        session,
        plan_id,
        ("proposed", *IN_FORCE),
        status="cancelled",
        cancelled_on=on,
        cancelled_at=func.now(),
        cancelled_by=by,
        cancel_reason=reason,
        resolved_on=on,
        next_due_on=None,
        next_due_amount=None,
    )


def _moved(session: Session, plan_id: int, from_statuses: Sequence[str], **values: Any) -> bool:
    statement = (
        update(RepaymentPlan)
        .where(RepaymentPlan.id == plan_id, RepaymentPlan.status.in_(from_statuses))
        .values(**values)
        .returning(RepaymentPlan.id)
    )
    return session.execute(statement).first() is not None
