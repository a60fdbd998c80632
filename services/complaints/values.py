"""What a complaint is, in the words of screens and as plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

ABOUT: Final = {
    "harassment": "Harassment",
    "wrong_amount": "Wrong amount",
    "wrong_person": "Wrong person",
    "credit_report": "Credit report",
    "agent_conduct": "Conduct of an agent",
    "other": "Other",
}
"""What a complaint may be about."""

CHANNELS: Final = {
    "call": "Call",
    "email": "E-mail",
    "letter": "Letter",
    "branch": "At a branch",
    "visit": "During a visit",
    "message": "SMS or WhatsApp",
    "website": "Website",
    "regulator": "Passed on by the regulator",
}
"""How it may reach the lender."""

STATUSES: Final = {
    "open": "Open",
    "acknowledged": "Acknowledged",
    "answered": "Answered",
    "closed": "Closed",
    "reopened": "Reopened",
}

OUTCOMES: Final = {
    "upheld": "Upheld",
    "partly_upheld": "Partly upheld",
    "rejected": "Rejected",
    "frivolous": "Proven frivolous",
}

SENT_BY: Final = {"letter": "Letter", "email": "E-mail", "in_person": "Handed over in person"}
"""How an acknowledgment or answer went out, as the officer states it."""

ACTS: Final = {
    "opened": "Complaint received",
    "acknowledged": "Receipt acknowledged",
    "answered": "Answered",
    "closed": "Closed",
    "reopened": "Reopened",
    "compensated": "Compensation paid",
    "noted": "Note",
}
"""Events by kind, as a timeline says them."""

ESCALATION: Final = (
    "If you are not satisfied with this answer, or have none within {days} days of your complaint, you may turn to the "
    "RBI Ombudsman, free of charge: at https://cms.rbi.org.in, or by calling 14448."
)
"""The usual words about escalation (IN-20); a lender may set others."""


def number_of(complaint_id: int) -> str:
    """How people name a complaint: 'CMP-00012'."""
    return f"CMP-{complaint_id:05}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A complaint as it is received."""

    about: str
    channel: str
    received_at: datetime
    """Aware; not later than now."""
    text: str
    against_user_id: int | None = None
    against_agency_id: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What receiving a complaint did."""

    id: int
    recalled_from: str | None
    """Whose case it was until then; None: nobody had it, or there is none."""

    @property
    def number(self) -> str:
        """How people name it."""
        return number_of(self.id)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint with where it stands."""

    id: int
    borrower_id: int
    borrower_number: str
    borrower_name: str
    about: str
    against_user_id: int | None
    against_name: str | None
    agency_name: str | None
    channel: str
    received_at: datetime
    received_on: date
    text: str
    answer_days: int
    recorded_by_name: str | None
    status: str
    clock_from: date
    due_on: date
    officer_id: int | None
    officer_name: str | None
    answered_on: date | None
    closed_on: date | None
    outcome: str | None
    hold_id: int | None
    """The stop on contact that ends with it."""
    compensation: Decimal
    days_left: int | None
    """Days until the last day on which an answer is in time, negative when it has passed; None: answered."""
    urgency: str
    """See `clock.Urgency`."""

    @property
    def number(self) -> str:
        """How people name it."""
        return number_of(self.id)

    @property
    def about_words(self) -> str:
        """What it is about, as a screen says it."""
        return ABOUT[self.about]

    @property
    def status_words(self) -> str:
        """The status, with the outcome once it is closed."""
        return f"Closed: {OUTCOMES[self.outcome].lower()}" if self.outcome else STATUSES[self.status]

    @property
    def against(self) -> str | None:
        """Whom it is against."""
        return " of ".join(part for part in (self.against_name, self.agency_name) if part) or None


@dataclass(frozen=True, slots=True)
class Event:
    """An act on a complaint."""

    id: int
    kind: str
    at: datetime
    on_date: date
    who: str | None
    text: str | None
    sent_by: str | None
    outcome: str | None
    amount: Decimal | None
    paid_on: date | None

    @property
    def title(self) -> str:
        """What was done, as a screen says it."""
        words = ACTS[self.kind]
        if self.outcome:
            return f"{words}: {OUTCOMES[self.outcome].lower()}"
        return f"{words} · {SENT_BY[self.sent_by].lower()}" if self.sent_by else words


@dataclass(frozen=True, slots=True)
class Settings:
    """How complaints are handled by this lender."""

    answer_days: int
    alert_days: tuple[int, ...]
    """Days after receipt on which the officer is reminded, rising."""
    escalation: str
    """What every answer says about the ombudsman."""
    grievance_contact: str | None
    lender: str
    time_zone: str
