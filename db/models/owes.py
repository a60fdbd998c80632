"""Who owes what: lender, borrower, loan and the facts about it. Facts are appended; a correction is a new row."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant, refers


class Lender(Base):
    """The one lender of this installation and its settings."""

    __tablename__ = "lender"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("plan_grace_days >= 0 AND plan_break_days > plan_grace_days", name="plan_days"),
        CheckConstraint("plan_max_months > 0 AND plan_restructure_months > 0", name="plan_months"),
        CheckConstraint("plan_max_share BETWEEN 1 AND 100", name="plan_max_share"),
        CheckConstraint("plan_min_instalment >= 0 AND plan_agent_amount >= 0", name="plan_amounts"),
        CheckConstraint("pre_due_days BETWEEN 0 AND 15", name="pre_due_days"),
        CheckConstraint("agent_notice IN ('none', 'agencies', 'all')", name="agent_notice"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(Text, server_default="INR")
    locale: Mapped[str] = mapped_column(Text, server_default="en_IN")
    time_zone: Mapped[str] = mapped_column(Text, server_default="Asia/Kolkata")
    bucket_edges: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{0,30,60,90,180}'"))
    """Upper DPD of each bucket but the last: {0,30,60,90,180} means current, 1-30, 31-60, 61-90, 91-180, 180+."""
    segment_attribute: Mapped[str | None]
    """Key in `loan.attributes` that portfolio pages offer as a filter (the 'lender attribute'), such as 'lender'."""
    promise_grace_days: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    """Days after a promise's date on which a payment still keeps it."""
    promise_limit_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """Longest time from today to the date of a promise."""
    plan_grace_days: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    """Days after an instalment's date for which a repayment plan is not behind yet."""
    plan_break_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """Days after an instalment's date for which an unpaid one does not break the plan."""
    plan_max_months: Mapped[int] = mapped_column(SmallInteger, server_default="24")
    """Longest time from today to a plan's last instalment."""
    plan_min_instalment: Mapped[Decimal] = mapped_column(server_default="500")
    """Smallest instalment but the last."""
    plan_max_share: Mapped[int] = mapped_column(SmallInteger, server_default="60")
    """Percent of monthly disposable income that a plan may take without a leader's reason (UK-01)."""
    plan_restructure_months: Mapped[int] = mapped_column(SmallInteger, server_default="12")
    """A plan that runs longer changes the loan: it counts as restructuring and needs approval (IN-16)."""
    plan_agent_amount: Mapped[Decimal] = mapped_column(server_default="100000")
    """A plan above this amount needs approval, unless a leader makes it."""
    grievance_contact: Mapped[str | None]
    """Where a borrower may complain, as every message names it (IN-11); None: the sender's own address."""
    complaint_answer_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """Days within which a complaint is answered; the law allows 30 (IN-20)."""
    complaint_alert_days: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{20,27}'"))
    """Days after receipt on which the grievance officer is reminded of a complaint without an answer."""
    complaint_escalation: Mapped[str | None]
    """What every answer says about turning to the ombudsman; None: the usual words."""
    agent_papers_required: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a collector without certificate or police check on file is given no cases (IN-07); expired ones never."""
    police_check_months: Mapped[int] = mapped_column(SmallInteger, server_default="12")
    """How long a police verification holds."""
    papers_warn_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    """Days before an expiry from which it is marked."""
    recording_required: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a call is recorded only with the reference of its recording, or the reason why there is none (IN-08)."""
    pre_due_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Days before an instalment from which its borrower is called, though nothing is overdue; 0: never."""
    pre_due_bands: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text("'{}'"))
    """Risk bands of the loans that are called for; empty: all."""
    agent_notice: Mapped[str] = mapped_column(Text, server_default="agencies")
    """Of whom a borrower is told before the first contact (IN-06): none, agencies (their people), all collectors."""
    agent_notice_since: Mapped[Instant] = mapped_column(server_default=func.now())
    """Who was in touch with a borrower before needs no notice to go on."""
    npa_by_borrower: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether one NPA loan makes all loans of its borrower NPA, until the borrower owes no arrears at all (IRACP)."""
    closed_through: Mapped[date | None]
    """Last business date whose day-end close is complete."""
    scored_through: Mapped[date | None]
    """Newest date that scores are kept under; those of earlier ones are history."""
    data_version: Mapped[int] = mapped_column(server_default="0")
    """Rises with each change of facts or derived state; caches of pages are keyed by it."""


