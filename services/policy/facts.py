"""What the gate knows: rules in force and facts about a borrower, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

POINT_KIND: dict[str, str] = {
    "call": "phone",
    "sms": "phone",
    "whatsapp": "whatsapp",
    "email": "email",
    "visit": "address",
    "letter": "address",
}
"""Which kind of contact point a channel uses."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in force."""

    id: int
    rule: str
    source: str
    parameters: dict[str, Any]
    is_blocking: bool
    """False: it warns."""

    def concerns(self, channel: str, *, is_automated: bool, is_microfinance: bool) -> bool:
        """Whether the rule is about this contact at all."""
        channels = self.parameters.get("channels", "all")
        if channels != "all" and channel not in channels:
            return False
        if self.parameters.get("automated_only", False) and not is_automated:
            return False
        return is_microfinance or not self.parameters.get("microfinance_only", False)


@dataclass(frozen=True, slots=True)
class HoldPeriod:
    """A hold on the borrower: from its first day up to, not including, `to`; None: until released."""

    kind: str
    start: date
    end: date | None

    def is_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class RegionalHoldPeriod(HoldPeriod):
    """A hold on all borrowers of an area, such as a festival's, with the name of the occasion."""

    name: str


@dataclass(frozen=True, slots=True)
class AvoidedHours:
    """Hours of some days in which the borrower asked not to be contacted, in local time."""

    weekdays: frozenset[int]
    """ISO numbers of the days on which they begin."""
    start: time
    end: time
    """First minute that is free again; not after `start`: of the next day."""
    channels: frozenset[str]
    """Empty: all."""
    first_day: date
    end_day: date | None
    """First day on which they begin no more; None: until taken back."""

    def begins_on(self, day: date) -> bool:
        """Whether they begin on a day."""
        is_within = self.first_day <= day and (self.end_day is None or day < self.end_day)
        return is_within and day.isoweekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """Where a borrower may be met, and how visits there went."""

    has_choice: bool
    """A place that the borrower chose, or the designated one, is known."""
    has_residence: bool
    failed: Mapping[str, int]
    """By place: visits since the borrower was last met on one, on which nobody bound to the loan was met."""


@dataclass(frozen=True, slots=True)
class BorrowerFacts:
    """What the gate must know of one borrower for one channel."""

    borrower_id: int
    zone: ZoneInfo
    """Where the borrower is: contact hours are local time."""
    holds: tuple[HoldPeriod, ...]
    promise_due_on: date | None
    """Latest due date of a pending promise."""
    is_microfinance: bool
    points: int
    """Contact points of the channel."""
    open_points: int
    """Of these, not marked do-not-contact and without refused consent."""
    consented_points: int
    contacts: tuple[tuple[str, datetime], ...]
    """Channel and moment of outbound contacts of the last seven days, oldest first."""
    regional_holds: tuple[RegionalHoldPeriod, ...] = ()
    """Those of the areas in which the borrower is."""
    avoided: tuple[AvoidedHours, ...] = ()
    """Hours that the borrower asked to avoid."""
    places: PlaceFacts | None = None
    """Known where the question names a place."""
    is_untold: bool = False
    """The borrower must be told of the agent who asks, and was not yet (IN-06)."""


@dataclass(frozen=True, slots=True)
class Question:
    """The contact asked about."""

    channel: str
    is_automated: bool
    at: datetime
    is_about_promise: bool = False
    """A message about the promise itself is not stopped by the promise."""
    place: str | None = None
    """Of a visit: chosen, residence, workplace or other; None: the order of places is not asked about."""
    agent_id: int | None = None
    """The collector who makes the contact; None: a machine, or not known yet."""
