"""What is done about a delinquent borrower: case, allocation, contacts, promises, holds, and the gate's answers."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class CollectionCase(Base):
    """The work on one borrower from falling due to owing nothing. Opened and closed by derivation."""

    __tablename__ = "collection_case"
    __table_args__ = (
        Index("uq_collection_case_open", "borrower_id", unique=True, postgresql_where=text("closed_on IS NULL")),
        # an agent's queue: own open cases by priority
        Index(
            "ix_collection_case_queue",
            "owner_id",
            text("priority DESC"),
            "id",
            postgresql_where=text("closed_on IS NULL"),
        ),
        Index("ix_collection_case_priority", text("priority DESC"), "id", postgresql_where=text("closed_on IS NULL")),
        # a leader's views: what nobody has, what was broken, what is promised for a day
        Index(
            "ix_collection_case_unallocated",
            text("priority DESC"),
            "id",
            postgresql_where=text("closed_on IS NULL AND owner_id IS NULL"),
        ),
        Index(
            "ix_collection_case_broken",
            text("priority DESC"),
            "id",
            postgresql_where=text("closed_on IS NULL AND has_broken_promise"),
        ),
        Index(
            "ix_collection_case_promise_due",
            "promise_due_on",
            postgresql_where=text("closed_on IS NULL AND promise_due_on IS NOT NULL"),
        ),
        # what a user has open, and what a user's day closed
        Index("ix_collection_case_held", "held_by", postgresql_where=text("held_by IS NOT NULL")),
        Index("ix_collection_case_closed", "owner_id", "closed_on", postgresql_where=text("closed_on IS NOT NULL")),
        # cases of a month that are closed since: performance
        Index("ix_collection_case_closed_on", "closed_on", postgresql_where=text("closed_on IS NOT NULL")),
        CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="date_order"),
        {"postgresql_with": {"fillfactor": "80"}},
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    stage: Mapped[str] = mapped_column(Text, server_default="soft")
    """pre_due while nothing is overdue; then soft, mid, hard, legal, recovery: by the stage rules in force."""
    stage_before: Mapped[str] = mapped_column(Text, server_default="soft")
    """Stage until the row was last recomputed; differs from `stage` where that moved the case."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    held_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """Who has the case open now; nobody else may work it until `held_until`."""
    held_until: Mapped[Instant | None]
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    """Higher comes first; made of the points in `priority_reasons`."""
    priority_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Codes with points, largest first, such as 'broken_promise:30'."""
    loans: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    max_dpd: Mapped[int] = mapped_column(Integer, server_default="0")
    bucket: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    risk_band: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    overdue_amount: Mapped[Decimal] = mapped_column(server_default="0")
    outstanding: Mapped[Decimal] = mapped_column(server_default="0")
    is_npa: Mapped[bool] = mapped_column(server_default=text("false"))
    """Any active loan of the borrower is non-performing."""
    segment_id: Mapped[int | None] = mapped_column(Integer)
    """Segment of the worst loan: what filters read."""
    next_action: Mapped[str | None]
    next_action_on: Mapped[date | None]
    last_contact_at: Mapped[Instant | None]
    last_outcome: Mapped[str | None]
    promise_due_on: Mapped[date | None]
    """Date of the earliest pending promise."""
    promise_amount: Mapped[Decimal | None]
    has_broken_promise: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class Allocation(Base):
    """Who was given a case, when, by whom and why: history, appended."""

    __tablename__ = "allocation"
    __table_args__ = (
        Index(None, "case_id"),
        CheckConstraint(
            "kind IN ('by_hand', 'by_rule', 'complaint', 'agency_breach', 'papers', 'other')",
            name="kind",
        ),
    )
    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("collection_case.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    allocated_at: Mapped[Instant] = mapped_column(server_default=func.now())
    allocated_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str]
    kind: Mapped[str] = mapped_column(Text, server_default="by_hand")
    """by_hand, by_rule, or why the case was taken back: complaint, agency_breach, papers, other."""
    rule_id: Mapped[int | None] = mapped_column(Integer)
    """The allocation rule, for `by_rule`. Without a foreign key, as is `run_id`: a run adds 100,000 rows at once."""
    run_id: Mapped[int | None]


class Hold(Base):
    """A dated stop on contact, with its reason. It ends by itself on its date."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('dispute', 'hardship', 'bereavement', 'calamity', 'complaint', 'legal', 'deceased', 'fraud', 'do_not_contact')",
            name="kind",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="date_order"),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id"),
        # all holds in force, by the day on which they end
        Index("ix_hold_in_force", "ends_on", "id", postgresql_where=text("released_at IS NULL")),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    kind: Mapped[str]
    reason: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    """First day on which it holds no more; None: until released."""
    released_at: Mapped[Instant | None]
    released_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    release_reason: Mapped[str | None]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one act."""


