"""One borrower as collectors see them: who, loans, holds, how to reach; finding one; personal data on demand."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import phonenumbers
from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import borrowers as queries
from services import (
    audit,
    cases,
    clock,
    complaints,
    contact_windows,
    contacts,
    follow_ups,
    hardship,
    holds,
    lender,
    personal_data,
    plans,
    policy,
    promises,
    regional_holds,
    scoring,
    settlements,
)
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound

SEARCH_LIMIT = 20
_REPORTED_MONTHS = 36
_CLASSES = {"npa": "NPA", "sma_0": "SMA-0", "sma_1": "SMA-1", "sma_2": "SMA-2", "standard": "Standard"}


class Paid(StrEnum):
    """How an instalment was paid."""

    ON_TIME = "paid on time"
    LATE = "paid late"
    PARTLY = "partly paid"
    UNPAID = "unpaid"
    FUTURE = "not due yet"


@dataclass(frozen=True, slots=True)
class StripInstalment:
    """One due date of a loan's schedule, and how it was paid; or a month as the lender reported it."""

    number: int
    due_on: date
    amount: Decimal | None
    paid: Decimal | None
    settled_on: date | None
    how: Paid
    days_late: int
    """From the due date to the day it was settled, or to today."""


@dataclass(frozen=True, slots=True)
class LoanView:
    """A loan and where it stands. Loans not yet derived have status 'not derived' and no figures."""

    id: int
    number: str
    product: str
    source: str
    disbursed_on: date | None
    maturity_on: date | None
    principal: Decimal
    interest_rate: Decimal | None
    instalment_amount: Decimal | None
    status: str
    dpd: int
    bucket: int
    asset_class: str
    overdue_amount: Decimal
    overdue_principal: Decimal
    overdue_interest: Decimal
    overdue_charges: Decimal
    outstanding: Decimal
    next_due_on: date | None
    next_due_amount: Decimal | None
    last_paid_on: date | None
    last_paid_amount: Decimal | None
    missed_instalments: int
    partial_payments: int
    bounces: int
    risk_score: int | None
    risk_band: int
    risk_reasons: tuple[scoring.Reason, ...]
    strip: tuple[StripInstalment, ...]

    @property
    def class_label(self) -> str:
        """The RBI class as people write it."""
        return _CLASSES.get(self.asset_class, self.asset_class)

    @property
    def owed(self) -> Decimal:
        """Principal not yet repaid, with the interest and charges that fell due."""
        return max(self.outstanding + self.overdue_interest + self.overdue_charges, self.overdue_amount)


@dataclass(frozen=True, slots=True)
class ContactPointView:
    """Where someone may be reached, masked."""

    id: int
    kind: str
    masked: str
    is_primary: bool
    do_not_contact: bool
    consent: bool | None
    party_name: str | None
    party_role: str | None


@dataclass(frozen=True, slots=True)
class BorrowerView:
    """All that the borrower's page and the opened case show, but the timeline."""

    id: int
    number: str
    name: str
    language: str | None
    city: str | None
    state: str | None
    region: str | None
    time_zone: str | None
    today: date
    case: cases.Case | None
    loans: tuple[LoanView, ...]
    holds: tuple[holds.Hold, ...]
    follow_ups: tuple[follow_ups.FollowUp, ...]
    promises: tuple[promises.Promise, ...]
    plans: tuple[plans.Plan, ...]
    windows: tuple[contact_windows.Window, ...]
    """Hours that the borrower asked to avoid."""
    settlements: tuple[settlements.Settlement, ...]
    hardships: tuple[hardship.Hardship, ...]
    last_contacts: tuple[contacts.Contact, ...]
    contact_points: tuple[ContactPointView, ...]
    call: policy.GateAnswer
    """Whether a call is allowed now."""
    complaints: tuple[complaints.Complaint, ...]
    """Those that are not closed."""
    regional_holds: tuple[regional_holds.RegionalHold, ...]
    """Those in force where the borrower lives."""

    @property
    def overdue_amount(self) -> Decimal:
        """Overdue on all active loans."""
        return sum((loan.overdue_amount for loan in self.loans if loan.status == "active"), Decimal(0))

    @property
    def owed(self) -> Decimal:
        """Owed in all on loans that are not closed."""
        return sum((loan.owed for loan in self.loans if loan.status != "closed"), Decimal(0))

    @property
    def max_dpd(self) -> int:
        """Days past due of the worst active loan."""
        return max((loan.dpd for loan in self.loans if loan.status == "active"), default=0)

    @property
    def worst(self) -> LoanView | None:
        """The loan most days past due."""
        return self.loans[0] if self.loans else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A borrower found by a search."""

    id: int
    number: str
    name: str
    city: str | None
    max_dpd: int | None
    """None: no open case."""
    overdue_amount: Decimal | None


def view(actor: Actor, borrower_id: int) -> BorrowerView:
    """One borrower, with loans, holds, promises, last contacts, and whether a call is allowed now.

    Raises:
        NotAllowed: the actor may not see borrowers.
        NotFound: there is no such borrower, or not for this actor.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        row = queries.borrower(session, borrower_id)
        if row is None:
            raise NotFound("There is no such borrower. Look for the name or number.")
        today = lender.load(session).today
        return BorrowerView(
            **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name
            today=today,
            case=cases.open_case(session, borrower_id),
            loans=_loans(session, borrower_id, today),
            holds=tuple(holds.active(session, borrower_id, as_of=today)),
            follow_ups=tuple(follow_ups.open_of(session, borrower_id)),
            promises=tuple(promises.load_of_borrower(session, borrower_id)),
            plans=tuple(plans.load_of_borrower(session, borrower_id)),
            windows=tuple(contact_windows.load_of_borrower(session, borrower_id)),
            settlements=tuple(settlements.load_of_borrower(session, borrower_id)),
            hardships=tuple(hardship.load_of_borrower(session, borrower_id)),
            last_contacts=tuple(contacts.latest(session, borrower_id)),
            contact_points=_contact_points(session, borrower_id),
            call=policy.preview_many(session, [borrower_id], "call", clock.now(), agent_id=actor.id)[borrower_id],
            complaints=complaints.of_borrower(session, borrower_id, today=today),
            regional_holds=regional_holds.covering(session, borrower_id, today=today),
        )


