"""Who did what: events that can only be added, sealed in batches by a hash chain."""

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class AuditEvent(Base):
    """One act. A trigger fills `digest` and refuses change; the application's role has no right to change it either."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "borrower_id", "id", postgresql_where=text("borrower_id IS NOT NULL")),
        Index(None, "actor_id", "id"),
        Index(None, "action", "id"),
        # search by the start of the actor's name
        Index(
            "ix_audit_event_actor_name",
            text("lower(actor_name)"),
            "id",
            postgresql_ops={"lower(actor_name)": "text_pattern_ops"},
        ),
    )
    id: Mapped[Id]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    actor_id: Mapped[int | None]
    """None: the system itself."""
    actor_name: Mapped[str]
    actor_role: Mapped[str]
    action: Mapped[str]
    """subject.verb in the past tense, such as 'promise.recorded'."""
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    borrower_id: Mapped[int | None]
    loan_id: Mapped[int | None]
    summary: Mapped[str]
    """The act as a sentence without personal data, such as 'recorded a promise of 5000.00 for 2026-11-12 on L-1042'."""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of the row as text, made by the trigger."""


class AuditSeal(Base):
    """A link of the chain: hash over the previous link and the digests of the events from first to last."""

    __tablename__ = "audit_seal"
    id: Mapped[Id]
    sealed_at: Mapped[Instant] = mapped_column(server_default=func.now())
    first_event_id: Mapped[int]
    last_event_id: Mapped[int]
    events: Mapped[int]
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    rule: Mapped[int] = mapped_column(SmallInteger)
    """Which rule `hash` follows: 2, over all other columns too; 1, of earlier releases, without `id` and `sealed_at`."""


class AuditVerification(Base):
    """A check of the chain and what it found."""

    __tablename__ = "audit_verification"
    id: Mapped[Id]
    verified_at: Mapped[Instant] = mapped_column(server_default=func.now())
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    is_intact: Mapped[bool]
    seals: Mapped[int]
    events: Mapped[int]
    sealed_through: Mapped[Instant | None]
    finding: Mapped[str | None] = mapped_column(Text)
