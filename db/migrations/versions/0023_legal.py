"""Legal actions: clocks, reasons of return and texts of notices as rows; actions with their events; batches of notices

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import text

revision = "0023"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = (
    "legal_batch_item",
    "legal_event",
    "legal_batch",
    "legal_action_loan",
    "legal_action",
    "legal_settings",
    "legal_template",
    "legal_return_reason",
    "legal_rule",
)
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON legal_rule, legal_return_reason, legal_template, legal_action_loan,
            legal_event, legal_batch FROM recoup_app;
        REVOKE DELETE, TRUNCATE ON legal_action, legal_settings, legal_batch_item FROM recoup_app;
    END IF;
END $$;
CREATE TRIGGER legal_event_append_only BEFORE UPDATE OR DELETE ON legal_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER legal_template_append_only BEFORE UPDATE OR DELETE ON legal_template
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER legal_rule_append_only BEFORE UPDATE OR DELETE ON legal_rule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
_SAME = "as S.138 NI Act (IN-22)"
RULES = (
    ("s138", "notice", 30, "days", "S.138 proviso (b), Negotiable Instruments Act 1881 (IN-22)"),
    ("s138", "payment", 15, "days", "S.138 proviso (c), Negotiable Instruments Act 1881 (IN-22)"),
    ("s138", "filing", 1, "months", "S.142(1)(b), Negotiable Instruments Act 1881 (IN-22)"),
    ("s25", "notice", 30, "days", f"S.25, Payment and Settlement Systems Act 2007, {_SAME}"),
    ("s25", "payment", 15, "days", f"S.25, Payment and Settlement Systems Act 2007, {_SAME}"),
    ("s25", "filing", 1, "months", f"S.25, Payment and Settlement Systems Act 2007, {_SAME}"),
    ("recall", "payment", 15, "days", "The lender's own time; the loan agreement decides"),
    ("arbitration", "payment", 30, "days", "S.21 with S.11(5), Arbitration and Conciliation Act 1996: time to agree"),
)
# code, label, kinds, words of return files, source
REASONS = (
    (
        "insufficient_funds",
        "Insufficient funds",
        ["s138", "s25"],
        ["insufficient funds", "funds insufficient", "balance insufficient", "insufficient balance"],
        "S.138 NI Act; S.25 PSS Act",
    ),
    (
        "exceeds_arrangement",
        "Exceeds the amount arranged",
        ["s138", "s25"],
        ["exceeds arrangement", "exceeds amount arranged"],
        "S.138 NI Act; S.25 PSS Act",
    ),
    (
        "account_closed",
        "Account closed or blocked",
        ["s138"],
        ["account closed", "account blocked or closed", "account blocked"],
        "Held to fall under S.138 by the courts; not under S.25",
    ),
    (
        "payment_stopped",
        "Payment stopped by the drawer",
        ["s138"],
        ["payment stopped", "payment stopped by drawer", "stop payment"],
        "Held to fall under S.138 by the courts; not under S.25",
    ),
    (
        "signature_differs",
        "Signature differs",
        ["s138"],
        ["signature differs", "drawer's signature differs"],
        "Held to fall under S.138 by the courts; not under S.25",
    ),
    ("mandate_cancelled", "Mandate cancelled", [], ["mandate cancelled"], "No cause under S.25: not for want of funds"),
    ("technical", "Technical return", [], ["technical return", "technical reason"], "No cause: not for want of funds"),
    ("other", "Another reason", [], [], "No cause until counsel says otherwise"),
)
_CLOSING = """Please take note that this notice is sent without prejudice to all other rights and remedies of {lender}, all of which are reserved.

If the amount has been paid already, write to {grievance_contact} with the proof of payment.

For {lender}
Authorised signatory"""
TEMPLATES = (
    (
        "s138",
        "Notice under Section 138 of the Negotiable Instruments Act, 1881",
        """Dear {borrower_name},

Towards the discharge of what is due on {loan_numbers} you issued cheque no. {instrument_number} of {instrument_date} for {amount}. Presented for payment, it was returned unpaid for the reason “{return_reason}”. The return memo reached us on {memo_date}.

