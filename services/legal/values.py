"""What a legal action is, in the words of screens and as plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

KINDS: Final = {
    "s138": "Cheque bounce (S.138 NI Act)",
    "s25": "Auto-debit bounce (S.25 PSS Act)",
    "recall": "Loan recall",
    "arbitration": "Arbitration (S.21)",
    "suit": "Civil suit",
    "other": "Other",
}
"""Kinds of action, as screens say them."""
BOUNCES: Final = frozenset({"s138", "s25"})
"""Kinds that are opened on an instrument that was returned unpaid."""
FILED: Final = frozenset({"s138", "s25", "arbitration", "suit", "other"})
"""Kinds that come before a court or tribunal; a recall ends with its time to pay, and another action follows."""
ENDED_BY_PAYMENT: Final = frozenset({"s138", "s25", "recall"})
"""Kinds whose cause ends when the whole amount is paid in time."""

STATUSES: Final = {
    "opened": "Notice to be sent",
    "noticed": "Notice sent",
    "served": "Notice received",
    "paid": "Paid in time",
    "filed": "Filed",
    "decided": "Decided",
    "closed": "Closed",
}
NEXT: Final = {
    "notice": "Send the notice",
    "service": "Record when it was received",
    "payment": "Borrower's time to pay",
    "filing": "File with the court",
    "hearing": "Hearing",
    "close": "Close: paid in time",
}
"""What comes next, as screens say it."""
WAYS: Final = {
    "registered_post": "Registered post",
    "speed_post": "Speed post",
    "courier": "Courier",
    "in_person": "By hand",
    "email": "E-mail",
}
"""How a notice goes out."""
RETURNS: Final = {"refused": "Refused", "unclaimed": "Unclaimed", "wrong_address": "Wrong address", "left": "Left"}
"""Why a notice came back."""
DEEMED_SERVED: Final = frozenset({"refused", "unclaimed"})
"""Returns that count as receipt: S.27 General Clauses Act 1897, a letter properly addressed and posted."""
EXPENSES: Final = {
    "court_fee": "Court fee",
    "advocate_fee": "Advocate's fee",
    "postage": "Postage",
    "stamp": "Stamp duty",
    "arbitrator_fee": "Arbitrator's fee",
    "other": "Other",
}
PURPOSES: Final = {
    "first_hearing": "First hearing",
    "summons": "Summons",
    "evidence": "Evidence",
    "arguments": "Arguments",
    "order": "Order",
    "mediation": "Mediation",
    "other": "Other",
}
"""Purposes of a hearing."""
CLOSE_REASONS: Final = {
    "paid": "Paid in time",
    "settled": "Paid later or settled",
    "decided": "Decided",
    "withdrawn": "Withdrawn",
    "time_barred": "Time ran out",
    "mistake": "Opened by mistake",
}
EVENTS: Final = {
    "notice_issued": "Notice sent",
    "dispatched": "Handed to the carrier",
    "served": "Notice received",
    "returned": "Notice came back",
    "filing_asked": "Approval asked to file",
    "filing_approved": "Filing approved",
    "filing_refused": "Filing not approved",
    "filed": "Filed",
    "hearing": "Hearing set",
    "hearing_held": "Hearing held",
    "order": "Order",
    "award": "Award",
    "expense": "Expense",
    "noted": "Note",
    "voided": "Taken back as a mistake",
    "closed": "Closed",
}
"""Events by kind, as a timeline says them."""
CLOCKS: Final = {
    "notice": "Notice, from the return memo",
    "payment": "Payment, from receipt of the notice",
    "filing": "Filing, from the cause of action",
}


def number_of(action_id: int) -> str:
    """How people name an action: 'LEG-00012'."""
    return f"LEG-{action_id:05}"


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of an action's clocks; None: the law sets none."""

    notice_days: int | None = None
    payment_days: int | None = None
    filing_months: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A length as it holds now, with its source."""

    kind: str
    clock: str
    length: int
    unit: str
    effective_from: date
    source: str


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """Why an instrument came back."""

    code: str
    label: str
    allows: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A presentation of the book that bounced, with what may be opened on it."""

    id: int
    loan_id: int
    loan_number: str
    reference: str
    presented_on: date
    amount: Decimal
    reason: str | None
    """As the bank wrote it."""
    code: str
    """The return reason that these words stand for."""
    is_taken: bool
    """An action that is not closed is about it already."""


@dataclass(frozen=True, slots=True)
class Dishonour:
    """The instrument that was returned unpaid."""

    return_reason: str
    memo_on: date
    """Day on which the lender received the return memo."""
    instrument_number: str
    instrument_on: date | None = None
    presentation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An action as it is opened."""

    kind: str
    loan_ids: tuple[int, ...]
    amount: Decimal
    reason: str
    dishonour: Dishonour | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A legal action with where it stands."""

    id: int
    borrower_id: int
    borrower_number: str
    borrower_name: str
    loan_numbers: str
    kind: str
    opened_on: date
    opened_by_name: str | None
    officer_name: str | None
    """Legal officer of the borrower's case."""
    amount: Decimal
    reason: str
    instrument_number: str | None
    instrument_on: date | None
    return_label: str | None
    memo_on: date | None
    hold_id: int | None
    status: str
    notice_by: date | None
    notice_on: date | None
    served_on: date | None
    pay_by: date | None
    file_from: date | None
    file_by: date | None
    filed_on: date | None
    paid_amount: Decimal
    paid_on: date | None
    hearing_on: date | None
    next_step: str | None
    next_by: date | None
    expenses: Decimal
    recoverable: Decimal
    closed_on: date | None
    close_reason: str | None
    days_left: int | None
    """Until the end of the clock that runs, negative when it has passed; None: none runs."""
    urgency: str
    """See `clock.Urgency`."""

    @property
    def number(self) -> str:
        """How people name it."""
        return number_of(self.id)

    @property
    def kind_words(self) -> str:
        """The kind as a screen says it."""
        return KINDS[self.kind]

    @property
    def status_words(self) -> str:
        """The status, with the reason once it is closed."""
        return (
            f"Closed: {CLOSE_REASONS[self.close_reason].lower()}"
            if self.close_reason and self.closed_on
            else (STATUSES[self.status])
        )

    @property
    def next_words(self) -> str | None:
        """What comes next, as a screen says it."""
        return NEXT[self.next_step] if self.next_step else None


@dataclass(frozen=True, slots=True)
class Event:
    """An act on an action."""

    id: int
    kind: str
    at: datetime
    on_date: date
    who: str | None
    text: str | None
    refers_to: int | None
    how: str | None
    document_id: int | None
    tracking_number: str | None
    forum: str | None
    case_number: str | None
    amount: Decimal | None
    is_recoverable: bool | None
    is_void: bool
    """A later event takes it back."""

    @property
    def title(self) -> str:
        """What was done, as a screen says it."""
        named = {**WAYS, **RETURNS, **EXPENSES, **PURPOSES, **CLOSE_REASONS}
        return f"{EVENTS[self.kind]}: {named[self.how].lower()}" if self.how in named else EVENTS[self.kind]


@dataclass(frozen=True, slots=True)
class Settings:
    """How this lender handles legal actions."""

    hold_kinds: tuple[str, ...]
    alert_days: int
