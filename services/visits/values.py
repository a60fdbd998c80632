"""What field work is made of: places, visits, check-ins, receipts, deposits, and their limits."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from services.policy import GateAnswer

PLACES: Final = {
    "chosen": "Borrower's choice",
    "residence": "Home",
    "workplace": "Workplace",
    "other": "Other",
}
"""What an address is, in the order in which places are visited (IN-05)."""
STATUSES: Final = {
    "planned": "planned",
    "checked_in": "checked in",
    "done": "done",
    "missed": "missed",
    "cancelled": "called off",
}
MODES: Final = {"cash": "Cash", "cheque": "Cheque"}
RECEIPT_STATUSES: Final = {
    "in_hand": "in hand",
    "deposited": "deposited",
    "arrived": "arrived",
    "bounced": "bounced",
    "cancelled": "cancelled",
}
DEPOSIT_STATUSES: Final = {"open": "to be confirmed", "arrived": "arrived", "refused": "did not arrive"}


@dataclass(frozen=True, slots=True)
class Position:
    """A point on earth, degrees WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as a device measured it."""

    position: Position
    accuracy_m: int | None
    """Radius in metres within which the device says it is."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a borrower: what it is, whether it lies on the map, and whether it may be visited now."""

    contact_point_id: int
    masked: str
    party_name: str | None
    """Whose it is, if a co-borrower's or guarantor's."""
    is_primary: bool
    place: str | None
    """None: not said yet."""
    has_position: bool
    answer: GateAnswer | None
    """What the gate says of a visit there; None while it is not said what the place is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit as a form asks for it."""

    contact_point_id: int
    place: str
    planned_on: date
    appointed_at: time | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """That the agent stood at the place."""

    at: datetime
    accuracy_m: int | None
    distance_m: int | None
    """From where the address is known to be; None: not known."""
    no_position_reason: str | None
    source: str
    override_reason: str | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it stands."""

    id: int
    borrower_id: int
    borrower_name: str
    borrower_number: str
    city: str | None
    language: str | None
    agent_id: int
    agent_name: str
    planned_on: date
    appointed_at: time | None
    """By the clocks of the place."""
    contact_point_id: int
    masked: str
    """The address, masked."""
    place: str
    purpose: str | None
    status: str
    """planned, checked_in, done, missed or cancelled."""
    check_in: CheckIn | None
    contact_attempt_id: int | None
    outcome_label: str | None
    person: str | None
    note: str | None
    cancel_reason: str | None
    overdue_amount: Decimal
    max_dpd: int
    received: Decimal
    """Money taken on it, cancelled receipts apart."""
    photos: int
    position: Position | None = None
    """Of the address, for those who may see where people live."""

    @property
    def number(self) -> str:
        """How people name it."""
        return f"V-{self.id:05}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.status in {"planned", "checked_in"}

    @property
    def words(self) -> str:
        """For sentences of the audit trail: no personal data."""
        return f"visit {self.number} ({PLACES[self.place].lower()}, {self.planned_on:%-d %b %Y})"


@dataclass(frozen=True, slots=True)
class Taken:
    """Money as an agent takes it."""

    loan_id: int
    amount: Decimal
    mode: str
    paid_by: str
    cheque_number: str | None = None
    cheque_bank: str | None = None
    cheque_on: date | None = None
    paper_number: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money taken in the field, with its number and where it is now."""

    id: int
    number: str
    borrower_id: int
    borrower_name: str
    borrower_number: str
    loan_id: int
    loan_number: str
    visit_id: int | None
    amount: Decimal
    mode: str
    cheque_number: str | None
    cheque_bank: str | None
    cheque_on: date | None
    paid_by: str
    paper_number: str | None
    received_at: datetime
    received_on: date
    received_by: int
    received_by_name: str
    deposit_id: int | None
    credited_on: date | None
    bounced_on: date | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    status: str
    """in_hand, deposited, arrived, bounced or cancelled."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What was deposited, as the slip says."""

    amount: Decimal
    account: str
    """Bank account or branch."""
    reference: str
    """Number of the slip."""
    difference_reason: str | None = None
    """Why the amount is not the sum of the receipts."""
    file: tuple[str, bytes] | None = None
    """Name and bytes of a photo of it."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money handed in by an agent, and whether it arrived."""

    id: int
    agent_id: int
    agent_name: str
    deposited_on: date
    amount: Decimal
    expected_amount: Decimal
    difference_reason: str | None
    account: str
    reference: str
    recorded_at: datetime
    decided_at: datetime | None
    decided_by_name: str | None
    has_arrived: bool | None
    decision_reason: str | None
    receipts: int
    slip_id: int | None
    """Document of the slip's photo, if one is kept."""
    slip_name: str | None
    status: str
    """open, arrived or refused."""

    @property
    def number(self) -> str:
        """How people name it."""
        return f"D-{self.id:05}"

    @property
    def difference(self) -> Decimal:
        """Deposited less what the receipts say."""
        return self.amount - self.expected_amount


@dataclass(frozen=True, slots=True)
class InHand:
    """Money of the field that an agent holds."""

    agent_id: int
    agent_name: str
    cash: Decimal
    cheques: Decimal
    receipts: int
    oldest_on: date
    is_overdue: bool
    """Longer than the limits allow."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of field work."""

    near_metres: int
    visits_per_day: int
    plan_days: int
    cash_per_day: Decimal
    cash_in_hand: Decimal
    deposit_days: int
