"""Background work as Postgres knows it. The queue server only wakes workers; losing it loses no work."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class JobRun(Base):
    """One piece of background work: waiting, running with progress, done or failed with its reason."""

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
        UniqueConstraint("key"),
        Index("ix_job_run_open", "status", "id", postgresql_where=text("status IN ('queued', 'running', 'failed')")),
        Index(None, "created_at"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    """Name in the table of jobs, such as 'import.commit' or 'close'."""
    key: Mapped[str | None]
    """Period or subject that makes it unique, such as 'close:2026-11-23': asked for twice it runs once."""
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(Text, server_default="queued")
    progress_done: Mapped[int] = mapped_column(server_default="0")
    progress_total: Mapped[int | None]
    progress_note: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    max_attempts: Mapped[int] = mapped_column(Integer, server_default="3")
    run_after: Mapped[Instant] = mapped_column(server_default=func.now())
    lease_until: Mapped[Instant | None]
    """A running job renews it; past it the worker is taken for dead and the job goes back to the queue."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None]
    reference: Mapped[str | None]
    """Finds the failure in the log."""
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    started_at: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class Schedule(Base):
    """When recurring work is due, in the lender's time zone. Cron only asks; this table answers."""

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("(every_minutes IS NULL) <> (daily_at IS NULL)", name="one_rhythm"),
        CheckConstraint("coalesce(every_minutes > 0, daily_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')", name="rhythm"),
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    every_minutes: Mapped[int | None] = mapped_column(Integer)
    daily_at: Mapped[str | None] = mapped_column(Text)
    """HH:MM, lender's local time; exactly one of the two is set."""
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    last_planned_at: Mapped[Instant | None]
