"""A run of the demo's book with its schedule, payments and conduct; and all runs of a book of any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from services.demo import behaviour, book, conduct, happenings, schedules
from services.errors import Refused

_FIRST_YEAR = 1970
"""Its loans begin some years before its date."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything about a run of loans."""

    book: book.Book
    schedules: schedules.Schedules
    behaviour: happenings.Behaviour
    conduct: conduct.Conduct
    rng: np.random.Generator
    """What is left of the run's randomness, for names and numbers."""


def all_runs(*, loans: int, seed: int, as_of: date) -> Iterator[Run]:
    """The book in runs of bounded size. The same arguments give the same book.

    Raises:
        Refused: a date that no loan could lead up to.
    """
    if as_of.year < _FIRST_YEAR:
        raise Refused(f"The made-up book cannot be of {as_of.year}: choose a date from {_FIRST_YEAR} on.")
    first_loan = first_borrower = 0
    while first_loan < loans:
        rng = np.random.default_rng([seed, first_loan // book.CHUNK])
        size = min(book.CHUNK, loans - first_loan)
        drawn = book.draw(rng, first=(first_loan, first_borrower), loans=size, whole=loans, as_of=as_of)
        plans = schedules.draw_up(drawn)
        lived = behaviour.simulate(rng, drawn, plans, as_of)
        done = conduct.act(rng, drawn, lived.episodes, as_of)
        yield Run(drawn, plans, lived, done, rng)
        first_loan += size
        first_borrower += drawn.borrowers
