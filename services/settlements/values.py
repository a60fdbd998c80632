"""What a settlement is made of and how it is told: values between store, service and screen."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import Final

STATUSES: Final = {
    "proposed": "waits for approval",
    "refused": "refused",
    "offered": "offered to the borrower",
    "expired": "expired",
    "running": "accepted, running",
    "behind": "behind",
    "completed": "completed",
    "broken": "broken",
    "cancelled": "withdrawn",
}
LIVE: Final = frozenset({"proposed", "offered", "running", "behind"})
"""Statuses in which it may be withdrawn, and no other may be made for the loan."""
IN_FORCE: Final = frozenset({"running", "behind"})


@dataclass(frozen=True, slots=True)
class Policy:
    """The lender's policy of settlements. See docs/settlements.md."""

    grace_days: int
    discount_percent: Decimal
    """A year."""
    restructure_months: int
    max_months: int
    cooling_months: int
    valid_days: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a loan so many days past due is expected to bring without a settlement; holds up to the next line."""

    dpd_from: int
    secured_percent: Decimal
    unsecured_percent: Decimal
    months: int


@dataclass(frozen=True, slots=True)
class Components:
    """Principal, interest and charges apart: of what is owed, or of what is waived."""

    principal: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)
    charges: Decimal = Decimal(0)

    @property
    def whole(self) -> Decimal:
        """All three."""
        return self.principal + self.interest + self.charges


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered on a loan."""

    loan_id: int
    waived: Components
    parts: tuple[tuple[date, Decimal], ...]
    """Date and amount of each payment, in order."""
    valid_until: date
    """Last day on which the borrower may accept."""
    reason: str = ""

    @property
    def amount(self) -> Decimal:
        """What the borrower pays."""
        return sum((amount for _, amount in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True)
class Worth:
    """An offer against what is expected without it, both taken to the day of the offer."""

    discount_percent: Decimal
    present_value: Decimal
    expected_percent: Decimal
    expected_months: int
    expected_value: Decimal

    @property
    def gain(self) -> Decimal:
        """What the offer is worth more than waiting; below zero: less."""
        return self.present_value - self.expected_value


@dataclass(frozen=True, slots=True)
class Assessment:
    """Terms held against the policy."""

    owed: Components
    waived: Components
    percent: Decimal
    """Of all that is owed, how much is waived."""
    worth: Worth
    is_restructuring: bool
    sanctioned_by: str | None
    """Who sanctioned the loan, as the book says."""


@dataclass(frozen=True, slots=True)
class Part:
    """One payment of a settlement, and what came for it."""

    number: int
    due_on: date
    amount: Decimal
    paid_amount: Decimal
    settled_on: date | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement as it stands."""

    id: int
    borrower_id: int
    loan_id: int
    loan_number: str
    borrower_name: str
    borrower_number: str
    owed: Components
    waived: Components
    amount: Decimal
    starts_on: date
    ends_on: date
    valid_until: date
    reason: str
    worth: Worth
    is_restructuring: bool
    sanctioned_by: str | None
    offered_on: date
    offered_by: int | None
    offered_by_name: str | None
    approved_on: date | None
    approved_by_name: str | None
    refuse_reason: str | None
    counts_from: date | None
    """Day on which the borrower accepted."""
    accepted_channel: str | None
    cancel_reason: str | None
    cancelled_by_name: str | None
    status: str
    paid_amount: Decimal
    due_amount: Decimal
    next_due_on: date | None
    next_due_amount: Decimal | None
    resolved_on: date | None
    parts: tuple[Part, ...] = ()

    @property
    def number(self) -> str:
        """As letters name it: 'SET-00017'."""
        return f"SET-{self.id:05}"

    @property
    def percent(self) -> Decimal:
        """Of what was owed, how much is waived."""
        return percent_of(self.waived.whole, self.owed.whole)

    @property
    def is_live(self) -> bool:
        """Waiting, offered or running."""
        return self.status in LIVE

    @property
    def missing_amount(self) -> Decimal:
        """What fell due and is not paid."""
        return max(self.due_amount - self.paid_amount, Decimal(0))


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Percent with two decimals, rounded up so that no limit is passed unseen; 0 of nothing."""
    return (part * 100 / whole).quantize(Decimal("0.01"), rounding=ROUND_UP) if whole else Decimal(0)
