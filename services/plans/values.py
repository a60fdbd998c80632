"""What a repayment plan is made of and how it is told: values between store, service and screen."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from db.base import AnyRow
from services.plans.generating import Row

STATUSES: Final = {
    "proposed": "waits for approval",
    "refused": "refused",
    "running": "running",
    "behind": "behind",
    "completed": "completed",
    "broken": "broken",
    "cancelled": "cancelled",
}
LIVE: Final = frozenset({"proposed", "running", "behind"})
"""Statuses in which a plan may be cancelled and no other may be made for the loan."""
IN_FORCE: Final = frozenset({"running", "behind"})

RESTRUCTURING: Final = {
    "long_term": "it runs longer than plans usually may",
    "reduced_amount": "it asks for less than is overdue",
    "lower_instalment": "it replaces the loan's instalments by lower ones",
    "hardship": "it relieves the borrower of financial difficulty",
}
"""How a plan changes the loan (IN-16), as screens say it."""
APPROVAL_REASONS: Final = {
    "restructuring": "its terms change the loan, which is restructuring",
    "large_amount": "its amount is above what an agent may agree",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The lender's limits of plans. See docs/plans.md."""

    grace_days: int
    break_days: int
    max_months: int
    min_instalment: Decimal
    max_share: int
    """Percent of disposable income."""
    restructure_months: int
    agent_amount: Decimal


@dataclass(frozen=True, slots=True)
class Affordability:
    """Income and outgoings a month, as stated by the borrower (UK-01)."""

    income: Decimal
    housing: Decimal = Decimal(0)
    food: Decimal = Decimal(0)
    utilities: Decimal = Decimal(0)
    dependants: int = 0
    dependant_costs: Decimal = Decimal(0)
    other_debts: Decimal = Decimal(0)
    other: Decimal = Decimal(0)
    note: str | None = None

    @property
    def outgoings(self) -> Decimal:
        """All that is spent a month."""
        return self.housing + self.food + self.utilities + self.dependant_costs + self.other_debts + self.other

    @property
    def disposable(self) -> Decimal:
        """What is left of a month's income; below zero when it does not suffice."""
        return self.income - self.outgoings


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is agreed with the borrower: instalments on a loan, and the means they are paid from."""

    loan_id: int
    rows: tuple[Row, ...]
    affordability: Affordability
    method: str = "equal"
    rhythm: str = "monthly"
    over_limit_reason: str | None = None
    """Why the instalments may take more than the usual share of disposable income."""

    @property
    def amount(self) -> Decimal:
        """What the instalments sum to."""
        return sum((row.amount for row in self.rows), Decimal(0))


@dataclass(frozen=True, slots=True)
class Assessment:
    """A proposal held against the limits: what it takes of the means, and what it needs."""

    burden: Decimal
    """The most that falls due in a calendar month."""
    disposable: Decimal
    restructuring: tuple[str, ...]
    """Codes of `RESTRUCTURING`."""
    approval_reasons: tuple[str, ...]
    """Codes of `APPROVAL_REASONS`; empty: it needs no approval."""
    needs_reason: bool
    """It takes more than the usual share of disposable income: a leader's reason is needed."""

    @property
    def share(self) -> Decimal | None:
        """Burden as a part of disposable income, 0.5 for half; None when there is none."""
        return self.burden / self.disposable if self.disposable > 0 else None


@dataclass(frozen=True, slots=True)
class Agreed:
    """A proposal that passed the limits, with the loan as it stood (see `db.queries.plans.loan`)."""

    proposal: Proposal
    assessment: Assessment
    loan: AnyRow
    today: date

    @property
    def needs_approval(self) -> bool:
        """Whether another person must say yes before it is in force."""
        return bool(self.assessment.approval_reasons)


@dataclass(frozen=True, slots=True)
class Instalment:
    """An instalment of a plan, and what was paid on it."""

    number: int
    due_on: date
    amount: Decimal
    paid_amount: Decimal
    settled_on: date | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A repayment plan as it stands."""

    id: int
    borrower_id: int
    loan_id: int
    loan_number: str
    amount: Decimal
    method: str
    rhythm: str
    starts_on: date
    ends_on: date
    made_on: date
    counts_from: date | None
    approval_reasons: list[str]
    restructuring: list[str]
    over_limit_reason: str | None
    refuse_reason: str | None
    cancel_reason: str | None
    status: str
    paid_amount: Decimal
    due_amount: Decimal
    next_due_on: date | None
    next_due_amount: Decimal | None
    resolved_on: date | None
    made_by: int | None
    made_by_name: str | None
    cancelled_by_name: str | None
    instalments: tuple[Instalment, ...] = ()
    affordability: Affordability | None = None

    @property
    def missing_amount(self) -> Decimal:
        """What fell due and is not paid."""
        return max(self.due_amount - self.paid_amount, Decimal(0))

    @property
    def is_live(self) -> bool:
        """In force, or waiting for approval."""
        return self.status in LIVE
