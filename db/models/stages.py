"""Stages of cases: the rules that decide them, version by version, and the moves between them. All of it appended."""

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant

_STAGES = "('soft', 'mid', 'hard', 'legal', 'recovery')"


class StageRuleSet(Base):
    """A version of the stage rules. A change is a new version; of those not withdrawn the latest date holds."""

    __tablename__ = "stage_rule_set"
    __table_args__ = (
        CheckConstraint(f"default_stage IN {_STAGES}", name="default_stage"),
        UniqueConstraint("request_key"),
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Counts up without a hole: who saves after another from the same version is told."""
    effective_from: Mapped[date]
    """First business date on which it holds."""
    default_stage: Mapped[str]
    """Stage of a case that no rule matches."""
    reason: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one act."""


class StageRule(Base):
    """A rule of a version. The first that matches decides; an empty condition asks nothing."""

    __tablename__ = "stage_rule"
    __table_args__ = (
        CheckConstraint(f"stage IN {_STAGES}", name="stage"),
        CheckConstraint("min_dpd <= max_dpd", name="dpd_order"),
        CheckConstraint("min_overdue < below_overdue", name="overdue_order"),
        CheckConstraint(
            "num_nonnulls(min_dpd, max_dpd, min_overdue, below_overdue, risk_bands, product_ids, is_npa) > 0",
            name="asks_something",
        ),
    )
    version: Mapped[int] = mapped_column(
        Integer, ForeignKey("stage_rule_set.version"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    stage: Mapped[str]
    min_dpd: Mapped[int | None] = mapped_column(Integer)
    max_dpd: Mapped[int | None] = mapped_column(Integer)
    """Of the worst loan; both ends included."""
    min_overdue: Mapped[Decimal | None]
    below_overdue: Mapped[Decimal | None]
    """Overdue on all loans: from `min_overdue`, less than this."""
    risk_bands: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    product_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """Of the worst loan."""
    is_npa: Mapped[bool | None]


class StageRuleWithdrawal(Base):
    """A version that was taken back before it held."""

    __tablename__ = "stage_rule_withdrawal"
    version: Mapped[int] = mapped_column(
        Integer, ForeignKey("stage_rule_set.version"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str]
    withdrawn_at: Mapped[Instant] = mapped_column(server_default=func.now())
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class StageMove(Base):
    """A case that went from one stage to another, and what decided it. Where a case opened is no move."""

    __tablename__ = "stage_move"
    __table_args__ = (
        CheckConstraint("cause IN ('facts', 'rules')", name="cause"),
        CheckConstraint("from_stage <> to_stage", name="moves"),
        Index(None, "borrower_id"),
        Index(None, "case_id"),
        Index(None, "moved_on"),
    )
    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("collection_case.id", ondelete="CASCADE"))
    borrower_id: Mapped[int]
    moved_on: Mapped[date]
    """Business date as of which it was derived."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    from_stage: Mapped[str]
    to_stage: Mapped[str]
    cause: Mapped[str]
    """rules: the case would have moved without any change of its own, since the rules changed. Else facts."""
    version: Mapped[int] = mapped_column(Integer)
    position: Mapped[int | None] = mapped_column(SmallInteger)
    """The rule that matched; None: no rule did, so the version's default stage."""
    max_dpd: Mapped[int] = mapped_column(Integer)
    overdue_amount: Mapped[Decimal]
