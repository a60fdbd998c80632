"""What follows when a settlement begins or ends, in the transaction that does it."""

from datetime import date

from sqlalchemy.orm import Session

from services import cases, delinquency, reminders
from services.settlements.settling import settle_for


def follow(session: Session, loan_id: int, borrower_id: int, today: date, *, why: str) -> None:
    """Payments of today count, the loan stands accordingly, its reminders that wait are cancelled, the case follows."""
    settle_for(session, today, [loan_id])
    delinquency.derive(session, today, [loan_id])
    reminders.cancel_for_loans(session, [loan_id], why)
    cases.refresh_for(session, today, [borrower_id])
