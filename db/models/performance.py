"""What was achieved on cases: sums by owner that leaders' pages read, targets, costs, and produced reports."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant

_Share = Annotated[Decimal, mapped_column(Numeric(16, 6))]


class PerformanceDay(Base):
    """A month to date at a closed day: what came of cases, by who had them, opening bucket and segment.

    Definitions are in docs/performance.md; db/queries/performance/days.py writes it.
    """

    __tablename__ = "performance_day"
    as_of: Mapped[date] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The user who had the case at the fact's date; 0: nobody had it."""
    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """The borrower's worst bucket at the day-end before the month; 0: fell due in the month."""
    segment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cases: Mapped[int] = mapped_column(Integer)
    """Cases that the owner had on at least one day."""
    case_share: Mapped[_Share]
    """The same, each counted by the part of its open days for which the owner had it: sums to the book's cases."""
    to_collect: Mapped[Decimal]
    """Overdue at the month's start + fell due in the month, by the same parts."""
    worked: Mapped[int] = mapped_column(Integer)
    """Cases with an outbound contact attempt."""
    contacted: Mapped[int] = mapped_column(Integer)
    """Cases with one that was connected."""
    reached: Mapped[int] = mapped_column(Integer)
    """Cases with one that reached the right party."""
    calls: Mapped[int] = mapped_column(Integer)
    """Outbound attempts by a person, by channel."""
    visits: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    messages: Mapped[int] = mapped_column(Integer)
    connects: Mapped[int] = mapped_column(Integer)
    right_party: Mapped[int] = mapped_column(Integer)
    right_party_promised: Mapped[int] = mapped_column(Integer)
    """Right-party contacts that gave a promise."""
    promises: Mapped[int] = mapped_column(Integer)
    promised: Mapped[Decimal]
    fallen_due: Mapped[int] = mapped_column(Integer)
    """Promises whose date with grace passed in the month and that were not taken back."""
    fallen_due_amount: Mapped[Decimal]
    kept: Mapped[int] = mapped_column(Integer)
    partly_kept: Mapped[int] = mapped_column(Integer)
    broken: Mapped[int] = mapped_column(Integer)
    kept_amount: Mapped[Decimal]
    """Paid against the promises fallen due."""
    collected: Mapped[Decimal]
    """Received in the month less what was taken back in it, whenever it had been received."""
    collected_squares: Mapped[Decimal] = mapped_column(Numeric(32, 4))
    """Sum over cases of the square of what each brought: the variance of `collected`, for its interval."""
    paying: Mapped[int] = mapped_column(Integer)
    """Cases that brought money."""
    cured: Mapped[int] = mapped_column(Integer)


class PerformanceCase(Base):
    """A case and who had it, as the newest closed day of a month counts them: the sums of that day are made of these.

    Derived and written whole with `PerformanceDay`, so that each figure leads to exactly the cases that it counts.
    """

    __tablename__ = "performance_case"
    as_of: Mapped[date] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """0: nobody had it."""
    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    borrower_id: Mapped[int] = mapped_column(BigInteger)
    bucket: Mapped[int] = mapped_column(SmallInteger)
    segment_id: Mapped[int] = mapped_column(Integer)
    part: Mapped[Decimal | None] = mapped_column(Numeric(16, 6))
    """Of the case's open days in the month, the part for which the owner had it; None: only facts of before count."""
    to_collect: Mapped[Decimal]
    """The owner's part of it."""
    attempts: Mapped[int] = mapped_column(Integer)
    connects: Mapped[int] = mapped_column(Integer)
    right_party: Mapped[int] = mapped_column(Integer)
    right_party_promised: Mapped[int] = mapped_column(Integer)
    promises: Mapped[int] = mapped_column(Integer)
    promised: Mapped[Decimal]
    fallen_due: Mapped[int] = mapped_column(Integer)
    fallen_due_amount: Mapped[Decimal]
    kept: Mapped[int] = mapped_column(Integer)
    partly_kept: Mapped[int] = mapped_column(Integer)
    broken: Mapped[int] = mapped_column(Integer)
    kept_amount: Mapped[Decimal]
    collected: Mapped[Decimal]
    cured: Mapped[int] = mapped_column(Integer)


class PerformanceTarget(Base):
    """What an agent or a product is to collect in a month: appended, the newest row holds."""

    __tablename__ = "performance_target"
    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) <> (product_id IS NULL)", name="one_subject"),
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("extract(day FROM month) = 1", name="first_of_month"),
        UniqueConstraint("request_key"),
        Index(None, "month"),
    )
    id: Mapped[Id]
    month: Mapped[date]
    """Its first day."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    product_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("product.id"))
    amount: Mapped[Decimal | None]
    """None: taken away."""
    set_at: Mapped[Instant] = mapped_column(server_default=func.now())
    set_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class CollectionCost(Base):
    """What an attempt on a channel, or an agent for a month, costs from a month on: appended, the newest row holds."""

    __tablename__ = "collection_cost"
    __table_args__ = (
        CheckConstraint("item IN ('call', 'visit', 'letter', 'message', 'agent_month')", name="item"),
        CheckConstraint("amount >= 0", name="not_negative"),
        CheckConstraint("extract(day FROM from_month) = 1", name="first_of_month"),
        UniqueConstraint("request_key"),
    )
    id: Mapped[Id]
    item: Mapped[str]
    from_month: Mapped[date]
    amount: Mapped[Decimal]
    set_at: Mapped[Instant] = mapped_column(server_default=func.now())
    set_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class Report(Base):
    """A report as it was produced: the file itself, so that what was sent can be shown again byte by byte."""

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('daily_collections', 'bucket_movement', 'promises', 'agent_performance', 'agency_performance', "
            "'npa_formation')",
            name="kind",
        ),
        CheckConstraint("format IN ('xlsx', 'pdf')", name="format"),
        CheckConstraint("size = length(content)", name="size"),
        UniqueConstraint("request_key"),
        Index(None, "as_of"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    format: Mapped[str]
    period_start: Mapped[date]
    as_of: Mapped[date]
    """The closed day that its figures are of, and the end of its period."""
    file_name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    """Bytes."""
    produced_at: Mapped[Instant] = mapped_column(server_default=func.now())
    produced_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Who asked; None: the schedule."""
    request_key: Mapped[str]
    """The run of the job and the kind: a job that runs twice produces once."""
