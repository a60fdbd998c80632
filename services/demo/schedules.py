"""Instalment schedules of the demo: equal instalments whose principal sums to the loan to the paisa."""

from dataclasses import dataclass

import numpy as np

from services.demo.book import Book, Days, Flags, Ints
from services.demo.spans import months

DOCUMENT_CHARGE = 11_800
"""Paise with tax, on the first instalment of the loans sourced through dealers."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """A row a loan, a column an instalment; beyond a loan's tenure the columns are empty. Amounts are paise."""

    due_on: Days
    principal: Ints
    interest: Ints
    charges: Ints
    exists: Flags
    instalment: Ints
    """The equal instalment of each loan."""


def draw_up(book: Book) -> Schedules:
    """The schedule of every loan of the run."""
    width = int(book.tenure.max())
    exists = np.arange(width) < book.tenure[:, None]
    monthly = book.rate / 120_000
    instalment = _equal_instalment(book.principal, monthly, book.tenure)
    principal, interest = _amortise(book, instalment, monthly, width)
    charges = np.zeros_like(principal)
    charges[:, 0] = np.where(book.sourcing == 1, DOCUMENT_CHARGE, 0)
    return Schedules(_due_dates(book.first_due_on, width), principal, interest, charges, exists, instalment)


def _equal_instalment(principal: Ints, monthly: np.ndarray, tenure: Ints) -> Ints:
    """The annuity, rounded up to the rupee."""
    with np.errstate(divide="ignore", invalid="ignore"):
        annuity = principal * monthly / (1 - (1 + monthly) ** -tenure)
    exact = np.where(monthly > 0, annuity, principal / tenure)
    return (np.ceil(exact / 100) * 100).astype(np.int64)


def _amortise(book: Book, instalment: Ints, monthly: np.ndarray, width: int) -> tuple[Ints, Ints]:
    """Principal and interest by instalment; the last one takes what is left of the principal."""
    principal = np.zeros((book.loans, width), dtype=np.int64)
    interest = np.zeros_like(principal)
    left = book.principal.copy()
    for number in range(width):
        is_open = number < book.tenure
        due_interest = np.round(left * monthly).astype(np.int64)
        is_last = number == book.tenure - 1
        due_principal = np.where(is_last, left, np.minimum(instalment - due_interest, left))
        principal[:, number] = np.where(is_open, due_principal, 0)
        interest[:, number] = np.where(is_open, due_interest, 0)
        left -= principal[:, number]
    return principal, interest


def _due_dates(first_due_on: Days, width: int) -> Days:
    month = first_due_on.astype("datetime64[M]")
    day = first_due_on - month.astype("datetime64[D]")
    due: Days = (month[:, None] + months(np.arange(width))).astype("datetime64[D]") + day[:, None]
    return due
