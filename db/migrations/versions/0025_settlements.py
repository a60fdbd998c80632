"""Settlements: offers with what is waived, their parts, the lender's policy, and what is expected without one.

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# terms are facts: the application may change only what is derived, decided once, accepted or withdrawn
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON settlement, settlement_part FROM recoup_app;
        GRANT UPDATE (status, paid_amount, due_amount, next_due_on, next_due_amount, resolved_on, approved_on,
                      approved_by, refuse_reason, counts_from, accepted_channel, accepted_at, accepted_by,
                      cancelled_on, cancelled_at, cancelled_by, cancel_reason)
            ON settlement TO recoup_app;
        GRANT UPDATE (paid_amount, settled_on) ON settlement_part TO recoup_app;
    END IF;
END $$;
"""

# level, most that is waived, most percent of what is owed, hours: a start, to be replaced by the board's policy
AUTHORITY = ((1, 25_000, 10, 24), (2, 200_000, 30, 24), (3, 1_000_000, 50, 48), (4, None, None, 72))

# days past due, percent expected of secured and of unsecured loans, after how many months: a start, to be replaced by
# what the lender's own book shows
EXPECTED = (
    (0, 97, 95, 2),
    (31, 92, 85, 4),
    (61, 85, 70, 6),
    (91, 75, 50, 12),
    (181, 65, 30, 18),
    (366, 50, 15, 24),
    (731, 35, 8, 36),
)


SUBJECT = "Your payment of {{ amount }} under our settlement is due on {{ due_on }}"
BODY = """Dear {{ borrower_name }},

You accepted our settlement of loan {{ loan_number }}. Its next payment, {{ amount }}, is due on {{ due_on }}.
Paid by that date, it keeps the settlement: once all of it is paid, nothing more is owed on this loan.
If you cannot pay it then, tell us before: after that date the settlement ends.

If you have paid already, please ignore this message, or send us the receipt so that we can set it right.
If something stops you from paying, or if you disagree with what is written here, tell us: we will look at it together.

{{ lender }}
You may complain to our grievance officer at {{ grievance_contact }}. If we do not answer within 30 days,
you may turn to the RBI Ombudsman at https://cms.rbi.org.in.
Loan {{ loan_number }}. This is an automatic message about your own loan.
"""
ANCHORS = "'next_due', 'oldest_due', 'promise', 'plan'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_policy()
    _create_settlement()
    _create_parts()
    op.execute(GRANTS)
    _seed()
    _seed_reminder()


def _seed() -> None:
    bind = op.get_bind()
    bind.execute(sa.text("INSERT INTO settlement_policy (id) VALUES (1)"))
    for dpd, secured, unsecured, months in EXPECTED:
        bind.execute(
            sa.text(
                "INSERT INTO recovery_expectation (dpd_from, secured_percent, unsecured_percent, months)"
                " VALUES (:dpd, :secured, :unsecured, :months)"
            ),
            {"dpd": dpd, "secured": secured, "unsecured": unsecured, "months": months},
        )
    for level, amount, percent, hours in AUTHORITY:
        bind.execute(
            sa.text(
                "INSERT INTO authority_limit (kind, level, max_amount, max_percent, hours)"
                " VALUES ('settlement', :level, :amount, :percent, :hours)"
                " ON CONFLICT (kind, level) DO NOTHING"
            ),
            {"level": level, "amount": amount, "percent": percent, "hours": hours},
        )


def _seed_reminder() -> None:
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS}, 'settlement')")
    bind = op.get_bind()
    bind.execute(
        sa.text("INSERT INTO message_template (name, channel, subject, body) VALUES ('settlement_due', 'email', :s, :b)"),
        {"s": SUBJECT, "b": BODY},
    )
    bind.execute(
        sa.text(
            "INSERT INTO reminder_rule (name, anchor, offset_days, min_bucket, max_bucket, template_name, position)"
            " VALUES ('3 days before a part of a settlement', 'settlement', -3, 0, 32767, 'settlement_due', 8)"
        )
    )


