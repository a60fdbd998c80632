"""Hours in which a borrower asked not to be contacted."""

from datetime import date, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class ContactWindow(Base):
    """A request to avoid some hours (IN-01). What was asked is a fact; it is ended, never changed."""

    __tablename__ = "contact_window"
    __table_args__ = (
        CheckConstraint("cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'", name="weekdays"),
        CheckConstraint("ends_on > starts_on", name="date_order"),
        CheckConstraint("(ended_on IS NULL) = (end_reason IS NULL)", name="ended_with_reason"),
        UniqueConstraint("request_key"),
        Index("ix_contact_window_open", "borrower_id", postgresql_where=text("ended_on IS NULL")),
        Index(None, "borrower_id"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """ISO numbers of the days on which the hours begin, 1 for Monday."""
    from_time: Mapped[time]
    """Of the borrower's local time."""
    to_time: Mapped[time]
    """First minute that is free again; not after `from_time`: of the next day."""
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Empty: all."""
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    """First day on which it holds no more; None: until ended."""
    note: Mapped[str | None]
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    ended_on: Mapped[date | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    end_reason: Mapped[str | None]
    request_key: Mapped[str | None]
