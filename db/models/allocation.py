"""Who may be given cases and by which rules: collectors, agencies, absences, versions of the rules, runs."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant

_NONE = text("'{}'")


class Agency(Base):
    """An outside collection agency. Its people are users whose collector row points here."""

    __tablename__ = "agency"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("(suspended_at IS NULL) = (suspended_reason IS NULL)", name="suspension"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    contact: Mapped[str | None]
    """Whom to call there, as free text."""
    agreement_until: Mapped[date | None]
    """Last day of the agreement; None: no end is agreed."""
    suspended_at: Mapped[Instant | None]
    """Since then its people are given no cases."""
    suspended_reason: Mapped[str | None]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class AgencyTerms(Base):
    """What an agency is paid from a month on: appended, the newest row holds."""

    __tablename__ = "agency_terms"
    __table_args__ = (
        CheckConstraint("commission_percent BETWEEN 0 AND 100", name="commission"),
        CheckConstraint("monthly_fee >= 0", name="fee"),
        CheckConstraint("extract(day FROM from_month) = 1", name="first_of_month"),
        UniqueConstraint("request_key"),
        Index(None, "agency_id", "from_month", "id"),
    )
    id: Mapped[Id]
    agency_id: Mapped[int] = mapped_column(Integer, ForeignKey("agency.id"))
    from_month: Mapped[date]
    """Its first day."""
    commission_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    """Of what its people collect, less what is taken back."""
    monthly_fee: Mapped[Decimal]
    """Beside the commission, whatever is collected."""
    set_at: Mapped[Instant] = mapped_column(server_default=func.now())
    set_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class AgentNoticeLetter(Base):
    """A letter that tells a borrower of an agent (IN-06), printed with others in one file, then dispatched."""

    __tablename__ = "agent_notice_letter"
    __table_args__ = (
        UniqueConstraint("borrower_id", "agent_id"),
        Index(None, "document_id"),
        Index("ix_agent_notice_letter_open", "document_id", postgresql_where=text("dispatched_at IS NULL")),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    """The file that it is a page of."""
    made_at: Mapped[Instant] = mapped_column(server_default=func.now())
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    dispatched_at: Mapped[Instant | None]
    dispatched_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class Collector(Base):
    """What is known of a user who works cases. An empty list of skills means: any."""

    __tablename__ = "collector"
    __table_args__ = (
        CheckConstraint("capacity >= 0", name="capacity"),
        Index(None, "agency_id", postgresql_where=text("agency_id IS NOT NULL")),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)
    agency_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("agency.id"))
    """None: works in-house."""
    capacity: Mapped[int | None] = mapped_column(Integer)
    """Open cases that rules give at most; None: no limit."""
    product_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=_NONE)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    certificate_number: Mapped[str | None]
    certificate_expires_on: Mapped[date | None]
    """Last day on which the certificate of the debt recovery course is valid (IN-07)."""
    police_checked_on: Mapped[date | None]
    """Day of the police verification; how long it holds is the lender's setting."""
    id_card_number: Mapped[str | None]
    updated_at: Mapped[Instant] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class CollectorAbsence(Base):
    """Days on which a collector is given no cases by rule: a fact; what was entered by mistake is withdrawn."""

    __tablename__ = "collector_absence"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="date_order"),
        UniqueConstraint("request_key"),
        Index(None, "user_id", "ends_on", postgresql_where=text("withdrawn_at IS NULL")),
    )
    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """First day back at work."""
    reason: Mapped[str]
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[Instant | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class AllocationRuleVersion(Base):
    """A whole, ordered set of allocation rules from a day on; never changed: an edit is a new version."""

    __tablename__ = "allocation_rule_version"
    __table_args__ = (Index(None, "effective_from", "id"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    effective_from: Mapped[date]
    """First business date on which it holds; of versions of one day the newest counts."""
    reason: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class AllocationRule(Base):
    """One rule of a version: which cases, to whom, how. An empty condition asks nothing."""

    __tablename__ = "allocation_rule"
    __table_args__ = (
        UniqueConstraint("version_id", "position"),
        CheckConstraint("way IN ('round_robin', 'by_load', 'keep_agent')", name="way"),
        CheckConstraint("num_nonnulls(team_id, agency_id, nullif(user_ids, '{}')) = 1", name="one_target"),
        CheckConstraint("min_dpd <= max_dpd", name="dpd_order"),
        CheckConstraint("min_overdue <= max_overdue", name="overdue_order"),
        CheckConstraint("min_outstanding <= max_outstanding", name="outstanding_order"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    version_id: Mapped[int] = mapped_column(Integer, ForeignKey("allocation_rule_version.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    """From 1; a case is offered to the rules in this order."""
    name: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    product_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=_NONE)
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    risk_bands: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=_NONE)
    min_dpd: Mapped[int | None] = mapped_column(Integer)
    max_dpd: Mapped[int | None] = mapped_column(Integer)
    min_overdue: Mapped[Decimal | None]
    max_overdue: Mapped[Decimal | None]
    min_outstanding: Mapped[Decimal | None]
    """Ticket size: what is outstanding on the case, principal not yet repaid."""
    max_outstanding: Mapped[Decimal | None]
    team_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("team.id"))
    agency_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("agency.id"))
    user_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=_NONE)
    way: Mapped[str]


class AllocationRun(Base):
    """One run of the rules over the open cases, with what came of it: appended."""

    __tablename__ = "allocation_run"
    __table_args__ = (
        UniqueConstraint("job_run_id"),
        CheckConstraint("scope IN ('unallocated', 'all')", name="scope"),
    )
    id: Mapped[Id]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    as_of: Mapped[date]
    version_id: Mapped[int] = mapped_column(Integer, ForeignKey("allocation_rule_version.id"))
    scope: Mapped[str]
    """unallocated: cases that nobody has; all: every open case is dealt anew."""
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """None: by the timetable."""
    job_run_id: Mapped[int | None]
    """The background run that did it: done once, also when that is performed twice."""
    considered: Mapped[int] = mapped_column(Integer)
    allocated: Mapped[int] = mapped_column(Integer)
    """Cases given to someone, also to who had them already."""
    changed: Mapped[int] = mapped_column(Integer)
    unallocated: Mapped[int] = mapped_column(Integer)
    """Cases that no rule could place."""
    seconds: Mapped[Decimal]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """How many each rule and each collector was given, and why the rest was not placed."""