class FollowUp(Base):
    """A date on which the borrower is to be worked again."""

    __tablename__ = "follow_up"
    __table_args__ = (
        Index(None, "borrower_id"),
        Index("ix_follow_up_due", "due_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_follow_up_complaint", "complaint_id", postgresql_where=text("complaint_id IS NOT NULL")),
        # those of a period that are over: adherence
        Index("ix_follow_up_ended", "due_at", postgresql_where=text("done_at IS NOT NULL")),
        CheckConstraint("ended_by IN ('contact', 'moved')", name="ended_by"),
        UniqueConstraint("request_key"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    due_at: Mapped[Instant]
    action: Mapped[str]
    note: Mapped[str | None]
    done_at: Mapped[Instant | None]
    ended_by: Mapped[str | None]
    """contact: the borrower was worked; moved: another date took its place. None while open, and of old ones."""
    complaint_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"))
    """The complaint whose answer it reminds of: done with the answer, not with the next contact."""
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one act."""


class Disposition(Base):
    """An outcome that a contact may have, and what it needs next. A maintained table."""

    __tablename__ = "disposition"
    __table_args__ = (
        CheckConstraint("channels <@ '{call,visit,sms,whatsapp,email,letter}'", name="channels"),
        CheckConstraint("direction IN ('outbound', 'inbound')", name="direction"),
        CheckConstraint("requires <@ '{promise,follow_up,hold,note}'", name="requires"),
        CheckConstraint("is_connected OR NOT is_right_party", name="connected"),
        CheckConstraint("is_right_party OR NOT 'promise' = ANY(requires)", name="promise"),
        CheckConstraint(
            "hold_kind IN ('dispute', 'hardship', 'bereavement', 'calamity', 'complaint', 'legal', 'deceased', 'fraud', 'do_not_contact')",
            name="hold_kind",
        ),
        CheckConstraint("(hold_kind IS NOT NULL) = ('hold' = ANY(requires))", name="hold"),
        CheckConstraint("active_to IS NULL OR active_to >= active_from", name="period"),
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    is_right_party: Mapped[bool]
    is_connected: Mapped[bool]
    requires: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Fields the form then asks for: promise, follow_up, note, hold."""
    next_action: Mapped[str | None]
    position: Mapped[int] = mapped_column(SmallInteger)
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Channels that it may end; empty: any."""
    direction: Mapped[str | None]
    """outbound or inbound; None: either."""
    hold_kind: Mapped[str | None]
    """Kind of the hold that it asks for."""
    is_quick: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it is one of the buttons with a key."""
    is_system: Mapped[bool] = mapped_column(server_default=text("false"))
    """Written by automated messages; people are not offered it, and it is never retired."""
    active_from: Mapped[date] = mapped_column(server_default=text("CURRENT_DATE"))
    active_to: Mapped[date | None]
    """First day on which it is offered no more; None: in use. Contacts that have it keep it."""


class PolicyRule(Base):
    """A rule of the gate as data. The version of the policy is the newest `id` that was in force."""

    __tablename__ = "policy_rule"
    __table_args__ = (
        CheckConstraint("severity IN ('block', 'warn')", name="severity"),
        CheckConstraint("effective_to IS NULL OR effective_to >= effective_from", name="dates"),
        Index(None, "rule"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    rule: Mapped[str]
    """Code of the check in services/policy, such as 'hours', 'cap', 'consent', 'hold'."""
    source: Mapped[str]
    """Where it comes from, such as 'IN-01: RBI, 12 Aug 2022'."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    severity: Mapped[str] = mapped_column(Text, server_default="block")
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    """First day on which it holds no more; the day it begins: it was taken back before."""
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    """False: it ships switched off, until the lender has verified it."""
    replaces_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("policy_rule.id"))
    """The row that said the same rule before."""


class GateDecision(Base):
    """What the gate answered when a contact was planned, sent or logged: kept with the attempt."""

    __tablename__ = "gate_decision"
    __table_args__ = (Index(None, "borrower_id", "at"),)
    id: Mapped[Id]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    channel: Mapped[str]
    purpose: Mapped[str]
    """plan, send or log."""
    is_allowed: Mapped[bool]
    rule: Mapped[str | None]
    reason: Mapped[str]
    next_allowed_at: Mapped[Instant | None]
    policy_version: Mapped[int] = mapped_column(Integer)


class ContactAttempt(Base):
    """A contact with a borrower, by a person or the system, any channel and direction: a fact (IN-08)."""

    __tablename__ = "contact_attempt"
    __table_args__ = (
        CheckConstraint("channel IN ('call', 'visit', 'sms', 'whatsapp', 'email', 'letter')", name="channel"),
        CheckConstraint("direction IN ('outbound', 'inbound')", name="direction"),
        CheckConstraint("person IN ('borrower', 'co_borrower', 'guarantor', 'third_party', 'nobody')", name="person"),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id", "at"),
        Index(None, "recorded_by", "at"),
        # attempts of a month, which lie together: performance
        Index("ix_contact_attempt_at", "at", postgresql_using="brin"),
        CheckConstraint("party_id IS NULL OR person IN ('co_borrower', 'guarantor')", name="party"),
        Index(None, "party_id", postgresql_where=text("party_id IS NOT NULL")),
        Index(None, "contact_point_id", postgresql_where=text("contact_point_id IS NOT NULL")),
        # the few that went against the gate
        Index("ix_contact_attempt_override", "at", postgresql_where=text("override_reason IS NOT NULL")),
    )
    id: Mapped[Id]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loan.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("collection_case.id"))
    channel: Mapped[str]
    direction: Mapped[str] = mapped_column(Text, server_default="outbound")
    person: Mapped[str]
    outcome: Mapped[str] = mapped_column(ForeignKey("disposition.code"))
    note: Mapped[str | None]
    next_action: Mapped[str | None]
    next_action_on: Mapped[date | None]
    gate_decision_id: Mapped[int | None] = mapped_column(ForeignKey("gate_decision.id"))
    override_reason: Mapped[str | None]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]
    """Made when the form is drawn: the same submission twice is one attempt."""
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    """Which co-borrower or guarantor was reached."""
    contact_point_id: Mapped[int | None] = mapped_column(ForeignKey("contact_point.id"))
    """The number or address that was tried; None: not noted."""
    recording_reference: Mapped[str | None]
    """Where the recording of a call is found (IN-08)."""
    no_recording_reason: Mapped[str | None]


class Promise(Base):
    """A promise to pay by one date. What was promised is a fact; `status` is derived from payments.

    A promise of several dates is a row a date: the rows after the first point at it.
    """

    __tablename__ = "promise"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("status IN ('pending', 'kept', 'partly_kept', 'broken', 'cancelled')", name="status"),
        UniqueConstraint("request_key"),
        Index(None, "loan_id"),
        Index("ix_promise_pending", "due_on", postgresql_where=text("status = 'pending'")),
        Index(None, "borrower_id"),
        Index(None, "resolved_on", "status"),
        # a user's promises of a day
        Index(None, "recorded_by", "promised_on"),
        # the promise that a contact brought
        Index(
            "ix_promise_contact_attempt", "contact_attempt_id", postgresql_where=text("contact_attempt_id IS NOT NULL")
        ),
        # promises made, and falling due, in a month: performance
        Index(None, "promised_on"),
        Index(None, "due_on"),
        CheckConstraint("part >= 1 AND (part = 1) = (whole_id IS NULL)", name="part"),
        # the further dates of a promise
        Index("ix_promise_whole", "whole_id", "part", unique=True, postgresql_where=text("whole_id IS NOT NULL")),
        Index(None, "party_id", postgresql_where=text("party_id IS NOT NULL")),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    amount: Mapped[Decimal]
    due_on: Mapped[date]
    promised_at: Mapped[Instant] = mapped_column(server_default=func.now())
    promised_on: Mapped[date]
    """Business date of the promise: payments from then on count towards it."""
    channel: Mapped[str]
    person: Mapped[str] = mapped_column(Text, server_default="borrower")
    contact_attempt_id: Mapped[int | None] = mapped_column(ForeignKey("contact_attempt.id"))
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    cancelled_at: Mapped[Instant | None]
    cancel_reason: Mapped[str | None]
    status: Mapped[str] = mapped_column(Text, server_default="pending")
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    """Received from the promise's date to its due date with grace."""
    resolved_on: Mapped[date | None]
    request_key: Mapped[str | None]
    whole_id: Mapped[int | None] = mapped_column(ForeignKey("promise.id"))
    """The first date of the same promise; None: this is the first, or the only one."""
    part: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    """Place among the dates of the promise, from 1."""
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    """Which co-borrower or guarantor gave it."""


class StatusChange(Base):
    """A change of a borrower's collections status by a person, with its reason: a fact."""

    __tablename__ = "status_change"
    __table_args__ = (Index(None, "borrower_id"),)
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    status: Mapped[str]
    reason: Mapped[str]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