def _create_policy() -> None:
    op.create_table(
        "recovery_expectation",
        sa.Column("dpd_from", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("secured_percent", sa.Numeric(16, 2), nullable=False),
        sa.Column("unsecured_percent", sa.Numeric(16, 2), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("dpd_from >= 0", name=op.f("ck_recovery_expectation_dpd_from")),
        sa.CheckConstraint("months BETWEEN 0 AND 240", name=op.f("ck_recovery_expectation_months")),
        sa.CheckConstraint(
            "secured_percent BETWEEN 0 AND 100 AND unsecured_percent BETWEEN 0 AND 100",
            name=op.f("ck_recovery_expectation_percent"),
        ),
        sa.PrimaryKeyConstraint("dpd_from", name=op.f("pk_recovery_expectation")),
    )
    op.create_table(
        "settlement_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("grace_days", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column("discount_percent", sa.Numeric(16, 2), server_default="12", nullable=False),
        sa.Column("restructure_months", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column("max_months", sa.SmallInteger(), server_default="12", nullable=False),
        sa.Column("cooling_months", sa.SmallInteger(), server_default="12", nullable=False),
        sa.Column("valid_days", sa.SmallInteger(), server_default="30", nullable=False),
        sa.Column(
            "sanctioner_attributes",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{sanctioned_by,sanctioned by,sanctioner}'"),
            nullable=False,
        ),
        sa.CheckConstraint("cooling_months BETWEEN 0 AND 120", name=op.f("ck_settlement_policy_cooling_months")),
        sa.CheckConstraint("discount_percent BETWEEN 0 AND 100", name=op.f("ck_settlement_policy_discount_percent")),
        sa.CheckConstraint("grace_days BETWEEN 0 AND 60", name=op.f("ck_settlement_policy_grace_days")),
        sa.CheckConstraint("id = 1", name=op.f("ck_settlement_policy_single_row")),
        sa.CheckConstraint("max_months BETWEEN 1 AND 60", name=op.f("ck_settlement_policy_max_months")),
        sa.CheckConstraint("restructure_months BETWEEN 1 AND 60", name=op.f("ck_settlement_policy_restructure_months")),
        sa.CheckConstraint("valid_days BETWEEN 1 AND 180", name=op.f("ck_settlement_policy_valid_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_policy")),
    )


def _create_settlement() -> None:
    op.create_table(
        "settlement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("owed_principal", sa.Numeric(16, 2), nullable=False),
        sa.Column("owed_interest", sa.Numeric(16, 2), nullable=False),
        sa.Column("owed_charges", sa.Numeric(16, 2), nullable=False),
        sa.Column("waived_principal", sa.Numeric(16, 2), nullable=False),
        sa.Column("waived_interest", sa.Numeric(16, 2), nullable=False),
        sa.Column("waived_charges", sa.Numeric(16, 2), nullable=False),
        sa.Column("amount", sa.Numeric(16, 2), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("discount_percent", sa.Numeric(16, 2), nullable=False),
        sa.Column("present_value", sa.Numeric(16, 2), nullable=False),
        sa.Column("expected_percent", sa.Numeric(16, 2), nullable=False),
        sa.Column("expected_months", sa.SmallInteger(), nullable=False),
        sa.Column("expected_value", sa.Numeric(16, 2), nullable=False),
        sa.Column("is_restructuring", sa.Boolean(), nullable=False),
        sa.Column("sanctioned_by", sa.Text(), nullable=True),
        sa.Column("offered_on", sa.Date(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("offered_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("refuse_reason", sa.Text(), nullable=True),
        sa.Column("counts_from", sa.Date(), nullable=True),
        sa.Column("accepted_channel", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_amount", sa.Numeric(16, 2), server_default="0", nullable=False),
        sa.Column("due_amount", sa.Numeric(16, 2), server_default="0", nullable=False),
        sa.Column("next_due_on", sa.Date(), nullable=True),
        sa.Column("next_due_amount", sa.Numeric(16, 2), nullable=True),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'refused', 'offered', 'expired', 'running', 'behind', 'completed', 'broken', 'cancelled')",
            name=op.f("ck_settlement_status"),
        ),
        sa.CheckConstraint(
            "(cancelled_on IS NULL) = (cancel_reason IS NULL)", name=op.f("ck_settlement_cancelled_with_reason")
        ),
        sa.CheckConstraint(
            "(counts_from IS NULL) = (accepted_channel IS NULL)", name=op.f("ck_settlement_accepted_with_channel")
        ),
        sa.CheckConstraint(
            "amount = owed_principal + owed_interest + owed_charges - waived_principal - waived_interest - waived_charges",
            name=op.f("ck_settlement_rest_is_paid"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_settlement_positive")),
        sa.CheckConstraint("starts_on >= valid_until AND ends_on >= starts_on", name=op.f("ck_settlement_date_order")),
        sa.CheckConstraint(
            "waived_principal BETWEEN 0 AND owed_principal AND waived_interest BETWEEN 0 AND owed_interest AND waived_charges BETWEEN 0 AND owed_charges",
            name=op.f("ck_settlement_waived_of_owed"),
        ),
        sa.ForeignKeyConstraint(["accepted_by"], ["app_user.id"], name=op.f("fk_settlement_accepted_by")),
        sa.ForeignKeyConstraint(["approved_by"], ["app_user.id"], name=op.f("fk_settlement_approved_by")),
        sa.ForeignKeyConstraint(["borrower_id"], ["borrower.id"], name=op.f("fk_settlement_borrower_id")),
        sa.ForeignKeyConstraint(["cancelled_by"], ["app_user.id"], name=op.f("fk_settlement_cancelled_by")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_settlement_loan_id")),
        sa.ForeignKeyConstraint(["offered_by"], ["app_user.id"], name=op.f("fk_settlement_offered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("request_key", name=op.f("uq_settlement_request_key")),
    )
    op.create_index(op.f("ix_settlement_borrower_id"), "settlement", ["borrower_id"], unique=False)
    op.create_index(
        "ix_settlement_completed",
        "settlement",
        ["loan_id"],
        unique=False,
        postgresql_where=sa.text("status = 'completed'"),
    )
    op.create_index(
        "ix_settlement_live",
        "settlement",
        ["loan_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('proposed', 'offered', 'running', 'behind')"),
    )
    op.create_index(op.f("ix_settlement_loan_id_counts_from"), "settlement", ["loan_id", "counts_from"], unique=False)
    op.create_index(op.f("ix_settlement_resolved_on"), "settlement", ["resolved_on"], unique=False)
    op.create_index(op.f("ix_settlement_status_valid_until"), "settlement", ["status", "valid_until"], unique=False)


def _create_parts() -> None:
    op.create_table(
        "settlement_part",
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(16, 2), nullable=False),
        sa.Column("paid_amount", sa.Numeric(16, 2), server_default="0", nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_settlement_part_positive")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_settlement_part_settlement_id")),
        sa.PrimaryKeyConstraint("settlement_id", "number", name=op.f("pk_settlement_part")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM authority_limit WHERE kind = 'settlement'")
    op.execute(
        "DELETE FROM delivery_event WHERE message_id IN"
        " (SELECT m.id FROM message m JOIN reminder_rule r ON r.id = m.rule_id WHERE r.anchor = 'settlement')"
    )
    op.execute("DELETE FROM message WHERE rule_id IN (SELECT id FROM reminder_rule WHERE anchor = 'settlement')")
    op.execute("DELETE FROM reminder_rule WHERE anchor = 'settlement'")
    op.execute("DELETE FROM message_template WHERE name = 'settlement_due'")
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS})")
    op.drop_table("settlement_part")
    op.drop_table("settlement")
    op.drop_table("settlement_policy")
    op.drop_table("recovery_expectation")
