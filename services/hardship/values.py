"""What an application for relief is made of and how it is told."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from services.plans.values import Affordability
from services.wording import counted

CAUSES: Final = {
    "job_loss": "Job or income lost",
    "illness": "Illness or accident",
    "bereavement": "Death in the family",
    "calamity": "Flood, fire or other calamity",
    "business": "Business failed or slowed",
    "family": "Separation, birth or care",
    "other": "Other",
}
RELIEFS: Final = {"holiday": "Payment holiday", "lower_instalment": "Lower instalment"}
STATUSES: Final = {
    "waiting": "waits for a decision",
    "refused": "refused",
    "withdrawn": "taken back",
    "in_relief": "in relief",
    "review_due": "to be reviewed",
    "ended": "ended",
}
LIVE: Final = frozenset({"waiting", "in_relief", "review_due"})


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of relief. See docs/hardship.md."""

    max_holiday_months: int
    max_months: int
    open_days: int
    review_days: int


@dataclass(frozen=True, slots=True)
class Relief:
    """What is asked for."""

    kind: str
    """Key of `RELIEFS`."""
    starts_on: date
    ends_on: date | None = None
    """Of a holiday: first day on which the usual work goes on."""
    loan_id: int | None = None
    """Of a lower instalment: on which loan."""
    amount: Decimal | None = None
    """Of a lower instalment: each instalment."""
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """What the borrower says and asks for."""

    cause: str
    story: str
    since_on: date
    means: Affordability
    relief: Relief
    review_on: date


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that shows what is said."""

    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Review:
    """A look at granted relief."""

    on_date: date
    outcome: str
    note: str
    next_review_on: date | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Hardship:
    """An application as it stands today."""

    id: int
    borrower_id: int
    borrower_name: str
    borrower_number: str
    cause: str
    story: str
    since_on: date
    means: Affordability
    relief: str
    relief_from: date
    relief_until: date
    review_on: date
    next_review_on: date | None
    loan_id: int | None
    loan_number: str | None
    amount: Decimal | None
    months: int | None
    hold_id: int | None
    plan_id: int | None
    applied_on: date
    applied_by: int | None
    applied_by_name: str | None
    decided_on: date | None
    decided_by_name: str | None
    decision_reason: str | None
    withdrawn_on: date | None
    withdraw_reason: str | None
    ended_on: date | None
    status: str
    reviews: tuple[Review, ...] = ()

    @property
    def number(self) -> str:
        """As letters name it: 'HRD-00017'."""
        return f"HRD-{self.id:05}"

    @property
    def words(self) -> str:
        """The relief in words, without personal data."""
        if self.relief == "holiday":
            return f"payment holiday from {self.relief_from:%-d %b %Y} to {self.relief_until:%-d %b %Y}"
        instalments = counted(self.months or 0, "instalment")
        return f"{instalments} of {self.amount:,.2f} from {self.relief_from:%-d %b %Y} on {self.loan_number}"