The cheque was issued in discharge of a legally enforceable debt. Its dishonour is an offence under Section 138 of the Negotiable Instruments Act, 1881, if the amount is not paid in time.

We therefore call upon you to pay {amount} within {payment_days} days of receipt of this notice, failing which we shall file a complaint before the competent court, at your risk as to costs and consequences.

"""
        + _CLOSING,
    ),
    (
        "s25",
        "Notice under Section 25 of the Payment and Settlement Systems Act, 2007",
        """Dear {borrower_name},

You authorised us to debit your bank account for what falls due on {loan_numbers}. The electronic debit with reference {instrument_number} of {instrument_date} for {amount} was returned unpaid for the reason “{return_reason}”. The return memo reached us on {memo_date}.

The debit was initiated in discharge of a legally enforceable debt. Its dishonour for want of funds is an offence under Section 25 of the Payment and Settlement Systems Act, 2007, if the amount is not paid in time.

We therefore call upon you to pay {amount} within {payment_days} days of receipt of this notice, failing which we shall file a complaint before the competent court, at your risk as to costs and consequences.

"""
        + _CLOSING,
    ),
    (
        "recall",
        "Notice of recall of the loan",
        """Dear {borrower_name},

You have not paid what fell due on {loan_numbers}. Today {overdue_amount} is overdue.

We hereby recall the loan. We call upon you to pay the whole amount of {amount}, with further interest as the loan agreement says, within {payment_days} days of receipt of this notice, failing which we shall take such legal steps as we are advised.

"""
        + _CLOSING,
    ),
    (
        "arbitration",
        "Notice invoking arbitration under Section 21 of the Arbitration and Conciliation Act, 1996",
        """Dear {borrower_name},

A dispute has arisen between you and us about {amount} due on {loan_numbers}, which you have not paid.

The loan agreement provides for arbitration. By this notice we request that the dispute be referred to arbitration. Under Section 21 of the Arbitration and Conciliation Act, 1996, the proceedings begin on the day on which you receive it.

We ask you to agree with us on an arbitrator within {payment_days} days of receipt of this notice. Otherwise we shall apply for an appointment as the law provides.

"""
        + _CLOSING,
    ),
    (
        "suit",
        "Notice before suit",
        """Dear {borrower_name},

You owe {amount} on {loan_numbers}, of which {overdue_amount} is overdue, and have not paid in spite of our demands.

We call upon you to pay this amount at once, failing which we shall file a civil suit for its recovery, with interest and costs.

"""
        + _CLOSING,
    ),
    (
        "other",
        "Legal notice",
        """Dear {borrower_name},

You owe {amount} on {loan_numbers} and have not paid in spite of our demands. We call upon you to pay, and reserve all rights.

