"""Statements about single facts of a loan that come through the app: payments, reversals, bounces."""

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.owes import Loan, MandatePresentation, Payment


def loan(session: Session, loan_id: int) -> AnyRow | None:
    """The loan's number and borrower."""
    return session.execute(select(Loan.external_id, Loan.borrower_id).where(Loan.id == loan_id)).one_or_none()


def insert_payment(
    session: Session,
    *,
    loan_id: int,
    reference: str,
    paid_on: date,
    amount: Decimal,
    mode: str | None = None,
    reverses_reference: str | None = None,
) -> bool:
    """Insert a payment, or a reversal if it names what it reverses; False when the loan has the reference already."""
    values = insert(Payment).values(
        loan_id=loan_id,
        reference=reference,
        kind="payment" if reverses_reference is None else "reversal",
        paid_on=paid_on,
        amount=amount,
        mode=mode,
        reverses_reference=reverses_reference,
    )
    done = values.on_conflict_do_nothing(index_elements=["loan_id", "reference"]).returning(Payment.id)
    return session.execute(done).first() is not None


def payment(session: Session, loan_id: int, reference: str) -> AnyRow | None:
    """A payment's date and amount, locked so that two reversals of it follow one another."""
    statement = select(Payment.paid_on, Payment.amount).where(
        Payment.loan_id == loan_id, Payment.reference == reference, Payment.kind == "payment"
    )
    return session.execute(statement.with_for_update()).one_or_none()


def reversed_amount(session: Session, loan_id: int, reference: str) -> Decimal:
    """What was taken back of a payment."""
    statement = select(func.coalesce(func.sum(Payment.amount), Decimal(0))).where(
        Payment.loan_id == loan_id, Payment.reverses_reference == reference, Payment.kind == "reversal"
    )
    return session.execute(statement).scalar_one()


def insert_bounce(
    session: Session, *, loan_id: int, reference: str, presented_on: date, amount: Decimal, reason: str | None
) -> bool:
    """Insert a bounced presentation; False when the loan has the reference already."""
    values = insert(MandatePresentation).values(
        loan_id=loan_id,
        reference=reference,
        presented_on=presented_on,
        amount=amount,
        result="bounced",
        reason=reason,
    )
    done = values.on_conflict_do_nothing(index_elements=["loan_id", "reference"]).returning(MandatePresentation.id)
    return session.execute(done).first() is not None
