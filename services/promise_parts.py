"""What a promise is made of: its dates with their amounts, each settled from payments, and the whole of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

PROMISERS: Final = frozenset({"borrower", "co_borrower", "guarantor"})
"""Who can promise; see `contacts.PERSONS` for the words."""
MOST_DATES: Final = 6
"""Dates that one promise may have: what is paid over a longer time is a repayment plan, with its checks."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise by one date as it stands. One of several dates is one such row a date: see `Whole`."""

    id: int
    borrower_id: int
    loan_id: int
    loan_number: str
    amount: Decimal
    due_on: date
    promised_on: date
    channel: str
    person: str
    status: str
    """pending, kept, partly_kept, broken, cancelled."""
    paid_amount: Decimal
    resolved_on: date | None
    cancel_reason: str | None
    recorded_by_name: str | None
    whole_id: int
    """The first date of the same promise: its own id where the promise has one date."""
    part: int
    """Place among the dates of the promise, from 1."""
    party_name: str | None
    """Which co-borrower or guarantor gave it."""

    @property
    def person_label(self) -> str:
        """Who promised, as a screen says it."""
        role = self.person.replace("_", "-").capitalize()
        return f"{role} {self.party_name}" if self.party_name else role


@dataclass(frozen=True, slots=True)
class Part:
    """A further date of a promise, and what is to be paid by then."""

    amount: Decimal
    due_on: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What a borrower promises: so much, on this loan, by this date; and so much more by each further date."""

    loan_id: int
    amount: Decimal
    due_on: date
    further: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every date with its amount, as they were named."""
        return (Part(self.amount, self.due_on), *self.further)

    @property
    def whole_amount(self) -> Decimal:
        """The sum over all dates."""
        return sum((part.amount for part in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True)
class Whole:
    """A promise with all its dates, in order. Nothing of it is stored: each figure follows from the parts."""

    parts: tuple[Promise, ...]

    @property
    def id(self) -> int:
        """The id of its first date."""
        return self.parts[0].whole_id

    @property
    def amount(self) -> Decimal:
        """What is promised over all dates that were not taken back."""
        return sum((part.amount for part in self._standing), Decimal(0))

    @property
    def paid_amount(self) -> Decimal:
        """What was paid towards those dates."""
        return sum((part.paid_amount for part in self._standing), Decimal(0))

    @property
    def last_on(self) -> date:
        """The last date that stands; of a promise taken back, the last one."""
        return max(part.due_on for part in self._standing or self.parts)

    @property
    def next_on(self) -> date | None:
        """The earliest date that is still to come; None: none is."""
        return min((part.due_on for part in self.parts if part.status == "pending"), default=None)

    @property
    def kept(self) -> int:
        """How many dates were kept."""
        return sum(part.status == "kept" for part in self.parts)

    @property
    def taken_back(self) -> int:
        """How many dates were taken back."""
        return len(self.parts) - len(self._standing)

    @property
    def status(self) -> str:
        """Pending while a date is still to come, even after a broken one; then what came of all dates together.

        kept: each date was. broken: nothing was paid towards any. partly_kept: all between. cancelled: every date was
        taken back.
        """
        statuses = {part.status for part in self._standing}
        if not statuses:
            return "cancelled"
        if "pending" in statuses:
            return "pending"
        return statuses.pop() if len(statuses) == 1 else "partly_kept"

    @property
    def is_behind(self) -> bool:
        """Whether a date passed unkept while others are still to come."""
        return self.status == "pending" and any(part.status in {"broken", "partly_kept"} for part in self.parts)

    @property
    def _standing(self) -> tuple[Promise, ...]:
        return tuple(part for part in self.parts if part.status != "cancelled")


def wholes(promises: Sequence[Promise]) -> list[Whole]:
    """Promises put together from their dates, in the order in which the first of their dates is met."""
    parts: dict[int, list[Promise]] = defaultdict(list)
    for promise in promises:
        parts[promise.whole_id].append(promise)
    return [Whole(tuple(sorted(each, key=lambda part: part.part))) for each in parts.values()]
