"""What a contact is made of: channels, persons, outcomes, the form's entry, and the contact as recorded."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row

from services import holds, promises

CHANNELS: Final = {
    "call": "Call",
    "visit": "Visit",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "email": "E-mail",
    "letter": "Letter",
}
DIRECTIONS: Final = {"outbound": "We contacted them", "inbound": "They contacted us"}
PERSONS: Final = {
    "borrower": "Borrower",
    "co_borrower": "Co-borrower",
    "guarantor": "Guarantor",
    "third_party": "Third party",
    "nobody": "Nobody",
}
RIGHT_PARTIES: Final = frozenset({"borrower", "co_borrower", "guarantor"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a contact may end with, and what its form then asks for."""

    code: str
    label: str
    is_right_party: bool
    is_connected: bool
    requires: tuple[str, ...]
    """promise, follow_up, hold, note."""
    next_action: str | None

    @property
    def persons(self) -> tuple[str, ...]:
        """Who can have been reached for this to be the outcome, the usual one first."""
        if not self.is_connected:
            return ("nobody",)
        if self.is_right_party:
            return ("borrower", "co_borrower", "guarantor")
        return ("third_party",)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it was recorded."""

    id: int
    borrower_id: int
    at: datetime
    channel: str
    direction: str
    person: str
    outcome: str
    outcome_label: str
    note: str | None
    next_action: str | None
    next_action_on: date | None
    override_reason: str | None
    recorded_by_name: str | None
    promise_id: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a form says of one contact. Fields that the outcome does not need stay empty."""

    channel: str
    direction: str
    person: str
    outcome: str
    note: str | None = None
    next_action: str | None = None
    next_action_on: date | None = None
    promise: promises.Terms | None = None
    follow_up_at: datetime | None = None
    hold: holds.Terms | None = None
    override_reason: str | None = None


def outcome_of(row: Row[*tuple[Any, ...]]) -> Outcome:
    """An outcome from its row."""
    return Outcome(
        code=row.code,
        label=row.label,
        is_right_party=row.is_right_party,
        is_connected=row.is_connected,
        requires=tuple(row.requires),
        next_action=row.next_action,
    )
