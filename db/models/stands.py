"""Where each loan stands: derived by one definition (db/queries/delinquency.py), never typed in."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant, refers


class LoanState(Base):
    """One row a loan: its state as of the last derivation that changed it."""

    __tablename__ = "loan_state"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'closed', 'written_off')", name="status"),
        CheckConstraint("asset_class IN ('standard', 'sma_0', 'sma_1', 'sma_2', 'npa')", name="asset_class"),
        Index(None, "borrower_id"),
        # accounts behind a figure, worst first
        Index(
            "ix_loan_state_bucket",
            "bucket",
            text("overdue_amount DESC"),
            "loan_id",
            postgresql_where=text("status = 'active'"),
        ),
        Index(
            "ix_loan_state_past_due",
            text("overdue_amount DESC"),
            "loan_id",
            postgresql_where=text("status = 'active' AND bucket > 0"),
        ),
        # the queue and reminders: loans that owe something now
        Index(
            "ix_loan_state_overdue",
            text("dpd DESC"),
            "loan_id",
            postgresql_where=text("status = 'active' AND overdue_amount > 0"),
        ),
        Index("ix_loan_state_next_due", "next_due_on", postgresql_where=text("status = 'active'")),
        {"postgresql_with": {"fillfactor": "85"}},
    )
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    borrower_id: Mapped[int]
    segment_id: Mapped[int] = mapped_column(Integer)
    as_of: Mapped[date]
    """Business date of the last derivation that changed this row."""
    status: Mapped[str]
    dpd: Mapped[int] = mapped_column(Integer)
    """Days since the oldest unpaid due date; 0 when nothing is unpaid."""
    bucket: Mapped[int] = mapped_column(SmallInteger)
    """Position of the DPD among the lender's bucket edges: 0 current, 1 the first bucket past due..."""
    asset_class: Mapped[str]
    """RBI class at day-end (IN-14, IN-15)."""
    npa_since: Mapped[date | None]
    oldest_due_on: Mapped[date | None]
    due_to_date: Mapped[Decimal]
    paid_to_date: Mapped[Decimal]
    overdue_amount: Mapped[Decimal]
    overdue_principal: Mapped[Decimal]
    overdue_interest: Mapped[Decimal]
    overdue_charges: Mapped[Decimal]
    outstanding: Mapped[Decimal]
    """Principal not yet repaid, due or not."""
    missed_instalments: Mapped[int] = mapped_column(SmallInteger)
    """Due dates not wholly paid."""
    partial_payments: Mapped[int] = mapped_column(SmallInteger)
    """Payments of the last 180 days smaller than the instalment they met."""
    bounces: Mapped[int] = mapped_column(SmallInteger)
    """Bounced presentations of the last 180 days."""
    bounces_total: Mapped[int] = mapped_column(SmallInteger)
    next_due_on: Mapped[date | None]
    next_due_amount: Mapped[Decimal | None]
    last_paid_on: Mapped[date | None]
    last_paid_amount: Mapped[Decimal | None]
    demand_mtd: Mapped[Decimal]
    """Fell due in the month of the business date, up to it."""
    collected_mtd: Mapped[Decimal]
    """Received in that month, up to it."""
    collected_of_demand: Mapped[Decimal]
    """Part of `demand_mtd` that is paid, after older dues."""
    risk_score: Mapped[int | None] = mapped_column(SmallInteger)
    risk_band: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """0 not scored, 1 low ... 5 very high."""


class LoanSnapshot(Base):
    """State of a loan at a day-end, partitioned by month of `as_of`."""

    __tablename__ = "loan_snapshot"
    __table_args__ = ({"postgresql_partition_by": "RANGE (as_of)"},)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    segment_id: Mapped[int] = mapped_column(Integer)
    status: Mapped[str]
    dpd: Mapped[int] = mapped_column(Integer)
    bucket: Mapped[int] = mapped_column(SmallInteger)
    asset_class: Mapped[str]
    overdue_amount: Mapped[Decimal]
    outstanding: Mapped[Decimal]
    demand_mtd: Mapped[Decimal]
    collected_mtd: Mapped[Decimal]
    collected_of_demand: Mapped[Decimal]
    risk_band: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class LoanSnapshotRestated(Base):
    """A snapshot row as it was before a late fact restated it: what was known at the time stays visible."""

    __tablename__ = "loan_snapshot_restated"
    __table_args__ = (Index(None, "loan_id", "as_of"),)
    id: Mapped[Id]
    restated_at: Mapped[Instant] = mapped_column(server_default=func.now())
    cause: Mapped[str]
    as_of: Mapped[date]
    loan_id: Mapped[int]
    status: Mapped[str]
    dpd: Mapped[int] = mapped_column(Integer)
    bucket: Mapped[int] = mapped_column(SmallInteger)
    asset_class: Mapped[str]
    overdue_amount: Mapped[Decimal]
    outstanding: Mapped[Decimal]