def _contact_points(session: Session, borrower_id: int) -> tuple[ContactPointView, ...]:
    rows = queries.contact_points(session, borrower_id)
    return tuple(ContactPointView(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name


def _loans(session: Session, borrower_id: int, today: date) -> tuple[LoanView, ...]:
    rows = queries.loans(session, borrower_id)
    strips = _strips(session, rows, today)
    return tuple(_loan(row, strips.get(row.id, ())) for row in rows)


_NO_STATE = {"status": "not derived", "asset_class": "standard"}


def _loan(row: Row[*tuple[Any, ...]], strip: Sequence[StripInstalment]) -> LoanView:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    if row.status is None:
        amounts = ("overdue_amount", "overdue_principal", "overdue_interest", "overdue_charges", "outstanding")
        counts = ("dpd", "bucket", "missed_instalments", "partial_payments", "bounces", "risk_band")
        values |= {**_NO_STATE, **dict.fromkeys(amounts, Decimal(0)), **dict.fromkeys(counts, 0)}
    values["risk_reasons"] = tuple(scoring.parse_reason(stored) for stored in row.risk_reasons or ())
    return LoanView(**values, strip=tuple(strip))


def _strips(session: Session, loans: Sequence[Row[*tuple[Any, ...]]], today: date) -> dict[int, list[StripInstalment]]:
    strips: dict[int, list[StripInstalment]] = defaultdict(list)
    scheduled = [loan.id for loan in loans if loan.source == "schedule"]
    for row in queries.instalments(session, scheduled, as_of=today) if scheduled else ():
        strips[row.loan_id].append(_instalment(row, today))
    snapshots = [loan.id for loan in loans if loan.source == "snapshot"]
    for row in queries.reported(session, snapshots, limit=_REPORTED_MONTHS) if snapshots else ():
        strips[row.loan_id].append(_reported(row, len(strips[row.loan_id]) + 1))
    return strips


def _instalment(row: Row[*tuple[Any, ...]], today: date) -> StripInstalment:
    days_late = max(((row.settled_on or today) - row.due_on).days, 0)
    if row.settled_on is not None:
        how = Paid.ON_TIME if days_late == 0 else Paid.LATE
    elif row.due_on > today:
        how = Paid.FUTURE
    else:
        how = Paid.PARTLY if row.paid > 0 else Paid.UNPAID
    return StripInstalment(row.number, row.due_on, row.amount, row.paid, row.settled_on, how, days_late)


def _reported(row: Row[*tuple[Any, ...]], number: int) -> StripInstalment:
    how = Paid.ON_TIME if row.dpd == 0 else Paid.LATE if row.dpd <= 30 else Paid.UNPAID
    return StripInstalment(number, row.as_of, None, None, None, how, row.dpd)


def reveal(actor: Actor, contact_point_id: int, *, reason: str) -> str:
    """A contact point in the clear; who saw which, and why, is recorded.

    Raises:
        NotAllowed: the actor may not see personal data in the clear, or only watches the case.
        NotFound: there is no such contact point, or not for this actor.
        InvalidInput: no reason.
        PersonalDataUnreadable: its key is not on this server.
    """
    actor.require(Permission.REVEAL_PERSONAL_DATA)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why you need it in the clear."})
    with transaction() as session:
        row = queries.sealed_value(session, contact_point_id)
        if row is None:
            raise NotFound("That contact point is not there.")
        cases.require_work(session, actor, row.borrower_id)
        audit.record(
            session,
            actor,
            "contact_point.revealed",
            subject=("contact_point", contact_point_id),
            summary=f"saw a contact point ({row.kind}) in the clear",
            borrower_id=row.borrower_id,
            reason=reason.strip(),
        )
        return personal_data.decrypt(row.value_encrypted)


def search(actor: Actor, typed: str) -> list[Hit]:
    """Borrowers by their number, a loan's number, a phone number, or the start of the first or last name.

    Raises:
        NotAllowed: the actor may not see borrowers.
        InvalidInput: fewer than two characters.
    """
    actor.require(Permission.VIEW_BORROWER)
    wanted = typed.strip()
    if len(wanted) < 2:
        raise InvalidInput({"search": "Type at least two characters of a name, a number, or a whole phone number."})
    owner = None if actor.may(Permission.VIEW_ALL_CASES) else actor.id or 0
    with reading() as session:
        region = lender.load(session).region
        index = _phone_index(wanted, region)
        rows = queries.search(session, wanted, phone_index=index, owner_id=owner, limit=SEARCH_LIMIT)
    return [Hit(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _phone_index(typed: str, region: str) -> bytes | None:
    """The blind index of what was typed, when it is a phone number of the lender's country or an international one."""
    if not re.fullmatch(r"\+?[\d\s().-]{7,20}", typed):
        return None
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return personal_data.blind_index(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
