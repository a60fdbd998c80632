"""Repayment plans with their instalments and the borrower's means; limits of plans; a reminder before an instalment

Revision: 0014, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0016"
branch_labels = None
depends_on = None

# column, type, default
LIMITS = (
    ("plan_grace_days", sa.SmallInteger(), "3"),
    ("plan_break_days", sa.SmallInteger(), "30"),
    ("plan_max_months", sa.SmallInteger(), "24"),
    ("plan_min_instalment", sa.Numeric(16, 2), "500"),
    ("plan_max_share", sa.SmallInteger(), "60"),
    ("plan_restructure_months", sa.SmallInteger(), "12"),
    ("plan_agent_amount", sa.Numeric(16, 2), "100000"),
)
CHECKS = (
    ("plan_days", "plan_grace_days >= 0 AND plan_break_days > plan_grace_days"),
    ("plan_months", "plan_max_months > 0 AND plan_restructure_months > 0"),
    ("plan_max_share", "plan_max_share BETWEEN 1 AND 100"),
    ("plan_amounts", "plan_min_instalment >= 0 AND plan_agent_amount >= 0"),
)
ANCHORS = "'next_due', 'oldest_due', 'promise'"

# level, most amount, hours: a plan waives nothing, so more may be decided at each level than of what waives
AUTHORITY = ((1, 200_000, 24), (2, 1_000_000, 24), (3, 5_000_000, 48), (4, None, 72))

# terms of a plan are facts: the application may change only what is derived, decided once, or cancelled
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON repayment_plan, plan_instalment, plan_affordability FROM recoup_app;
        GRANT UPDATE (status, paid_amount, due_amount, next_due_on, next_due_amount, resolved_on, counts_from,
                      refuse_reason, cancelled_on, cancelled_at, cancelled_by, cancel_reason)
            ON repayment_plan TO recoup_app;
        GRANT UPDATE (paid_amount, settled_on) ON plan_instalment TO recoup_app;
    END IF;
END $$;
"""

