"""What a contact is made of: channels, persons, outcomes, the form's entry, and the contact as recorded."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Required, TypedDict

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
PARTIES: Final = frozenset({"co_borrower", "guarantor"})
"""Persons who are parties of the loan beside the borrower: each is named by its record."""


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
    channels: tuple[str, ...] = ()
    """Channels that it may end; empty: any."""
    direction: str | None = None
    """outbound or inbound; None: either."""
    hold_kind: str | None = None
    """Kind of the hold that it asks for."""
    is_quick: bool = False
    """Whether it is one of the buttons with a key."""

    def fits(self, channel: str, direction: str) -> bool:
        """Whether such a contact may end with it. Who contacts us was reached: nobody is not an answer then."""
        if direction == "inbound" and not self.is_connected:
            return False
        return (not self.channels or channel in self.channels) and self.direction in {None, direction}

    @property
    def takes_note(self) -> bool:
        """Whether a note may be written: of a third party only what they told where the outcome asks for it (IN-03)."""
        return "note" in self.requires or self.persons != ("third_party",)

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
    party_name: str | None = None
    """Which co-borrower or guarantor was reached."""
    recording_reference: str | None = None
    no_recording_reason: str | None = None


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
    party_id: int | None = None
    """Which co-borrower or guarantor was reached; None: the only one of that role."""
    contact_point_id: int | None = None
    """The number or address that was tried."""
    recording_reference: str | None = None
    no_recording_reason: str | None = None


class Fields(TypedDict, total=False):
    """What a form gives of a contact, by the names of `Entry`."""

    channel: Required[str]
    direction: Required[str]
    person: Required[str]
    outcome: Required[str]
    note: str | None
    next_action: str | None
    next_action_on: date | None
    promise: promises.Terms | None
    follow_up_at: datetime | None
    hold: holds.Terms | None
    override_reason: str | None
    party_id: int | None
    contact_point_id: int | None
    recording_reference: str | None
    no_recording_reason: str | None


def outcome_of(row: Row[*tuple[Any, ...]]) -> Outcome:
    """An outcome from its row."""
    return Outcome(
        code=row.code,
        label=row.label,
        is_right_party=row.is_right_party,
        is_connected=row.is_connected,
        requires=tuple(row.requires),
        next_action=row.next_action,
        channels=tuple(row.channels),
        direction=row.direction,
        hold_kind=row.hold_kind,
        is_quick=row.is_quick,
    )
