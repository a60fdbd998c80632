"""Where plans stand: derived at the close over ranges of loans, and for given loans when a fact about them arrives."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from db.queries import agreement_settling as queries
from services.plans.limits import load_limits


def settle(session: Session, as_of: date, first_loan_id: int, last_loan_id: int) -> int:
    """Derive the plans of a range of loans (both ids included); how many borrowers it touched."""
    return _settle(session, queries.loan_range(first_loan_id, last_loan_id), as_of)


def settle_for(session: Session, as_of: date, loan_ids: Sequence[int]) -> int:
    """The same for a few loans, the moment a payment, its reversal or a plan arrives; how many borrowers it touched."""
    return _settle(session, queries.these_loans(loan_ids), as_of)


def _settle(session: Session, scope: queries.Scope, as_of: date) -> int:
    limits = load_limits(session)
    touched = queries.settle(
        session, queries.PLAN, scope, as_of=as_of, grace_days=limits.grace_days, break_days=limits.break_days
    )
    return len(touched)
