"""Legal actions: what was opened and done are facts; where an action stands and what runs out next is derived."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant

_KIND = "kind IN ('s138', 's25', 'recall', 'arbitration', 'suit', 'other')"


class LegalRule(Base):
    """Length of a statutory clock from a day on, with its source. Appended: the newest row in force holds."""

    __tablename__ = "legal_rule"
    __table_args__ = (
        CheckConstraint(_KIND, name="kind"),
        CheckConstraint("clock IN ('notice', 'payment', 'filing')", name="clock"),
        CheckConstraint("unit IN ('days', 'months')", name="unit"),
        CheckConstraint("length BETWEEN 1 AND 1000", name="length"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    clock: Mapped[str]
    """notice: from the return memo; payment: from receipt of the notice; filing: from the cause of action."""
    length: Mapped[int] = mapped_column(SmallInteger)
    unit: Mapped[str]
    effective_from: Mapped[date]
    source: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class LegalReturnReason(Base):
    """Why an instrument came back, and which kinds of action it gives cause for."""

    __tablename__ = "legal_return_reason"
    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    allows: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Kinds of action."""
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What banks' return files call it, in small letters."""
    source: Mapped[str]
    position: Mapped[int] = mapped_column(SmallInteger)


class LegalTemplate(Base):
    """A version of the text of a kind's notice. Appended: the newest version is in force."""

    __tablename__ = "legal_template"
    __table_args__ = (UniqueConstraint("kind", "version"), CheckConstraint(_KIND, name="kind"))
    id: Mapped[Id]
    kind: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    title: Mapped[str]
    body: Mapped[str]
    """Text with named fields in braces; never run."""
    reason: Mapped[str]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class LegalSettings(Base):
    """How this lender handles legal actions: one row."""

    __tablename__ = "legal_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("alert_days BETWEEN 1 AND 60", name="alert_days"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    hold_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{arbitration,suit}'"))
    """Kinds whose opening stops contact until the action is closed."""
    alert_days: Mapped[int] = mapped_column(SmallInteger, server_default="7")
    """Days before the end of a clock from which the legal officer is reminded."""


class LegalAction(Base):
    """A legal action against a borrower. What it was opened on is a fact; from `status` on all is derived."""

    __tablename__ = "legal_action"
    __table_args__ = (
        CheckConstraint(_KIND, name="kind"),
        CheckConstraint(
            "status IN ('opened', 'noticed', 'served', 'paid', 'filed', 'decided', 'closed')", name="status"
        ),
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("(kind IN ('s138', 's25')) = (memo_on IS NOT NULL)", name="dishonour"),
        CheckConstraint("(memo_on IS NULL) = (return_reason IS NULL)", name="dishonour_has_reason"),
        UniqueConstraint("request_key"),
        Index(None, "borrower_id"),
        Index("ix_legal_action_presentation", "presentation_id", postgresql_where=text("presentation_id IS NOT NULL")),
        # what runs out next, first
        Index("ix_legal_action_open", "next_by", "id", postgresql_where=text("status <> 'closed'")),
        Index(None, "opened_on", "id"),
    )
    id: Mapped[Id]
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrower.id"))
    kind: Mapped[str]
    opened_at: Mapped[Instant] = mapped_column(server_default=func.now())
    opened_on: Mapped[date]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    amount: Mapped[Decimal]
    """What is demanded: of a bounce, the amount of the instrument."""
    reason: Mapped[str]
    presentation_id: Mapped[int | None]
    """The auto-debit or cheque of the book that bounced. No foreign key: an import that is undone takes it away, the
    facts of the action stay."""
    instrument_number: Mapped[str | None]
    instrument_on: Mapped[date | None]
    return_reason: Mapped[str | None] = mapped_column(ForeignKey("legal_return_reason.code"))
    memo_on: Mapped[date | None]
    """Day on which the lender received the bank's return memo."""
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    """The stop on contact that ends with it."""
    request_key: Mapped[str | None]

    status: Mapped[str] = mapped_column(Text, server_default="opened")
    notice_by: Mapped[date | None]
    """Last day for the notice."""
    notice_on: Mapped[date | None]
    served_on: Mapped[date | None]
    pay_by: Mapped[date | None]
    """Last day for the borrower to pay."""
    file_from: Mapped[date | None]
    file_by: Mapped[date | None]
    filed_on: Mapped[date | None]
    paid_amount: Mapped[Decimal] = mapped_column(server_default="0")
    """Received in the time that counts, at most the amount."""
    paid_on: Mapped[date | None]
    """Day on which it was paid in full, in time."""
    hearing_on: Mapped[date | None]
    """Earliest hearing without a result."""
    next_step: Mapped[str | None]
    """notice, service, filing, payment, hearing, close: what comes next."""
    next_by: Mapped[date | None]
    """Last day for it; None: no clock runs."""
    expenses: Mapped[Decimal] = mapped_column(server_default="0")
    recoverable: Mapped[Decimal] = mapped_column(server_default="0")
    """Part of the expenses that the borrower owes."""
    closed_on: Mapped[date | None]
    close_reason: Mapped[str | None]


