"""Allocation by rules: collectors with their papers, agencies, absences, versioned rules, runs

Revision: 0013, after 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

NONE = sa.text("'{}'")
KINDS = "kind IN ('by_hand', 'by_rule', 'complaint', 'agency_breach', 'papers', 'other')"
# rules and runs are history: a new row, never a changed one
APPEND_ONLY = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON allocation_rule_version, allocation_rule, allocation_run FROM recoup_app;
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lender", sa.Column("agent_papers_required", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("lender", sa.Column("police_check_months", sa.SmallInteger(), server_default="12", nullable=False))
    op.add_column("lender", sa.Column("papers_warn_days", sa.SmallInteger(), server_default="30", nullable=False))
    _create_agency()
    _create_collector()
    _create_absence()
    _create_rules()
    _create_run()
    op.add_column("allocation", sa.Column("kind", sa.Text(), server_default="by_hand", nullable=False))
    op.add_column("allocation", sa.Column("rule_id", sa.Integer(), nullable=True))
    op.add_column("allocation", sa.Column("run_id", sa.BigInteger(), nullable=True))
    op.create_check_constraint("kind", "allocation", KINDS)
    # off until a leader switches it on; an hour after the close begins
    op.execute("INSERT INTO schedule (kind, daily_at, is_enabled) VALUES ('allocate', '01:30', false)")
    op.execute(APPEND_ONLY)


def _create_agency() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("agreement_until", sa.Date(), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(suspended_at IS NULL) = (suspended_reason IS NULL)", name=op.f("ck_agency_suspension")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("name", name=op.f("uq_agency_name")),
    )


def _create_collector() -> None:
    op.create_table(
        "collector",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("product_ids", pg.ARRAY(sa.Integer()), server_default=NONE, nullable=False),
        sa.Column("languages", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("regions", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("stages", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("certificate_number", sa.Text(), nullable=True),
        sa.Column("certificate_expires_on", sa.Date(), nullable=True),
        sa.Column("police_checked_on", sa.Date(), nullable=True),
        sa.Column("id_card_number", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_collector_capacity")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_collector_user_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_collector_agency_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_collector")),
    )
    op.create_index(
        "ix_collector_agency_id", "collector", ["agency_id"], postgresql_where=sa.text("agency_id IS NOT NULL")
    )


def _create_absence() -> None:
    op.create_table(
        "collector_absence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_collector_absence_date_order")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_collector_absence_user_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_collector_absence_recorded_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_collector_absence_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collector_absence")),
        sa.UniqueConstraint("request_key", name=op.f("uq_collector_absence_request_key")),
    )
    op.create_index(
        "ix_collector_absence_user_id_ends_on",
        "collector_absence",
        ["user_id", "ends_on"],
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def _create_rules() -> None:
    op.create_table(
        "allocation_rule_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk_allocation_rule_version_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_rule_version")),
    )
    op.create_index(
        "ix_allocation_rule_version_effective_from_id", "allocation_rule_version", ["effective_from", "id"]
    )
    op.create_table(
        "allocation_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("stages", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("product_ids", pg.ARRAY(sa.Integer()), server_default=NONE, nullable=False),
        sa.Column("regions", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("languages", pg.ARRAY(sa.Text()), server_default=NONE, nullable=False),
        sa.Column("risk_bands", pg.ARRAY(sa.SmallInteger()), server_default=NONE, nullable=False),
        sa.Column("min_dpd", sa.Integer(), nullable=True),
        sa.Column("max_dpd", sa.Integer(), nullable=True),
        sa.Column("min_overdue", sa.Numeric(16, 2), nullable=True),
        sa.Column("max_overdue", sa.Numeric(16, 2), nullable=True),
        sa.Column("min_outstanding", sa.Numeric(16, 2), nullable=True),
        sa.Column("max_outstanding", sa.Numeric(16, 2), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("agency_id", sa.Integer(), nullable=True),
        sa.Column("user_ids", pg.ARRAY(sa.Integer()), server_default=NONE, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.CheckConstraint("way IN ('round_robin', 'by_load', 'keep_agent')", name=op.f("ck_allocation_rule_way")),
        sa.CheckConstraint(
            "num_nonnulls(team_id, agency_id, nullif(user_ids, '{}')) = 1", name=op.f("ck_allocation_rule_one_target")
        ),
        sa.CheckConstraint("min_dpd <= max_dpd", name=op.f("ck_allocation_rule_dpd_order")),
        sa.CheckConstraint("min_overdue <= max_overdue", name=op.f("ck_allocation_rule_overdue_order")),
        sa.CheckConstraint("min_outstanding <= max_outstanding", name=op.f("ck_allocation_rule_outstanding_order")),
        sa.ForeignKeyConstraint(["version_id"], ["allocation_rule_version.id"], name=op.f("fk_allocation_rule_version_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_allocation_rule_team_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_allocation_rule_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_rule")),
        sa.UniqueConstraint("version_id", "position", name=op.f("uq_allocation_rule_version_id_position")),
    )


def _create_run() -> None:
    op.create_table(
        "allocation_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("job_run_id", sa.BigInteger(), nullable=True),
        sa.Column("considered", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unallocated", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Numeric(16, 2), nullable=False),
        sa.Column("report", pg.JSONB(), nullable=False),
        sa.CheckConstraint("scope IN ('unallocated', 'all')", name=op.f("ck_allocation_run_scope")),
        sa.ForeignKeyConstraint(["version_id"], ["allocation_rule_version.id"], name=op.f("fk_allocation_run_version_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["app_user.id"], name=op.f("fk_allocation_run_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_run")),
        sa.UniqueConstraint("job_run_id", name=op.f("uq_allocation_run_job_run_id")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM schedule WHERE kind = 'allocate'")
    op.drop_constraint(op.f("ck_allocation_kind"), "allocation")
    for column in ("run_id", "rule_id", "kind"):
        op.drop_column("allocation", column)
    for table in ("allocation_run", "allocation_rule", "allocation_rule_version", "collector_absence", "collector", "agency"):
        op.drop_table(table)
    for column in ("papers_warn_days", "police_check_months", "agent_papers_required"):
        op.drop_column("lender", column)
