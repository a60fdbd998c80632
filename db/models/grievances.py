"""Grievances and sensitive occasions: complaints with what was done about each, and stops on contact by region."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class Complaint(Base):
    """A borrower's complaint as it was received: facts. Columns after `request_key` are derived from its events."""

    __tablename__ = "complaint"
    __table_args__ = (
        CheckConstraint(
            "about IN ('harassment', 'wrong_amount', 'wrong_person', 'credit_report', 'agent_conduct', 'other')",
            name="about",
        ),
        CheckConstraint(
            "channel IN ('call', 'visit', 'email', 'letter', 'branch', 'message', 'website', 'regulator')",
            name="channel",
        ),
        CheckConstraint("status IN ('open', 'acknowledged', 'answered', 'closed', 'reopened')", name="status"),
        CheckConstraint("answer_days BETWEEN 1 AND 30", name="answer_days"),
        CheckConstraint("(status = 'closed') = (outcome IS NOT NULL)", name="outcome_when_closed"),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id"),
        Index(None, "received_on"),
        # the page's lists: what is not closed by its last day, and the rest by the same order
        Index("ix_complaint_not_closed", "due_on", "id", postgresql_where=text("status <> 'closed'")),
        Index(None, "due_on", "id"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    about: Mapped[str]
    against_user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Of our own people, whom it is against: that person may not handle it."""
    against_agency_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("agency.id"))
    """The outside agency that it is against."""
    channel: Mapped[str]
    received_at: Mapped[Instant]
    received_on: Mapped[date]
    """Business date of `received_at` in the lender's zone: day 0 of the clock."""
    text_: Mapped[str] = mapped_column("text")
    answer_days: Mapped[int] = mapped_column(SmallInteger)
    """Days within which it is to be answered, as set when it was received; at most 30 (IN-20)."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one complaint."""

    status: Mapped[str] = mapped_column(Text, server_default="open")
    """open, acknowledged, answered, closed, reopened: by the newest event that moves it."""
    clock_from: Mapped[date]
    """Day 0 of the running clock: the day of receipt, or of the newest reopening."""
    due_on: Mapped[date]
    """Last day on which the answer is in time."""
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Who acknowledged it last: handles it."""
    answered_on: Mapped[date | None]
    """First answer since `clock_from`."""
    closed_on: Mapped[date | None]
    outcome: Mapped[str | None]
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    """The stop on contact that it opened, or opened anew."""
    compensation: Mapped[Decimal] = mapped_column(server_default="0")
    """Paid to the borrower for it so far."""


class ComplaintEvent(Base):
    """An act on a complaint: appended, never changed. What follows from the acts is derived."""

    __tablename__ = "complaint_event"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('opened', 'acknowledged', 'answered', 'closed', 'reopened', 'compensated', 'noted')",
            name="kind",
        ),
        CheckConstraint("outcome IN ('upheld', 'partly_upheld', 'rejected', 'frivolous')", name="outcome"),
        CheckConstraint("(kind = 'closed') = (outcome IS NOT NULL)", name="outcome_closes"),
        CheckConstraint("(kind = 'compensated') = (amount IS NOT NULL)", name="amount_compensates"),
        CheckConstraint("(amount IS NULL) = (paid_on IS NULL)", name="amount_has_date"),
        CheckConstraint("amount > 0", name="positive"),
        UniqueConstraint("request_key"),
        Index(None, "complaint_id", "id"),
    )
    id: Mapped[Id]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    kind: Mapped[str]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    on_date: Mapped[date]
    """Business date of the act."""
    done_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    text_: Mapped[str | None] = mapped_column("text")
    """What was written: to the borrower (acknowledgment, answer), or as the reason."""
    sent_by: Mapped[str | None]
    """How the acknowledgment or answer went out: letter, email, in_person."""
    outcome: Mapped[str | None]
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    amount: Mapped[Decimal | None]
    """Compensation paid (IN-11), in the lender's currency."""
    paid_on: Mapped[date | None]
    request_key: Mapped[str | None]


class RegionalHold(Base):
    """A stop on contact with all borrowers of some areas: festival, calamity (IN-04). Ends by itself on its date."""

    __tablename__ = "regional_hold"
    __table_args__ = (
        CheckConstraint("kind IN ('festival', 'calamity', 'other')", name="kind"),
        CheckConstraint("ends_on > starts_on", name="date_order"),
        UniqueConstraint("request_key"),
        Index("ix_regional_hold_in_force", "ends_on", postgresql_where=text("ended_at IS NULL")),
    )
    id: Mapped[Id]
    name: Mapped[str]
    """What people call the occasion, such as 'Diwali' or 'Cyclone Dana'."""
    kind: Mapped[str]
    reason: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """First day on which it holds no more."""
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    ended_at: Mapped[Instant | None]
    """When someone ended it before its date."""
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    end_reason: Mapped[str | None]
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one hold."""


class RegionalHoldArea(Base):
    """An area that a regional hold covers, in the words of the borrowers' own data."""

    __tablename__ = "regional_hold_area"
    __table_args__ = (
        CheckConstraint("level IN ('everywhere', 'region', 'state', 'city')", name="level"),
        UniqueConstraint("regional_hold_id", "level", "value"),
    )
    id: Mapped[Id]
    regional_hold_id: Mapped[int] = mapped_column(ForeignKey("regional_hold.id"))
    level: Mapped[str]
    value: Mapped[str]
    """The region, state or city as on the borrower; empty for everywhere."""
