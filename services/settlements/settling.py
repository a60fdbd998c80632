"""Where settlements stand: derived at the close over ranges of loans, and for given loans when a fact arrives.

It runs before loans are derived: a settlement that is completed closes its loan.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from db.queries import agreement_settling as queries
from db.queries import settlements
from services.settlements.policy import load_policy


def settle(session: Session, as_of: date, first_loan_id: int, last_loan_id: int) -> int:
    """Derive the settlements of a range of loans (both ids included); how many borrowers it touched."""
    scope = queries.loan_range(first_loan_id, last_loan_id)
    expired = settlements.expire(session, "p.loan_id BETWEEN :first_id AND :last_id", scope.values, as_of=as_of)
    return len({*expired, *_settle(session, scope, as_of)})


def settle_for(session: Session, as_of: date, loan_ids: Sequence[int]) -> int:
    """The same for a few loans, the moment a payment, its reversal or an acceptance arrives."""
    scope = queries.these_loans(loan_ids)
    expired = settlements.expire(session, scope.predicate, scope.values, as_of=as_of)
    return len({*expired, *_settle(session, scope, as_of)})


def _settle(session: Session, scope: queries.Scope, as_of: date) -> list[int]:
    grace = load_policy(session).grace_days
    return queries.settle(session, queries.SETTLEMENT, scope, as_of=as_of, grace_days=0, break_days=grace)
