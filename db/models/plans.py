"""Repayment plans: what was agreed, the borrower's means at that time, and where the plan stands by payments."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class RepaymentPlan(Base):
    """An agreement to pay a loan's arrears in instalments. Its terms are facts; `status` is derived from payments."""

    __tablename__ = "repayment_plan"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint(
            "status IN ('proposed', 'refused', 'running', 'behind', 'completed', 'broken', 'cancelled')",
            name="status",
        ),
        CheckConstraint("method IN ('equal', 'stepped')", name="method"),
        CheckConstraint("rhythm IN ('monthly', 'fortnightly', 'weekly')", name="rhythm"),
        CheckConstraint("ends_on >= starts_on", name="date_order"),
        CheckConstraint("(cancelled_on IS NULL) = (cancel_reason IS NULL)", name="cancelled_with_reason"),
        UniqueConstraint("request_key"),
        Index(None, "loan_id", "counts_from"),
        Index(None, "borrower_id"),
        # plans that are in force: what the queue and reminders ask for
        Index(
            "ix_repayment_plan_in_force",
            "loan_id",
            postgresql_where=text("status IN ('proposed', 'running', 'behind')"),
        ),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    amount: Mapped[Decimal]
    """What the instalments sum to."""
    method: Mapped[str]
    """equal or stepped, as the instalments were generated; single rows may have been changed by hand after that."""
    rhythm: Mapped[str]
    starts_on: Mapped[date]
    """Date of the first instalment."""
    ends_on: Mapped[date]
    """Date of the last instalment."""
    made_on: Mapped[date]
    """Business date on which it was agreed with the borrower."""
    made_at: Mapped[Instant] = mapped_column(server_default=func.now())
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    counts_from: Mapped[date | None]
    """First day whose payments count; None while the plan waits for approval, and for good when it was refused."""
    approval_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Codes of why it needed approval, such as 'restructuring'; empty: it needed none."""
    restructuring: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Codes of how its terms change the loan (IN-16): long_term, reduced_amount, lower_instalment; empty: they do not."""
    over_limit_reason: Mapped[str | None]
    """Why the instalments may exceed the usual share of disposable income (UK-01)."""
    refuse_reason: Mapped[str | None]
    """What the approver said; set with the status 'refused'."""
    cancelled_on: Mapped[date | None]
    """First day whose payments count no more."""
    cancelled_at: Mapped[Instant | None]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancel_reason: Mapped[str | None]
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one plan."""
    status: Mapped[str]
    """proposed, refused; then derived: running, behind, completed, broken; cancelled."""
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    """Received for the plan, at most its amount."""
    due_amount: Mapped[Decimal] = mapped_column(server_default="0")
    """Instalments that have fallen due so far."""
    next_due_on: Mapped[date | None]
    """Date of the oldest instalment that is not paid whole, while the plan is in force."""
    next_due_amount: Mapped[Decimal | None]
    """What is left of that instalment."""
    resolved_on: Mapped[date | None]
    """When it was completed, broken or cancelled."""


class PlanInstalment(Base):
    """One instalment of a plan. Date and amount are facts; what was paid on it is derived."""

    __tablename__ = "plan_instalment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        Index("ix_plan_instalment_unpaid", "due_on", postgresql_where=text("settled_on IS NULL")),
    )
    plan_id: Mapped[int] = mapped_column(ForeignKey("repayment_plan.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """From 1, in order of the dates."""
    due_on: Mapped[date]
    amount: Mapped[Decimal]
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    settled_on: Mapped[date | None]
    """Value date of the payment that made it whole."""


class PlanAffordability(Base):
    """What the borrower said of income and outgoings a month when the plan was made (UK-01): a fact, kept with it."""

    __tablename__ = "plan_affordability"
    __table_args__ = (
        CheckConstraint("income >= 0", name="income"),
        CheckConstraint("least(housing, food, utilities, dependant_costs, other_debts, other) >= 0", name="outgoings"),
        CheckConstraint("dependants >= 0", name="dependants"),
    )
    plan_id: Mapped[int] = mapped_column(ForeignKey("repayment_plan.id"), primary_key=True)
    income: Mapped[Decimal]
    housing: Mapped[Decimal]
    food: Mapped[Decimal]
    utilities: Mapped[Decimal]
    """Electricity, water, phone, transport to work."""
    dependants: Mapped[int] = mapped_column(SmallInteger)
    """How many people live on this income besides the borrower."""
    dependant_costs: Mapped[Decimal]
    """School, care, money sent to them."""
    other_debts: Mapped[Decimal]
    """Instalments to others, and of other loans here."""
    other: Mapped[Decimal]
    note: Mapped[str | None]
    """How it is known: payslip, bank statement, the borrower's word."""
