"""Settlements: what is offered and waived, how it is paid, and what a loan is expected to bring without one."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class Settlement(Base):
    """An offer to close a loan for less than is owed. Its terms are facts; once accepted, `status` follows payments."""

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint(
            "waived_principal BETWEEN 0 AND owed_principal AND waived_interest BETWEEN 0 AND owed_interest"
            " AND waived_charges BETWEEN 0 AND owed_charges",
            name="waived_of_owed",
        ),
        CheckConstraint(
            "amount = owed_principal + owed_interest + owed_charges"
            " - waived_principal - waived_interest - waived_charges",
            name="rest_is_paid",
        ),
        CheckConstraint(
            "status IN ('proposed', 'refused', 'offered', 'expired', 'running', 'behind', 'completed', 'broken',"
            " 'cancelled')",
            name="status",
        ),
        CheckConstraint("starts_on >= valid_until AND ends_on >= starts_on", name="date_order"),
        CheckConstraint("(cancelled_on IS NULL) = (cancel_reason IS NULL)", name="cancelled_with_reason"),
        CheckConstraint("(counts_from IS NULL) = (accepted_channel IS NULL)", name="accepted_with_channel"),
        UniqueConstraint("request_key"),
        Index(None, "loan_id", "counts_from"),
        Index(None, "borrower_id"),
        # what the queue and reminders ask for
        Index(
            "ix_settlement_live",
            "loan_id",
            postgresql_where=text("status IN ('proposed', 'offered', 'running', 'behind')"),
        ),
        # loans that a settlement closed: read by each derivation
        Index("ix_settlement_completed", "loan_id", postgresql_where=text("status = 'completed'")),
        # the list of settlements, and the report of a period
        Index(None, "status", "valid_until"),
        Index(None, "resolved_on"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    owed_principal: Mapped[Decimal]
    """What was owed on the day of the offer: principal not yet repaid, with interest and charges that fell due."""
    owed_interest: Mapped[Decimal]
    owed_charges: Mapped[Decimal]
    waived_principal: Mapped[Decimal]
    waived_interest: Mapped[Decimal]
    waived_charges: Mapped[Decimal]
    amount: Mapped[Decimal]
    """What the borrower pays: the parts sum to it."""
    starts_on: Mapped[date]
    """Date of the first part."""
    ends_on: Mapped[date]
    """Date of the last part."""
    valid_until: Mapped[date]
    """Last day on which the borrower may accept."""
    reason: Mapped[str]
    discount_percent: Mapped[Decimal]
    """Percent a year at which both values were taken to the day of the offer."""
    present_value: Mapped[Decimal]
    """Of the parts, on the day of the offer."""
    expected_percent: Mapped[Decimal]
    """Share of what is owed that was expected without a settlement."""
    expected_months: Mapped[int] = mapped_column(SmallInteger)
    """After how many months on average."""
    expected_value: Mapped[Decimal]
    """Of what was expected, on the day of the offer."""
    is_restructuring: Mapped[bool]
    """It runs longer than the policy's months, which counts as restructuring (IN-19)."""
    sanctioned_by: Mapped[str | None]
    """Who sanctioned the loan, as the book says: may not approve (IN-19)."""
    offered_on: Mapped[date]
    offered_at: Mapped[Instant] = mapped_column(server_default=func.now())
    offered_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    approved_on: Mapped[date | None]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    refuse_reason: Mapped[str | None]
    counts_from: Mapped[date | None]
    """Day on which the borrower accepted: payments from then on count."""
    accepted_channel: Mapped[str | None]
    accepted_at: Mapped[Instant | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Who recorded the acceptance."""
    cancelled_on: Mapped[date | None]
    """First day whose payments count no more."""
    cancelled_at: Mapped[Instant | None]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancel_reason: Mapped[str | None]
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one settlement."""
    status: Mapped[str]
    """proposed, refused, offered, expired; then derived: running, behind, completed, broken; cancelled."""
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    due_amount: Mapped[Decimal] = mapped_column(server_default="0")
    next_due_on: Mapped[date | None]
    next_due_amount: Mapped[Decimal | None]
    resolved_on: Mapped[date | None]
    """Day on which it was completed, broke, expired or was withdrawn."""


class SettlementPart(Base):
    """One payment of a settlement; what came for it is derived."""

    __tablename__ = "settlement_part"
    __table_args__ = (CheckConstraint("amount > 0", name="positive"),)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    due_on: Mapped[date]
    amount: Mapped[Decimal]
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    settled_on: Mapped[date | None]


class SettlementPolicy(Base):
    """The lender's policy of settlements, as its board decided it (IN-19). One row."""

    __tablename__ = "settlement_policy"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("grace_days BETWEEN 0 AND 60", name="grace_days"),
        CheckConstraint("discount_percent BETWEEN 0 AND 100", name="discount_percent"),
        CheckConstraint("restructure_months BETWEEN 1 AND 60", name="restructure_months"),
        CheckConstraint("max_months BETWEEN 1 AND 60", name="max_months"),
        CheckConstraint("cooling_months BETWEEN 0 AND 120", name="cooling_months"),
        CheckConstraint("valid_days BETWEEN 1 AND 180", name="valid_days"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    grace_days: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    """Days after a part's date on which a payment still keeps the settlement."""
    discount_percent: Mapped[Decimal] = mapped_column(server_default="12")
    restructure_months: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    max_months: Mapped[int] = mapped_column(SmallInteger, server_default="12")
    """Longest time from the offer to the last part."""
    cooling_months: Mapped[int] = mapped_column(SmallInteger, server_default="12")
    """After a completed settlement, how long the borrower gets no new loan (IN-19)."""
    valid_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """Longest time in which an offer may be accepted."""
    sanctioner_attributes: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{sanctioned_by,sanctioned by,sanctioner}'")
    )
    """Attributes of a loan that may say who sanctioned it, the first that is there counts."""


class RecoveryExpectation(Base):
    """What a loan so many days past due is expected to bring without a settlement; a line holds up to the next."""

    __tablename__ = "recovery_expectation"
    __table_args__ = (
        CheckConstraint("dpd_from >= 0", name="dpd_from"),
        CheckConstraint("secured_percent BETWEEN 0 AND 100 AND unsecured_percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("months BETWEEN 0 AND 240", name="months"),
    )
    dpd_from: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    secured_percent: Mapped[Decimal]
    unsecured_percent: Mapped[Decimal]
    months: Mapped[int] = mapped_column(SmallInteger)
    """After how many months on average."""
