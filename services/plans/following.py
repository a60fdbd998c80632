"""What follows a plan that comes into force, in the transaction that puts it there."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from db.queries import plans as queries
from services import cases, reminders
from services.plans.settling import settle_for


def counts_from(session: Session, loan_id: int, today: date) -> date:
    """First day whose payments count for a new plan: today, or the day after an earlier one was completed today."""
    last = queries.last_taking_day(session, loan_id)
    return today if last is None else max(today, last + timedelta(days=1))


def follow(session: Session, loan_id: int, borrower_id: int, today: date) -> None:
    """Payments of today count, reminders of the loan's dues that wait are cancelled, the case goes down the queue."""
    settle_for(session, today, [loan_id])
    reminders.cancel_for_loans(session, [loan_id], "A repayment plan is in force.")
    cases.refresh_for(session, today, [borrower_id])
