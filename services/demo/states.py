"""Where the demo's loans stand on a date, computed from their own arrays: what a lender's snapshot file would say."""

from dataclasses import dataclass

import numpy as np

from services.demo.book import Flags, Ints
from services.demo.runs import Run


@dataclass(frozen=True, slots=True)
class States:
    """Figures of each loan of a run; amounts are paise."""

    is_active: Flags
    """Disbursed, and neither closed nor written off."""
    dpd: Ints
    overdue: Ints
    outstanding: Ints
    """Principal not yet repaid, as the schedule splits what was paid: interest first within a due date."""


def states(run: Run, as_of: np.datetime64) -> States:
    """The state of every loan of the run at the end of a day, from what was known on it."""
    plan, loans = run.schedules, run.book.loans
    paid = _paid(run, as_of)
    is_due = plan.exists & (plan.due_on <= as_of)
    dues = np.cumsum(np.where(is_due, plan.principal + plan.interest + plan.charges, 0), axis=1)
    is_unpaid = is_due & (dues > paid[:, None])
    oldest = plan.due_on[np.arange(loans), is_unpaid.argmax(axis=1)]
    days = (as_of - oldest).astype(np.int64)
    gone = (run.behaviour.closed_on <= as_of) | (run.behaviour.written_off_on <= as_of)
    return States(
        is_active=(run.book.disbursed_on <= as_of) & ~gone,
        dpd=np.where(is_unpaid.any(axis=1), days, 0),
        overdue=np.maximum(dues[:, -1] - paid, 0),
        outstanding=run.book.principal - _principal_paid(run, paid),
    )


def _paid(run: Run, as_of: np.datetime64) -> Ints:
    payments = run.behaviour.payments
    counts = (payments.paid_on <= as_of) & ~(payments.reversed_on <= as_of)
    total = np.zeros(run.book.loans, dtype=np.int64)
    np.add.at(total, payments.loan[counts], payments.amount[counts])
    return total


def _principal_paid(run: Run, paid: Ints) -> Ints:
    """Part of what was paid that went to principal, each due date settling its interest first."""
    plan = run.schedules
    due = plan.principal + plan.interest + plan.charges
    before = np.cumsum(due, axis=1) - due
    to_principal = np.clip(paid[:, None] - before - plan.interest, 0, plan.principal)
    settled: Ints = to_principal.sum(axis=1)
    return settled
