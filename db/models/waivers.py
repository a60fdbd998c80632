"""Charges that were waived: what was asked, how it was decided, and of which due dates."""

from datetime import date
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class ChargeWaiver(Base):
    """A request to waive charges of a loan, decided by another person (IN-18). Where it stands follows from its dates."""

    __tablename__ = "charge_waiver"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("(decided_on IS NULL) = (is_granted IS NULL)", name="decided"),
        CheckConstraint("withdrawn_on IS NULL OR decided_on IS NULL", name="withdrawn_before_decision"),
        CheckConstraint("taken_back_on IS NULL OR (is_granted AND take_back_reason IS NOT NULL)", name="taken_back"),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id"),
        # one waits at a time for a loan
        Index(
            "ix_charge_waiver_waiting",
            "loan_id",
            unique=True,
            postgresql_where=text("decided_on IS NULL AND withdrawn_on IS NULL"),
        ),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    amount: Mapped[Decimal]
    reason: Mapped[str]
    asked_on: Mapped[date]
    asked_at: Mapped[Instant] = mapped_column(server_default=func.now())
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_on: Mapped[date | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    is_granted: Mapped[bool | None]
    withdrawn_on: Mapped[date | None]
    taken_back_on: Mapped[date | None]
    taken_back_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    take_back_reason: Mapped[str | None]
    request_key: Mapped[str | None]


class ChargeWaiverPart(Base):
    """How much of the charges of one due date is waived, from when to when: what delinquency is derived with."""

    __tablename__ = "charge_waiver_part"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("taken_back_on >= waived_on", name="date_order"),
        ForeignKeyConstraint(["loan_id", "number"], ["instalment.loan_id", "instalment.number"]),
        Index(None, "loan_id"),
    )
    waiver_id: Mapped[int] = mapped_column(ForeignKey("charge_waiver.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Of the instalment."""
    loan_id: Mapped[int]
    amount: Mapped[Decimal]
    waived_on: Mapped[date]
    """First business date on which it is not owed."""
    taken_back_on: Mapped[date | None]
    """First business date on which it is owed again."""
