"""Cancelling what is no longer owed, in the transaction of the payment that settled it."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from db.queries import reminders as queries


def cancel_for_loans(session: Session, loan_ids: Collection[int], reason: str) -> int:
    """Cancel all reminders of these loans that are not handed over yet; how many.

    Args:
        session: the transaction that settled the loans.
        loan_ids: loans that owe nothing any more.
        reason: a sentence for the outbox, such as 'Paid on 14 Nov 2026.'.
    """
    return queries.cancel_for_loans(session, loan_ids, reason) if loan_ids else 0


def cancel_settled(session: Session, first_loan_id: int, last_loan_id: int) -> int:
    """As `cancel_for_loans` for whichever loans of a range of ids owe nothing: for the day-end close."""
    return queries.cancel_settled(session, first_loan_id, last_loan_id, "Nothing is owed any more.")