class Product(Base):
    """A kind of loan, with the settings that differ by kind."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint(
            "allocation_order @> '{principal,interest,charges}' AND cardinality(allocation_order) = 3",
            name="allocation_order",
        ),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    allocation_order: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{interest,principal,charges}'")
    )
    """Within one due date, what a payment settles first. Across dates it is always the oldest due first."""
    is_microfinance: Mapped[bool] = mapped_column(server_default=text("false"))
    is_secured: Mapped[bool] = mapped_column(server_default=text("false"))


class Segment(Base):
    """A distinct combination of what portfolio pages filter by; loans and aggregates point at it."""

    __tablename__ = "segment"
    __table_args__ = (
        UniqueConstraint("product_id", "region", "branch", "attribute", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[int] = mapped_column(Integer, ForeignKey("product.id"))
    region: Mapped[str | None]
    branch: Mapped[str | None]
    attribute: Mapped[str | None]
    """Value of the lender's `segment_attribute`."""


class Borrower(Base):
    """A person or firm that owes. The unit of collections work."""

    __tablename__ = "borrower"
    __table_args__ = (
        UniqueConstraint("external_id"),
        # search by the start of the name, and by the start of the last name
        Index("ix_borrower_name", text("lower(name)"), postgresql_ops={"lower(name)": "text_pattern_ops"}),
        Index(
            "ix_borrower_last_name",
            text("lower(split_part(name, ' ', -1))"),
            postgresql_ops={"lower(split_part(name, ' ', -1))": "text_pattern_ops"},
        ),
        Index("ix_borrower_created_batch", "created_batch_id", postgresql_using="brin"),
    )
    id: Mapped[Id]
    external_id: Mapped[str]
    """The lender's own number of the customer."""
    name: Mapped[str]
    language: Mapped[str | None]
    city: Mapped[str | None]
    state: Mapped[str | None]
    region: Mapped[str | None]
    time_zone: Mapped[str | None]
    """IANA zone when it differs from the lender's: contact hours are the borrower's local time."""
    created_batch_id: Mapped[int | None] = mapped_column(Integer)


class BorrowerPlace(Base):
    """How many borrowers live where and speak what. Kept by triggers on `borrower`; what there is to choose from."""

    __tablename__ = "borrower_place"
    __table_args__ = (UniqueConstraint("region", "state", "city", "language", postgresql_nulls_not_distinct=True),)
    id: Mapped[Id]
    region: Mapped[str | None]
    state: Mapped[str | None]
    city: Mapped[str | None]
    language: Mapped[str | None]
    borrowers: Mapped[int]


class Party(Base):
    """Someone else bound to the loan: co-borrower or guarantor. Nobody else may be contacted (IN-03)."""

    __tablename__ = "party"
    __table_args__ = (CheckConstraint("role IN ('co_borrower', 'guarantor')", name="role"), Index(None, "borrower_id"))
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    role: Mapped[str]
    name: Mapped[str]
    created_batch_id: Mapped[int | None] = mapped_column(Integer)
    """The import that named them; None: entered otherwise."""


