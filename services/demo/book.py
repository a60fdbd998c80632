"""Borrowers and loans of the demo as arrays: who borrowed what, when and on which terms."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from services.demo.people import PLACES
from services.demo.products import PRODUCTS, SOURCING
from services.demo.spans import days, months

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

HISTORY_DAYS = 820
"""Loans are disbursed over some 27 months before the business date."""
CHUNK = 25_000
"""Loans drawn at a time: bounds memory, and fixes the outcome of a seed whatever the size of the machine."""
REPEAT_SHARE = 0.11
"""Loans whose borrower has the loan before it too."""
_DUE_DAYS = np.array([1, 3, 5, 5, 5, 7, 10, 15])


@dataclass(frozen=True, slots=True)
class Book:
    """A run of loans and their borrowers. Amounts are paise; a position counts from 0 within the run."""

    first_loan: int
    """Number of loans in the runs before this one."""
    first_borrower: int
    borrower: Ints
    """Position of each loan's borrower."""
    product: Ints
    sourcing: Ints
    disbursed_on: Days
    first_due_on: Days
    tenure: Ints
    principal: Ints
    rate: Ints
    """Yearly, hundredths of a percent."""
    auto_debit: Flags
    hazard: Floats
    """How readily the loan falls behind, 1 being the average."""
    place: Ints
    """Of each borrower, position among the places."""

    @property
    def loans(self) -> int:
        """Number of loans in the run."""
        return len(self.borrower)

    @property
    def borrowers(self) -> int:
        """Number of borrowers in the run."""
        return len(self.place)


def draw(rng: np.random.Generator, *, first: tuple[int, int], loans: int, whole: int, as_of: date) -> Book:
    """Draw a run of loans.

    Args:
        rng: source of randomness of this run.
        first: numbers of loans and of borrowers in earlier runs.
        loans: size of the run.
        whole: size of the whole book; later loans are disbursed later.
        as_of: business date of the book.
    """
    starts = rng.random(loans) >= REPEAT_SHARE
    starts[0] = True
    borrower = np.cumsum(starts) - 1
    place = _choose(rng, [p.share for p in PLACES], int(borrower[-1]) + 1)
    quality = np.exp(rng.normal(0, 0.9, len(place)))
    product = _choose(rng, [p.share for p in PRODUCTS], loans)
    disbursed_on = _disbursal(rng, (first[0] + np.arange(loans)) / whole, as_of)
    risk = np.array([p.risk for p in PRODUCTS])[product] * np.array([p.risk for p in PLACES])[place[borrower]]
    return Book(
        first_loan=first[0],
        first_borrower=first[1],
        borrower=borrower,
        product=product,
        sourcing=rng.integers(0, len(SOURCING), loans),
        disbursed_on=disbursed_on,
        first_due_on=_first_due(rng, disbursed_on),
        tenure=_tenures(rng, product),
        principal=_principals(rng, product),
        rate=_rates(rng, product),
        auto_debit=rng.random(loans) < np.array([p.auto_debit for p in PRODUCTS])[product],
        hazard=quality[borrower] * risk,
        place=place,
    )


def _choose(rng: np.random.Generator, weights: list[float], size: int) -> Ints:
    """Positions drawn by weight."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges, rng.random(size), side="right").clip(max=len(weights) - 1).astype(np.int64)


def _disbursal(rng: np.random.Generator, place_in_book: Floats, as_of: date) -> Days:
    """Growing business with a rise before the festivals; loan numbers follow time but for some weeks."""
    age = HISTORY_DAYS * (1 - place_in_book**1.05) + rng.normal(0, 12, len(place_in_book))
    age = np.where(rng.random(len(age)) < 0.12, age - (age - _days_since_october(as_of)) * 0.3, age)
    return np.datetime64(as_of, "D") - days(age.clip(3, HISTORY_DAYS).astype(np.int64))


def _days_since_october(as_of: date) -> int:
    festival = date(as_of.year if as_of.month >= 10 else as_of.year - 1, 10, 10)
    return max((as_of - festival).days, 3)


def _first_due(rng: np.random.Generator, disbursed_on: Days) -> Days:
    """The borrower's due day in the month after disbursal, or in the one after it when less than 20 days off."""
    day = _DUE_DAYS[rng.integers(0, len(_DUE_DAYS), len(disbursed_on))]
    month = disbursed_on.astype("datetime64[M]") + months(1)
    first_of_month: Days = month.astype("datetime64[D]")
    due = first_of_month + days(day - 1)
    is_near = (due - disbursed_on).astype(np.int64) < 20
    return np.where(is_near, (month + months(1)).astype("datetime64[D]") + days(day - 1), due)


def _tenures(rng: np.random.Generator, product: Ints) -> Ints:
    options = [p.tenures for p in PRODUCTS]
    width = max(map(len, options))
    table = np.array([[months[i % len(months)] for i in range(width)] for months in options])
    count = np.array([len(months) for months in options])[product]
    return table[product, rng.integers(0, count)].astype(np.int64)


def _principals(rng: np.random.Generator, product: Ints) -> Ints:
    """Mostly small tickets with a long tail, in whole thousands of rupees, as paise."""
    low, high = (np.array([p.ticket[i] for p in PRODUCTS], dtype=float)[product] for i in (0, 1))
    rupees = low * (high / low) ** rng.beta(1.6, 2.6, len(product))
    thousands: Ints = np.round(rupees / 1000).astype(np.int64)
    return thousands * 100_000


def _rates(rng: np.random.Generator, product: Ints) -> Ints:
    """Within the product's band, in quarters of a percent."""
    low, high = (np.array([p.rate[i] for p in PRODUCTS])[product] for i in (0, 1))
    steps: Ints = rng.integers(low // 25, high // 25 + 1)
    return steps * 25