class PortfolioDay(Base):
    """The book at a day-end, summed by segment, risk band, bucket and class: what portfolio pages read."""

    __tablename__ = "portfolio_day"
    as_of: Mapped[date] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    risk_band: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    asset_class: Mapped[str] = mapped_column(primary_key=True)
    loans: Mapped[int] = mapped_column(Integer)
    outstanding: Mapped[Decimal]
    overdue_amount: Mapped[Decimal]
    demand_mtd: Mapped[Decimal]
    collected_mtd: Mapped[Decimal]
    collected_of_demand: Mapped[Decimal]


class BucketFlow(Base):
    """Moves between two month-ends of the cohort frozen at the first, by segment and the opening risk band."""

    __tablename__ = "bucket_flow"
    opening_on: Mapped[date] = mapped_column(primary_key=True)
    closing_on: Mapped[date] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    risk_band: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    from_bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    to_bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """A bucket, or 100 closed, 101 written off, 102 no longer reported."""
    loans: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Decimal]
    """Outstanding at the opening date."""


class VintageMonth(Base):
    """Loans by quarter of disbursal at a month-end: what vintage curves read."""

    __tablename__ = "vintage_month"
    as_of: Mapped[date] = mapped_column(primary_key=True)
    vintage_on: Mapped[date] = mapped_column(primary_key=True)
    """First day of the quarter of disbursal."""
    segment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    loans: Mapped[int] = mapped_column(Integer)
    disbursed: Mapped[Decimal]
    loans_30: Mapped[int] = mapped_column(Integer)
    """Loans more than 30 days past due, or written off."""
    loans_90: Mapped[int] = mapped_column(Integer)
    outstanding_30: Mapped[Decimal]
    outstanding_90: Mapped[Decimal]


class PromiseDay(Base):
    """Promises as they stood at a day-end, by segment and risk band: what trends of promises read."""

    __tablename__ = "promise_day"
    as_of: Mapped[date] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    risk_band: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    pending: Mapped[int] = mapped_column(Integer)
    """Made by then, neither kept, broken nor cancelled."""
    pending_amount: Mapped[Decimal]
    kept_mtd: Mapped[int] = mapped_column(Integer)
    """Resolved in the month of the day, up to it."""
    partly_kept_mtd: Mapped[int] = mapped_column(Integer)
    broken_mtd: Mapped[int] = mapped_column(Integer)
    broken_amount_mtd: Mapped[Decimal]
    """Promised and not paid, of the broken."""


class CloseRun(Base):
    """One day-end close of a business date: resumable, re-runnable."""

    __tablename__ = "close_run"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'done', 'failed')", name="status"),
        Index(None, "business_date"),
    )
    id: Mapped[Id]
    business_date: Mapped[date]
    status: Mapped[str] = mapped_column(Text, server_default="running")
    started_at: Mapped[Instant] = mapped_column(server_default=func.now())
    finished_at: Mapped[Instant | None]
    loans: Mapped[int] = mapped_column(server_default="0")


class CloseRange(Base):
    """A range of loan ids of a close run, done in one transaction; what is done is not done again after a kill."""

    __tablename__ = "close_range"
    run_id: Mapped[int] = mapped_column(ForeignKey("close_run.id", ondelete="CASCADE"), primary_key=True)
    first_loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_loan_id: Mapped[int]
    done_at: Mapped[Instant | None]
    loans: Mapped[int] = mapped_column(Integer, server_default="0")


class Restatement(Base):
    """A loan whose facts changed for a date already closed: its snapshots from then on are derived again."""

    __tablename__ = "restatement"
    __table_args__ = (
        Index(None, "loan_id"),
        Index("ix_restatement_pending", "loan_id", postgresql_where=text("done_at IS NULL")),
    )
    id: Mapped[Id]
    loan_id: Mapped[int]
    from_date: Mapped[date]
    cause: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    done_at: Mapped[Instant | None]
    """When the days were derived again; None: waits for the job."""


class RiskModel(Base):
    """A version of the score: a points table now, a trained model where one is promoted."""

    __tablename__ = "risk_model"
    __table_args__ = (Index("uq_risk_model_active", "is_active", unique=True, postgresql_where=text("is_active")),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(Text, server_default="points")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_active: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())


class RiskScore(Base):
    """A score of a loan, kept whenever it changes, so that its history can be drawn."""

    __tablename__ = "risk_score"
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    scored_on: Mapped[date] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(Integer, ForeignKey("risk_model.id"))
    score: Mapped[int] = mapped_column(SmallInteger)
    """0 to 100; higher is riskier."""
    band: Mapped[int] = mapped_column(SmallInteger)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Codes with points, largest first, such as 'dpd_61_90:25'."""
