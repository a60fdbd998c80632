"""Hardship: what a borrower applied for and on which means, how it was decided, and its reviews."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class Hardship(Base):
    """An application for relief. What is stated and decided are facts; where it stands follows from them and the date."""

    __tablename__ = "hardship"
    __table_args__ = (
        CheckConstraint(
            "cause IN ('job_loss', 'illness', 'bereavement', 'calamity', 'business', 'family', 'other')", name="cause"
        ),
        CheckConstraint("relief IN ('holiday', 'lower_instalment')", name="relief"),
        CheckConstraint("relief_until > relief_from", name="date_order"),
        CheckConstraint("review_on BETWEEN relief_from AND relief_until", name="review_within"),
        CheckConstraint(
            "(relief = 'lower_instalment') = (loan_id IS NOT NULL AND amount > 0 AND months > 0)", name="terms"
        ),
        CheckConstraint("(decided_on IS NULL) = (is_granted IS NULL)", name="decided"),
        CheckConstraint("withdrawn_on IS NULL OR is_granted IS NULL", name="withdrawn_before_decision"),
        CheckConstraint(
            "income >= 0 AND least(housing, food, utilities, dependant_costs, other_debts, other) >= 0", name="means"
        ),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id"),
        Index(
            "ix_hardship_waiting", "applied_on", postgresql_where=text("decided_on IS NULL AND withdrawn_on IS NULL")
        ),
        Index("ix_hardship_granted", "relief_until", postgresql_where=text("is_granted")),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    cause: Mapped[str]
    story: Mapped[str]
    """What happened, as the borrower says."""
    since_on: Mapped[date]
    income: Mapped[Decimal]
    """A month, as stated (UK-01); so are the outgoings."""
    housing: Mapped[Decimal]
    food: Mapped[Decimal]
    utilities: Mapped[Decimal]
    dependants: Mapped[int] = mapped_column(SmallInteger)
    dependant_costs: Mapped[Decimal]
    other_debts: Mapped[Decimal]
    other: Mapped[Decimal]
    note: Mapped[str | None]
    relief: Mapped[str]
    """holiday: nothing is asked for until its end; lower_instalment: a repayment plan of small instalments."""
    relief_from: Mapped[date]
    relief_until: Mapped[date]
    """First day without relief."""
    review_on: Mapped[date]
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loan.id"))
    """Of a lower instalment: on which loan."""
    amount: Mapped[Decimal | None]
    """Of a lower instalment: each instalment."""
    months: Mapped[int | None] = mapped_column(SmallInteger)
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    """The hold of the application, and of a holiday while it lasts."""
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("repayment_plan.id"))
    """The plan that a granted lower instalment became."""
    applied_on: Mapped[date]
    applied_at: Mapped[Instant] = mapped_column(server_default=func.now())
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_on: Mapped[date | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    is_granted: Mapped[bool | None]
    decision_reason: Mapped[str | None]
    withdrawn_on: Mapped[date | None]
    withdraw_reason: Mapped[str | None]
    request_key: Mapped[str | None]


class HardshipReview(Base):
    """A look at granted relief: it goes on to its end, or ends now. Never changed."""

    __tablename__ = "hardship_review"
    __table_args__ = (
        CheckConstraint("outcome IN ('continue', 'end')", name="outcome"),
        Index(None, "hardship_id"),
    )
    id: Mapped[Id]
    hardship_id: Mapped[int] = mapped_column(ForeignKey("hardship.id"))
    on_date: Mapped[date]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    outcome: Mapped[str]
    note: Mapped[str]
    next_review_on: Mapped[date | None]
    """When it is looked at again; None: not before its end."""
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class HardshipPolicy(Base):
    """Limits of relief. One row."""

    __tablename__ = "hardship_policy"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("max_holiday_months BETWEEN 1 AND 24", name="max_holiday_months"),
        CheckConstraint("max_months BETWEEN 1 AND 60", name="max_months"),
        CheckConstraint("open_days BETWEEN 1 AND 120", name="open_days"),
        CheckConstraint("review_days BETWEEN 1 AND 170", name="review_days"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    max_holiday_months: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    max_months: Mapped[int] = mapped_column(SmallInteger, server_default="24")
    """Longest plan of lower instalments."""
    open_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """For how long an application holds the borrower while it waits."""
    review_days: Mapped[int] = mapped_column(SmallInteger, server_default="90")
    """Relief is looked at no later than so many days after it began."""