class ContactPoint(Base):
    """A number or address where a borrower or party may be reached. Values are encrypted; `value_hint` is masked."""

    __tablename__ = "contact_point"
    __table_args__ = (
        CheckConstraint("kind IN ('phone', 'whatsapp', 'email', 'address')", name="kind"),
        UniqueConstraint("borrower_id", "kind", "value_index"),
        Index(None, "value_index"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(info=refers("borrower"))
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    kind: Mapped[str]
    value_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    value_index: Mapped[bytes] = mapped_column(LargeBinary)
    """HMAC of the normalised value: finds a number without decrypting any."""
    value_hint: Mapped[str]
    """Masked form for screens, such as '••••••4321'."""
    is_primary: Mapped[bool] = mapped_column(server_default=text("false"))
    do_not_contact: Mapped[bool] = mapped_column(server_default=text("false"))
    consent: Mapped[bool | None]
    """Latest consent for contact here; None: never asked. History in `consent_event`."""
    created_batch_id: Mapped[int | None] = mapped_column(Integer)


class ConsentEvent(Base):
    """One change of consent at a contact point, kept for good."""

    __tablename__ = "consent_event"
    contact_point_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("contact_point"))
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    given: Mapped[bool]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    source: Mapped[str]
    batch_id: Mapped[int | None] = mapped_column(Integer)


class Loan(Base):
    """A loan as the lender's book states it. Where it stands is in `loan_state`."""

    __tablename__ = "loan"
    __table_args__ = (
        UniqueConstraint("external_id"),
        Index(None, "borrower_id"),
        Index("ix_loan_created_batch", "created_batch_id", postgresql_using="brin"),
        CheckConstraint("principal >= 0", name="principal_not_negative"),
        CheckConstraint("source IN ('schedule', 'snapshot')", name="source"),
        CheckConstraint(
            "closed_on IS NULL OR written_off_on IS NULL OR closed_on >= written_off_on", name="exit_order"
        ),
    )
    id: Mapped[Id]
    external_id: Mapped[str]
    """The lender's own loan number."""
    borrower_id: Mapped[int] = mapped_column(info=refers("borrower"))
    product_id: Mapped[int] = mapped_column(Integer, info=refers("product"))
    segment_id: Mapped[int] = mapped_column(Integer, info=refers("segment"))
    source: Mapped[str] = mapped_column(Text, server_default="schedule")
    """'schedule': DPD is derived from instalments and payments. 'snapshot': the lender reports its own figures."""
    disbursed_on: Mapped[date | None]
    maturity_on: Mapped[date | None]
    principal: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(Text, server_default="INR")
    interest_rate: Mapped[Decimal | None] = mapped_column(Numeric(9, 4))
    """Yearly, in percent."""
    tenure_months: Mapped[int | None] = mapped_column(SmallInteger)
    instalment_amount: Mapped[Decimal | None]
    closed_on: Mapped[date | None]
    written_off_on: Mapped[date | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Columns of the lender's file that have no field here, kept for filters and models."""
    created_batch_id: Mapped[int | None] = mapped_column(Integer)


class Instalment(Base):
    """One due date of a loan's schedule: a fact."""

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint("principal >= 0 AND interest >= 0 AND charges >= 0", name="not_negative"),
        Index("ix_instalment_batch", "batch_id", postgresql_using="brin"),
    )
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    due_on: Mapped[date]
    principal: Mapped[Decimal]
    interest: Mapped[Decimal] = mapped_column(server_default="0")
    charges: Mapped[Decimal] = mapped_column(server_default="0")
    batch_id: Mapped[int | None] = mapped_column(Integer)


class Payment(Base):
    """Money received, or the reversal of money received earlier: a fact. A reversal takes the payment away as if it never came."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("kind IN ('payment', 'reversal')", name="kind"),
        CheckConstraint("(kind = 'reversal') = (reverses_reference IS NOT NULL)", name="reversal_names_payment"),
        Index("ix_payment_batch", "batch_id", postgresql_using="brin"),
        # money of a month, which lies together but for a first import: performance
        Index("ix_payment_paid_on", "paid_on", postgresql_using="brin"),
        # reversals are few: derivation looks them up beside each payment
        Index("ix_payment_reversal", "loan_id", "reverses_reference", postgresql_where=text("kind = 'reversal'")),
    )
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    """The lender's receipt number, unique within the loan; derived from date, amount and order where the file has none."""
    id: Mapped[int] = mapped_column(Identity())
    """The order in which they were recorded."""
    kind: Mapped[str] = mapped_column(Text, server_default="payment")
    paid_on: Mapped[date]
    """Value date; for a reversal the date on which it became known."""
    amount: Mapped[Decimal]
    mode: Mapped[str | None]
    """upi, nach, cash, cheque, transfer..."""
    reverses_reference: Mapped[str | None]
    """`reference` of the payment of the same loan that this row takes back, wholly or in part."""
    recorded_at: Mapped[Instant] = mapped_column(server_default=func.now())
    batch_id: Mapped[int | None] = mapped_column(Integer)


class MandatePresentation(Base):
    """One presentation of an auto-debit mandate or cheque, and how it ended: a fact."""

    __tablename__ = "mandate_presentation"
    __table_args__ = (
        CheckConstraint("result IN ('paid', 'bounced')", name="result"),
        Index("ix_mandate_presentation_batch", "batch_id", postgresql_using="brin"),
        # derivation counts bounces only
        Index(
            "ix_mandate_presentation_bounced",
            "loan_id",
            "presented_on",
            postgresql_where=text("result = 'bounced'"),
        ),
    )
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[int] = mapped_column(Identity())
    """The order in which they were recorded."""
    presented_on: Mapped[date]
    amount: Mapped[Decimal]
    result: Mapped[str]
    reason: Mapped[str | None]
    batch_id: Mapped[int | None] = mapped_column(Integer)


class ReportedSnapshot(Base):
    """The lender's own figures for a loan on a date: a fact, kept as given, for books that come without a schedule."""

    __tablename__ = "reported_snapshot"
    __table_args__ = (
        CheckConstraint("dpd >= 0", name="dpd_not_negative"),
        Index(None, "as_of", "loan_id"),
        Index("ix_reported_snapshot_batch", "batch_id", postgresql_using="brin"),
    )
    loan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=refers("loan"))
    as_of: Mapped[date] = mapped_column(primary_key=True)
    dpd: Mapped[int] = mapped_column(Integer)
    """Days past due as reported; months past due are stored as 30 days each (1 month = 30, in bucket 1-30)."""
    months_past_due: Mapped[int | None] = mapped_column(SmallInteger)
    """As reported, where the file counts months."""
    outstanding: Mapped[Decimal | None]
    overdue_amount: Mapped[Decimal | None]
    status: Mapped[str] = mapped_column(Text, server_default="active")
    batch_id: Mapped[int | None] = mapped_column(Integer)
