"""What is said to borrowers: templates, reminder rules, and the outbox."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class MessageTemplate(Base):
    """Text of a message with placeholders; a change is a new version."""

    __tablename__ = "message_template"
    __table_args__ = (UniqueConstraint("name", "language", "version"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(Text, server_default="en")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    channel: Mapped[str]
    subject: Mapped[str | None]
    body: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class ReminderRule(Base):
    """Which loans are reminded when: so many days from a due date, in these buckets."""

    __tablename__ = "reminder_rule"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint(
            "anchor IN ('next_due', 'oldest_due', 'promise', 'plan', 'settlement', 'agent')", name="anchor"
        ),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    anchor: Mapped[str]
    """Date that `offset_days` counts from: the next due date, the oldest unpaid one, a promise's, that of a plan's instalment.

    agent: no date, the case was given to an agent of whom the borrower must be told.
    """
    offset_days: Mapped[int] = mapped_column(SmallInteger)
    """Negative: before it."""
    min_bucket: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    max_bucket: Mapped[int] = mapped_column(SmallInteger, server_default="32767")
    channel: Mapped[str] = mapped_column(Text, server_default="email")
    template_name: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class Message(Base):
    """The outbox: a message is a row from the moment it is decided. At most one per rule, loan and anchor date."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("rule_id", "loan_id", "anchor_on", "agent_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(
            "status IN ('planned', 'claimed', 'handing_over', 'sent', 'unknown', 'blocked', 'cancelled', 'failed')",
            name="status",
        ),
        Index("ix_message_due", "send_after", "id", postgresql_where=text("status IN ('planned', 'claimed')")),
        Index(None, "borrower_id", "created_at"),
        Index(None, "status", "id"),
        # what a payment cancels
        # whether a borrower was told of an agent
        Index("ix_message_agent", "borrower_id", "agent_id", postgresql_where=text("agent_id IS NOT NULL")),
        Index("ix_message_open_loan", "loan_id", postgresql_where=text("status IN ('planned', 'claimed')")),
    )
    id: Mapped[Id]
    rule_id: Mapped[int] = mapped_column(Integer, ForeignKey("reminder_rule.id"))
    template_id: Mapped[int] = mapped_column(Integer, ForeignKey("message_template.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """The collector whose particulars it tells; None: it reminds of money."""
    anchor_on: Mapped[date]
    """Due date (or promise date) that it is about."""
    channel: Mapped[str]
    contact_point_id: Mapped[int | None] = mapped_column(ForeignKey("contact_point.id"))
    status: Mapped[str] = mapped_column(Text, server_default="planned")
    """planned, claimed by a worker, handing_over (the server may have it), sent; or why it was not."""
    status_reason: Mapped[str | None]
    send_after: Mapped[Instant] = mapped_column(server_default=func.now())
    claimed_until: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    subject: Mapped[str | None]
    body: Mapped[str | None]
    """Rendered when sent: what the borrower was told."""
    transport: Mapped[str | None]
    """smtp, or outbox: kept here for want of a mail server."""
    transport_id: Mapped[str | None]
    """Message-ID, the same at every attempt."""
    gate_decision_id: Mapped[int | None] = mapped_column(ForeignKey("gate_decision.id"))
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    sent_at: Mapped[Instant | None]
    """When it was handed over: set with handing_over, since from then on it may have arrived."""


class DeliveryEvent(Base):
    """What a provider later said of a message."""

    __tablename__ = "delivery_event"
    __table_args__ = (Index(None, "message_id"),)
    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    event: Mapped[str]
    detail: Mapped[str | None]