class LegalActionLoan(Base):
    """A loan that an action is about."""

    __tablename__ = "legal_action_loan"
    __table_args__ = (Index(None, "loan_id"),)
    action_id: Mapped[int] = mapped_column(ForeignKey("legal_action.id"), primary_key=True, autoincrement=False)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"), primary_key=True, autoincrement=False)


class LegalBatch(Base):
    """Notices made together, by one job."""

    __tablename__ = "legal_batch"
    __table_args__ = (UniqueConstraint("request_key"), CheckConstraint(_KIND, name="kind"))
    id: Mapped[Id]
    kind: Mapped[str]
    template_id: Mapped[int] = mapped_column(ForeignKey("legal_template.id"))
    how: Mapped[str]
    """How the notices go out."""
    asked_at: Mapped[Instant] = mapped_column(server_default=func.now())
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    request_key: Mapped[str | None]


class LegalEvent(Base):
    """An act on a legal action: appended, never changed. A mistake is voided by an event that points at it."""

    __tablename__ = "legal_event"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('notice_issued', 'dispatched', 'served', 'returned', 'filing_asked', 'filing_approved',"
            " 'filing_refused', 'filed', 'hearing', 'hearing_held', 'order', 'award', 'expense', 'noted', 'voided',"
            " 'closed')",
            name="kind",
        ),
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("(kind = 'expense') = (is_recoverable IS NOT NULL)", name="expense_is_told_apart"),
        UniqueConstraint("request_key"),
        Index(None, "action_id", "id"),
        # no action gets two notices of one batch
        Index(
            "uq_legal_event_batch",
            "batch_id",
            "action_id",
            unique=True,
            postgresql_where=text("kind = 'notice_issued' AND batch_id IS NOT NULL"),
        ),
        # the calendar of hearings
        Index("ix_legal_event_hearing", "on_date", postgresql_where=text("kind = 'hearing'")),
    )
    id: Mapped[Id]
    action_id: Mapped[int] = mapped_column(ForeignKey("legal_action.id"))
    kind: Mapped[str]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    on_date: Mapped[date]
    """Day of the act, or of the hearing that is set."""
    done_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    text_: Mapped[str | None] = mapped_column("text")
    refers_to: Mapped[int | None] = mapped_column(ForeignKey("legal_event.id"))
    """The notice that was served, the hearing that was held, the event that is voided."""
    how: Mapped[str | None]
    """Way of a notice, why it came back, purpose of a hearing, kind of an expense, reason of the end."""
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("legal_template.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("legal_batch.id"))
    tracking_number: Mapped[str | None]
    forum: Mapped[str | None]
    """Court or tribunal."""
    case_number: Mapped[str | None]
    amount: Mapped[Decimal | None]
    is_recoverable: Mapped[bool | None]
    request_key: Mapped[str | None]


class LegalBatchItem(Base):
    """An action that a batch is to send a notice for, and what became of it."""

    __tablename__ = "legal_batch_item"
    __table_args__ = (CheckConstraint("outcome IN ('waiting', 'issued', 'refused')", name="outcome"),)
    batch_id: Mapped[int] = mapped_column(ForeignKey("legal_batch.id"), primary_key=True, autoincrement=False)
    action_id: Mapped[int] = mapped_column(ForeignKey("legal_action.id"), primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(Text, server_default="waiting")
    reason: Mapped[str | None]
    """Why it was refused."""