"""
        + _CLOSING,
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "legal_return_reason",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("allows", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_legal_return_reason")),
    )
    op.create_table(
        "legal_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hold_kinds", sa.ARRAY(sa.Text()), server_default=text("'{arbitration,suit}'"), nullable=False),
        sa.Column("alert_days", sa.SmallInteger(), server_default="7", nullable=False),
        sa.CheckConstraint("alert_days BETWEEN 1 AND 60", name=op.f("ck_legal_settings_alert_days")),
        sa.CheckConstraint("id = 1", name=op.f("ck_legal_settings_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_settings")),
    )
    op.create_table(
        "legal_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("length", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("clock IN ('notice', 'payment', 'filing')", name=op.f("ck_legal_rule_clock")),
        sa.CheckConstraint(
            "kind IN ('s138', 's25', 'recall', 'arbitration', 'suit', 'other')", name=op.f("ck_legal_rule_kind")
        ),
        sa.CheckConstraint("unit IN ('days', 'months')", name=op.f("ck_legal_rule_unit")),
        sa.CheckConstraint("length BETWEEN 1 AND 1000", name=op.f("ck_legal_rule_length")),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk_legal_rule_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_rule")),
    )
    op.create_table(
        "legal_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('s138', 's25', 'recall', 'arbitration', 'suit', 'other')", name=op.f("ck_legal_template_kind")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk_legal_template_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_template")),
        sa.UniqueConstraint("kind", "version", name=op.f("uq_legal_template_kind_version")),
    )
    op.create_table(
        "legal_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=text("now()"), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=16, scale=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("presentation_id", sa.BigInteger(), nullable=True),
        sa.Column("instrument_number", sa.Text(), nullable=True),
        sa.Column("instrument_on", sa.Date(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("memo_on", sa.Date(), nullable=True),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="opened", nullable=False),
        sa.Column("notice_by", sa.Date(), nullable=True),
        sa.Column("notice_on", sa.Date(), nullable=True),
        sa.Column("served_on", sa.Date(), nullable=True),
        sa.Column("pay_by", sa.Date(), nullable=True),
        sa.Column("file_from", sa.Date(), nullable=True),
        sa.Column("file_by", sa.Date(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("paid_amount", sa.Numeric(precision=16, scale=2), server_default="0", nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("hearing_on", sa.Date(), nullable=True),
        sa.Column("next_step", sa.Text(), nullable=True),
        sa.Column("next_by", sa.Date(), nullable=True),
        sa.Column("expenses", sa.Numeric(precision=16, scale=2), server_default="0", nullable=False),
        sa.Column("recoverable", sa.Numeric(precision=16, scale=2), server_default="0", nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(kind IN ('s138', 's25')) = (memo_on IS NOT NULL)", name=op.f("ck_legal_action_dishonour")),
        sa.CheckConstraint(
            "kind IN ('s138', 's25', 'recall', 'arbitration', 'suit', 'other')", name=op.f("ck_legal_action_kind")
        ),
        sa.CheckConstraint(
            "status IN ('opened', 'noticed', 'served', 'paid', 'filed', 'decided', 'closed')",
            name=op.f("ck_legal_action_status"),
        ),
        sa.CheckConstraint(
            "(memo_on IS NULL) = (return_reason IS NULL)", name=op.f("ck_legal_action_dishonour_has_reason")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_legal_action_positive")),
        sa.ForeignKeyConstraint(["borrower_id"], ["borrower.id"], name=op.f("fk_legal_action_borrower_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_legal_action_hold_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["app_user.id"], name=op.f("fk_legal_action_opened_by")),
        sa.ForeignKeyConstraint(
            ["return_reason"], ["legal_return_reason.code"], name=op.f("fk_legal_action_return_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_action")),
        sa.UniqueConstraint("request_key", name=op.f("uq_legal_action_request_key")),
    )
    op.create_index(op.f("ix_legal_action_borrower_id"), "legal_action", ["borrower_id"], unique=False)
    op.create_index(
        "ix_legal_action_open",
        "legal_action",
        ["next_by", "id"],
        unique=False,
        postgresql_where=text("status <> 'closed'"),
    )
    op.create_index(op.f("ix_legal_action_opened_on_id"), "legal_action", ["opened_on", "id"], unique=False)
    op.create_index(
        "ix_legal_action_presentation",
        "legal_action",
        ["presentation_id"],
        unique=False,
        postgresql_where=text("presentation_id IS NOT NULL"),
    )
    op.create_table(
        "legal_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=text("now()"), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('s138', 's25', 'recall', 'arbitration', 'suit', 'other')", name=op.f("ck_legal_batch_kind")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["app_user.id"], name=op.f("fk_legal_batch_asked_by")),
        sa.ForeignKeyConstraint(["template_id"], ["legal_template.id"], name=op.f("fk_legal_batch_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_batch")),
        sa.UniqueConstraint("request_key", name=op.f("uq_legal_batch_request_key")),
    )
    op.create_table(
        "legal_action_loan",
        sa.Column("action_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("loan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["legal_action.id"], name=op.f("fk_legal_action_loan_action_id")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_legal_action_loan_loan_id")),
        sa.PrimaryKeyConstraint("action_id", "loan_id", name=op.f("pk_legal_action_loan")),
    )
    op.create_index(op.f("ix_legal_action_loan_loan_id"), "legal_action_loan", ["loan_id"], unique=False)
    op.create_table(
        "legal_batch_item",
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('waiting', 'issued', 'refused')", name=op.f("ck_legal_batch_item_outcome")),
        sa.ForeignKeyConstraint(["action_id"], ["legal_action.id"], name=op.f("fk_legal_batch_item_action_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["legal_batch.id"], name=op.f("fk_legal_batch_item_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "action_id", name=op.f("pk_legal_batch_item")),
    )
    op.create_table(
        "legal_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=text("now()"), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("refers_to", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("template_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("forum", sa.Text(), nullable=True),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=16, scale=2), nullable=True),
        sa.Column("is_recoverable", sa.Boolean(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'expense') = (is_recoverable IS NOT NULL)", name=op.f("ck_legal_event_expense_is_told_apart")
        ),
        sa.CheckConstraint(
            "kind IN ('notice_issued', 'dispatched', 'served', 'returned', 'filing_asked', 'filing_approved', 'filing_refused', 'filed', 'hearing', 'hearing_held', 'order', 'award', 'expense', 'noted', 'voided', 'closed')",
            name=op.f("ck_legal_event_kind"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_legal_event_positive")),
        sa.ForeignKeyConstraint(["action_id"], ["legal_action.id"], name=op.f("fk_legal_event_action_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["legal_batch.id"], name=op.f("fk_legal_event_batch_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_legal_event_document_id")),
        sa.ForeignKeyConstraint(["done_by"], ["app_user.id"], name=op.f("fk_legal_event_done_by")),
        sa.ForeignKeyConstraint(["refers_to"], ["legal_event.id"], name=op.f("fk_legal_event_refers_to")),
        sa.ForeignKeyConstraint(["template_id"], ["legal_template.id"], name=op.f("fk_legal_event_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_event")),
        sa.UniqueConstraint("request_key", name=op.f("uq_legal_event_request_key")),
    )
    op.create_index(op.f("ix_legal_event_action_id_id"), "legal_event", ["action_id", "id"], unique=False)
    op.create_index(
        "ix_legal_event_hearing", "legal_event", ["on_date"], unique=False, postgresql_where=text("kind = 'hearing'")
    )
    op.create_index(
        "uq_legal_event_batch",
        "legal_event",
        ["batch_id", "action_id"],
        unique=True,
        postgresql_where=text("kind = 'notice_issued' AND batch_id IS NOT NULL"),
    )

    op.execute(GRANTS)
    _seed()


def _seed() -> None:
    bind = op.get_bind()
    for kind, clock, length, unit, source in RULES:
        bind.execute(
            text(
                "INSERT INTO legal_rule (kind, clock, length, unit, effective_from, source)"
                " VALUES (:kind, :clock, :length, :unit, '2000-01-01', :source)"
            ),
            {"kind": kind, "clock": clock, "length": length, "unit": unit, "source": source},
        )
    for position, (code, label, allows, words, source) in enumerate(REASONS, start=1):
        bind.execute(
            text(
                "INSERT INTO legal_return_reason (code, label, allows, words, source, position)"
                " VALUES (:code, :label, :allows, :words, :source, :position)"
            ),
            {"code": code, "label": label, "allows": allows, "words": words, "source": source, "position": position},
        )
    for kind, title, body in TEMPLATES:
        bind.execute(
            text(
                "INSERT INTO legal_template (kind, version, title, body, reason)"
                " VALUES (:kind, 1, :title, :body, 'first text, to be confirmed by counsel')"
            ),
            {"kind": kind, "title": title, "body": body},
        )
    op.execute("INSERT INTO legal_settings (id) VALUES (1)")
    op.execute("INSERT INTO schedule (kind, daily_at, last_planned_at) VALUES ('legal.alert', '06:30', now())")


def downgrade() -> None:
    op.execute("DELETE FROM schedule WHERE kind = 'legal.alert'")
    for table in TABLES:
        op.drop_table(table)
