"""Maker and checker: levels of authority, what each may decide, who stands in for whom, and what waits for a decision."""

from datetime import date
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class AuthorityLevel(Base):
    """A level of authority, from the lowest up. Whoever holds one may decide what its limits allow."""

    __tablename__ = "authority_level"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 9", name="range"),)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    title: Mapped[str]


class Authority(Base):
    """The level that a user holds. A user who may decide and has no row holds level 1."""

    __tablename__ = "authority"
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(SmallInteger, ForeignKey("authority_level.level"))
    set_at: Mapped[Instant] = mapped_column(server_default=func.now())
    set_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class AuthorityLimit(Base):
    """How far a level may decide a kind of request. A level without a row for the kind may not decide it."""

    __tablename__ = "authority_limit"
    __table_args__ = (
        CheckConstraint("max_amount > 0", name="amount_positive"),
        CheckConstraint("max_percent > 0 AND max_percent <= 100", name="percent"),
        CheckConstraint("hours > 0", name="hours_positive"),
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    """Kind of request, such as 'settlement'; '*' for every kind that has no rows of its own."""
    level: Mapped[int] = mapped_column(SmallInteger, ForeignKey("authority_level.level"), primary_key=True)
    max_amount: Mapped[Decimal | None]
    """None: any amount."""
    max_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    """None: any percentage."""
    hours: Mapped[int] = mapped_column(Integer, server_default="24")
    """How long a request may wait at this level before it goes to the next."""
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class Delegation(Base):
    """One user stands in for another from a day up to another: a fact, ended early by `revoked_at`."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="date_order"),
        CheckConstraint("from_user_id <> to_user_id", name="two_people"),
        Index(None, "to_user_id", "ends_on"),
        Index(None, "from_user_id", "ends_on"),
        UniqueConstraint("request_key"),
    )
    id: Mapped[Id]
    from_user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    to_user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """First day on which it holds no more."""
    reason: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    revoked_at: Mapped[Instant | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class ApprovalRequest(Base):
    """Something that takes effect only when a second person of sufficient authority agrees."""

    __tablename__ = "approval_request"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'approved', 'refused', 'withdrawn')", name="status"),
        CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("decided_by IS NULL OR status = 'withdrawn' OR decided_by <> asked_by", name="maker_checker"),
        CheckConstraint(
            "decided_by IS NULL OR status = 'withdrawn' OR decided_by <> ALL (excluded_user_ids)", name="excluded"
        ),
        # one subject waits once
        Index(
            "uq_approval_request_waiting",
            "subject_kind",
            "subject_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        # the inbox of a level, longest waiting first; what is overdue
        Index("ix_approval_request_waiting", "level", "due_at", "id", postgresql_where=text("status = 'waiting'")),
        Index("ix_approval_request_overdue", "due_at", postgresql_where=text("status = 'waiting'")),
        Index(None, "asked_by", "id"),
        Index(None, "decided_by", "id"),
        Index(None, "borrower_id"),
        Index("ix_approval_request_subject", "subject_kind", "subject_id"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int]
    borrower_id: Mapped[int | None] = mapped_column(ForeignKey("borrower.id"))
    amount: Mapped[Decimal | None]
    """What is at stake, in the lender's currency: the waiver of a settlement."""
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    summary: Mapped[str]
    reason: Mapped[str]
    """The maker's."""
    first_level: Mapped[int] = mapped_column(SmallInteger)
    """Level it was asked of."""
    level: Mapped[int] = mapped_column(SmallInteger)
    """Level it waits at now; higher than `first_level` once escalated."""
    status: Mapped[str] = mapped_column(Text, server_default="waiting")
    excluded_user_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """Who may not decide it whatever their level, such as the sanctioner of the loan."""
    asked_at: Mapped[Instant] = mapped_column(server_default=func.now())
    asked_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    due_at: Mapped[Instant | None]
    """When it goes to the next level; None: it is as high as it goes."""
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_for: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Whose authority was used, when the decider stood in for someone."""
    decision_reason: Mapped[str | None]


class ApprovalEvent(Base):
    """What happened to a request, appended: asked, escalated, approved, refused, withdrawn."""

    __tablename__ = "approval_event"
    __table_args__ = (
        CheckConstraint("event IN ('asked', 'escalated', 'approved', 'refused', 'withdrawn')", name="event"),
        Index(None, "request_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("approval_request.id"))
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    event: Mapped[str]
    level: Mapped[int] = mapped_column(SmallInteger)
    """Level that it waits at after the event, or that decided it."""
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """None: the time limit."""
    reason: Mapped[str | None]