SUBJECT = "Your instalment of {{ amount }} under our agreement is due on {{ due_on }}"
BODY = """Dear {{ borrower_name }},

Thank you for keeping to the repayment plan of your loan {{ loan_number }}.
Its next instalment, {{ amount }}, is due on {{ due_on }}. This is only to remind you of the date.
If you cannot pay it then, tell us before: we will look at the plan together.

If you have paid already, please ignore this message, or send us the receipt so that we can set it right.
If something stops you from paying, or if you disagree with what is written here, tell us: we will look at it together.

{{ lender }}
You may complain to our grievance officer at {{ grievance_contact }}. If we do not answer within 30 days,
you may turn to the RBI Ombudsman at https://cms.rbi.org.in.
Loan {{ loan_number }}. This is an automatic message about your own loan.
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add_limits()
    _create_plan()
    _create_parts()
    op.execute(GRANTS)
    _seed_reminder()
    for level, amount, hours in AUTHORITY:
        op.get_bind().execute(
            sa.text(
                "INSERT INTO authority_limit (kind, level, max_amount, max_percent, hours)"
                " VALUES ('repayment_plan', :level, :amount, NULL, :hours)"
            ),
            {"level": level, "amount": amount, "hours": hours},
        )


def _add_limits() -> None:
    for name, kind, default in LIMITS:
        op.add_column("lender", sa.Column(name, kind, server_default=default, nullable=False))
    for name, rule in CHECKS:
        op.create_check_constraint(name, "lender", rule)


def _create_plan() -> None:
    op.create_table(
        "repayment_plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(16, 2), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("counts_from", sa.Date(), nullable=True),
        sa.Column("approval_reasons", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("restructuring", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("over_limit_reason", sa.Text(), nullable=True),
        sa.Column("refuse_reason", sa.Text(), nullable=True),
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
        sa.CheckConstraint("amount > 0", name=op.f("ck_repayment_plan_positive")),
        sa.CheckConstraint(
            "status IN ('proposed', 'refused', 'running', 'behind', 'completed', 'broken', 'cancelled')",
            name=op.f("ck_repayment_plan_status"),
        ),
        sa.CheckConstraint("method IN ('equal', 'stepped')", name=op.f("ck_repayment_plan_method")),
        sa.CheckConstraint("rhythm IN ('monthly', 'fortnightly', 'weekly')", name=op.f("ck_repayment_plan_rhythm")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_repayment_plan_date_order")),
        sa.CheckConstraint(
            "(cancelled_on IS NULL) = (cancel_reason IS NULL)", name=op.f("ck_repayment_plan_cancelled_with_reason")
        ),
        sa.ForeignKeyConstraint(["borrower_id"], ["borrower.id"], name=op.f("fk_repayment_plan_borrower_id")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_repayment_plan_loan_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_repayment_plan_made_by")),
        sa.ForeignKeyConstraint(["cancelled_by"], ["app_user.id"], name=op.f("fk_repayment_plan_cancelled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayment_plan")),
        sa.UniqueConstraint("request_key", name=op.f("uq_repayment_plan_request_key")),
    )
    op.create_index(op.f("ix_repayment_plan_loan_id_counts_from"), "repayment_plan", ["loan_id", "counts_from"])
    op.create_index(op.f("ix_repayment_plan_borrower_id"), "repayment_plan", ["borrower_id"])
    op.create_index(
        "ix_repayment_plan_in_force",
        "repayment_plan",
        ["loan_id"],
        postgresql_where=sa.text("status IN ('proposed', 'running', 'behind')"),
    )


def _create_parts() -> None:
    op.create_table(
        "plan_instalment",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(16, 2), nullable=False),
        sa.Column("paid_amount", sa.Numeric(16, 2), server_default="0", nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_plan_instalment_positive")),
        sa.ForeignKeyConstraint(["plan_id"], ["repayment_plan.id"], name=op.f("fk_plan_instalment_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "number", name=op.f("pk_plan_instalment")),
    )
    op.create_index(
        "ix_plan_instalment_unpaid", "plan_instalment", ["due_on"], postgresql_where=sa.text("settled_on IS NULL")
    )
    money = [sa.Column(name, sa.Numeric(16, 2), nullable=False) for name in ("income", "housing", "food", "utilities")]
    more = [sa.Column(name, sa.Numeric(16, 2), nullable=False) for name in ("dependant_costs", "other_debts", "other")]
    op.create_table(
        "plan_affordability",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        *money,
        sa.Column("dependants", sa.SmallInteger(), nullable=False),
        *more,
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("income >= 0", name=op.f("ck_plan_affordability_income")),
        sa.CheckConstraint(
            "least(housing, food, utilities, dependant_costs, other_debts, other) >= 0",
            name=op.f("ck_plan_affordability_outgoings"),
        ),
        sa.CheckConstraint("dependants >= 0", name=op.f("ck_plan_affordability_dependants")),
        sa.ForeignKeyConstraint(["plan_id"], ["repayment_plan.id"], name=op.f("fk_plan_affordability_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_affordability")),
    )


def _seed_reminder() -> None:
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS}, 'plan')")
    bind = op.get_bind()
    bind.execute(
        sa.text("INSERT INTO message_template (name, channel, subject, body) VALUES ('plan_due', 'email', :s, :b)"),
        {"s": SUBJECT, "b": BODY},
    )
    bind.execute(
        sa.text(
            "INSERT INTO reminder_rule (name, anchor, offset_days, min_bucket, max_bucket, template_name, position)"
            " VALUES ('2 days before an instalment of a plan', 'plan', -2, 0, 32767, 'plan_due', 7)"
        )
    )


def downgrade() -> None:
    op.execute("DELETE FROM authority_limit WHERE kind = 'repayment_plan'")
    op.execute(
        "DELETE FROM delivery_event WHERE message_id IN"
        " (SELECT m.id FROM message m JOIN reminder_rule r ON r.id = m.rule_id WHERE r.anchor = 'plan')"
    )
    op.execute("DELETE FROM message WHERE rule_id IN (SELECT id FROM reminder_rule WHERE anchor = 'plan')")
    op.execute("DELETE FROM reminder_rule WHERE anchor = 'plan'")
    op.execute("DELETE FROM message_template WHERE name = 'plan_due'")
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS})")
    for table in ("plan_affordability", "plan_instalment", "repayment_plan"):
        op.drop_table(table)
    for name, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_lender_{name}"), "lender")
    for name, _, _ in LIMITS:
        op.drop_column("lender", name)
