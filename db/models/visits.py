"""Field work: where borrowers are met, visits, check-ins, receipts for money taken, and its deposits."""

from datetime import date, time
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class AddressPlace(Base):
    """What an address of a borrower is: the newest row of an address holds (IN-05). Appended."""

    __tablename__ = "address_place"
    __table_args__ = (
        CheckConstraint("place IN ('chosen', 'residence', 'workplace', 'other')", name="place"),
        Index(None, "borrower_id"),
        Index("ix_address_place_newest", "contact_point_id", "id"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id"))
    place: Mapped[str]
    """chosen: where the borrower asked to be met, or the designated place of a microfinance loan."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class AddressPosition(Base):
    """Where an address lies: the newest row of an address holds. Appended; encrypted, since it tells where someone lives."""

    __tablename__ = "address_position"
    __table_args__ = (
        CheckConstraint("source IN ('entered', 'visit')", name="source"),
        Index("ix_address_position_newest", "contact_point_id", "id"),
    )
    id: Mapped[Id]
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id"))
    position_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    """'latitude,longitude', degrees WGS 84."""
    source: Mapped[str]
    """entered by a person, or taken over from a check-in at the place."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class Visit(Base):
    """A visit that is planned. Whether it is done, missed or called off follows from what came of it and the date."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("place IN ('chosen', 'residence', 'workplace', 'other')", name="place"),
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason IS NULL)", name="cancelled_with_reason"),
        CheckConstraint("cancelled_at IS NULL OR contact_attempt_id IS NULL", name="cancelled_or_done"),
        UniqueConstraint("request_key"),
        UniqueConstraint("contact_attempt_id"),
        # a borrower is visited once a day, by one
        Index(
            "ix_visit_borrower_day",
            "borrower_id",
            "planned_on",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index(None, "agent_id", "planned_on"),
        Index(None, "planned_on"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("collection_case.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    planned_on: Mapped[date]
    appointed_at: Mapped[time | None]
    """A time agreed with the borrower, of the lender's clock; None: any time of the day."""
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id"))
    place: Mapped[str]
    """What the address was when the visit was planned: the place whose order the gate checks."""
    purpose: Mapped[str | None]
    planned_at: Mapped[Instant] = mapped_column(server_default=func.now())
    planned_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancelled_at: Mapped[Instant | None]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancel_reason: Mapped[str | None]
    contact_attempt_id: Mapped[int | None] = mapped_column(ForeignKey("contact_attempt.id"))
    """The contact that it ended with: set once."""
    request_key: Mapped[str | None]


class VisitCheckIn(Base):
    """That the agent stood at the place, when, and how far from where the address is known to be. Never changed."""

    __tablename__ = "visit_check_in"
    __table_args__ = (
        CheckConstraint("source IN ('page', 'sheet')", name="source"),
        CheckConstraint("(position_encrypted IS NULL) = (no_position_reason IS NOT NULL)", name="position_or_reason"),
        CheckConstraint("accuracy_m >= 0 AND distance_m >= 0", name="metres"),
    )
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True, autoincrement=False)
    at: Mapped[Instant]
    received_at: Mapped[Instant] = mapped_column(server_default=func.now())
    """Later than `at` when it came in with a sheet."""
    position_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    accuracy_m: Mapped[int | None] = mapped_column(Integer)
    distance_m: Mapped[int | None] = mapped_column(Integer)
    """From the address's position as known then; None: none was known."""
    no_position_reason: Mapped[str | None]
    source: Mapped[str]
    gate_decision_id: Mapped[int | None] = mapped_column(ForeignKey("gate_decision.id"))
    override_reason: Mapped[str | None]
    checked_in_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class ReceiptSeries(Base):
    """The last number given of a financial year: numbers have no gap."""

    __tablename__ = "receipt_series"
    year: Mapped[str] = mapped_column(primary_key=True)
    """'2026-27'."""
    last_number: Mapped[int] = mapped_column(Integer)


class Deposit(Base):
    """Money taken in the field as an agent handed it in, and whether it arrived."""

    __tablename__ = "deposit"
    __table_args__ = (
        CheckConstraint("amount >= 0 AND expected_amount > 0", name="amounts"),
        CheckConstraint("amount = expected_amount OR difference_reason IS NOT NULL", name="difference_with_reason"),
        CheckConstraint("(decided_at IS NULL) = (has_arrived IS NULL)", name="decided"),
        CheckConstraint(
            "has_arrived IS DISTINCT FROM false OR decision_reason IS NOT NULL", name="refused_with_reason"
        ),
        UniqueConstraint("request_key"),
        Index(None, "agent_id", "deposited_on"),
        Index("ix_deposit_open", "deposited_on", postgresql_where=text("decided_at IS NULL")),
    )
    id: Mapped[Id]
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    deposited_on: Mapped[date]
    amount: Mapped[Decimal]
    """As deposited."""
    expected_amount: Mapped[Decimal]
    """Sum of its receipts."""
    difference_reason: Mapped[str | None]
    account: Mapped[str]
    """Bank account or branch."""
    reference: Mapped[str]
    """Number of the deposit slip."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    has_arrived: Mapped[bool | None]
    decision_reason: Mapped[str | None]
    request_key: Mapped[str | None]


class Receipt(Base):
    """Money that was taken from a borrower in the field, with its number. Never deleted: a wrong one is cancelled."""

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("mode IN ('cash', 'cheque')", name="mode"),
        CheckConstraint(
            "(mode = 'cheque') = (cheque_number IS NOT NULL AND cheque_bank IS NOT NULL AND cheque_on IS NOT NULL)",
            name="cheque",
        ),
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason IS NULL)", name="cancelled_with_reason"),
        CheckConstraint("bounced_on IS NULL OR mode = 'cheque'", name="bounced"),
        UniqueConstraint("number"),
        UniqueConstraint("request_key"),
        UniqueConstraint("received_by", "paper_number"),
        Index(None, "borrower_id"),
        Index(None, "loan_id"),
        Index(None, "visit_id"),
        Index(None, "deposit_id"),
        Index(None, "received_by", "received_on"),
        # money that agents still hold
        Index(
            "ix_receipt_in_hand",
            "received_by",
            "received_on",
            postgresql_where=text("deposit_id IS NULL AND cancelled_at IS NULL"),
        ),
    )
    id: Mapped[Id]
    number: Mapped[str]
    """'2026-27/000123': gapless within the financial year."""
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    amount: Mapped[Decimal]
    mode: Mapped[str]
    cheque_number: Mapped[str | None]
    cheque_bank: Mapped[str | None]
    cheque_on: Mapped[date | None]
    paid_by: Mapped[str]
    """Name of who handed it over, as it stands on the receipt."""
    paper_number: Mapped[str | None]
    """Number of the paper receipt that was given without network."""
    received_at: Mapped[Instant]
    received_on: Mapped[date]
    """Business date."""
    received_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    deposit_id: Mapped[int | None] = mapped_column(ForeignKey("deposit.id"))
    """The deposit it went in with; taken out again when that did not arrive."""
    credited_on: Mapped[date | None]
    """Value date of its payment: at once for cash, on arrival for a cheque."""
    bounced_on: Mapped[date | None]
    cancelled_at: Mapped[Instant | None]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancel_reason: Mapped[str | None]
    request_key: Mapped[str | None]


class FieldPolicy(Base):
    """Limits of field work. One row."""

    __tablename__ = "field_policy"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("near_metres BETWEEN 20 AND 10000", name="near_metres"),
        CheckConstraint("visits_per_day BETWEEN 1 AND 60", name="visits_per_day"),
        CheckConstraint("cash_per_day > 0 AND cash_in_hand > 0", name="cash"),
        CheckConstraint("deposit_days BETWEEN 0 AND 30", name="deposit_days"),
        CheckConstraint("plan_days BETWEEN 1 AND 90", name="plan_days"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    near_metres: Mapped[int] = mapped_column(Integer, server_default="300")
    """A check-in farther from the address is marked."""
    visits_per_day: Mapped[int] = mapped_column(SmallInteger, server_default="25")
    """Most visits that may be planned for an agent's day."""
    plan_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """How far ahead a visit may be planned."""
    cash_per_day: Mapped[Decimal] = mapped_column(server_default="199999")
    """Most cash that is taken from one borrower on one day (Income-tax Act, section 269ST: below 2,00,000)."""
    cash_in_hand: Mapped[Decimal] = mapped_column(server_default="200000")
    """Cash that an agent may hold: beyond it no more is taken until it is deposited."""
    deposit_days: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    """Days after which money in hand is overdue for deposit."""
