"""Where given loans stand: derived again from their facts, in the transaction that changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from db.queries import closing as queries
from db.queries.closing import Day
from db.queries.lender import npa_by_borrower
from db.queries.loan_scope import these_loans
from services import lender

FEW = 100
"""Up to so many loans are derived by a plan made once."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What a derivation changed."""

    loan_ids: tuple[int, ...]
    """Loans whose state is another now, or that had none."""
    borrower_ids: tuple[int, ...]
    cleared_loan_ids: tuple[int, ...]
    """Loans on which something was paid and nothing is overdue any more."""


def day_of(session: Session, as_of: date) -> Day:
    """A business date with the lender's settings that derivation depends on."""
    settings = lender.load(session)
    return Day(as_of, npa_by_borrower(session), settings.bucket_edges)


def derive(session: Session, as_of: date, loan_ids: Sequence[int]) -> int:
    """Derive the state of loans, and of all other loans of their borrowers; how many states changed.

    The caller's transaction holds the loans from here to its end, so that two facts about a borrower follow one
    another and a day-end close cannot overwrite the newer state.

    Args:
        session: the transaction that added or changed the facts.
        as_of: business date; facts dated later do not count.
        loan_ids: the loans.
    """
    return len(derive_changes(session, as_of, loan_ids).loan_ids)


def derive_changes(session: Session, as_of: date, loan_ids: Sequence[int]) -> Derived:
    """As `derive`; tells which loans and borrowers changed."""
    everyone = queries.lock_loans(session, loan_ids)
    day, scope = day_of(session, as_of), these_loans(everyone)
    if len(everyone) <= FEW:
        with queries.for_few(session):
            rows = queries.update_states(session, day, scope)
    else:
        rows = queries.update_states(session, day, scope)
    return Derived(
        loan_ids=tuple(row.loan_id for row in rows),
        borrower_ids=tuple(sorted({row.borrower_id for row in rows})),
        cleared_loan_ids=tuple(row.loan_id for row in rows if row.is_cleared),
    )
