"""What agencies are paid, from a month on; the report of agencies.

Revision: 0024, after place_indexes
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "place_indexes"
branch_labels = None
depends_on = None

BEFORE = ("daily_collections", "bucket_movement", "promises", "agent_performance", "npa_formation")
AFTER = ("daily_collections", "bucket_movement", "promises", "agent_performance", "agency_performance", "npa_formation")

# terms are appended
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON agency_terms FROM recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "agency_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("from_month", sa.Date(), nullable=False),
        sa.Column("commission_percent", sa.Numeric(5, 2), nullable=False),
        sa.Column("monthly_fee", sa.Numeric(16, 2), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.CheckConstraint("commission_percent BETWEEN 0 AND 100", name=op.f("ck_agency_terms_commission")),
        sa.CheckConstraint("monthly_fee >= 0", name=op.f("ck_agency_terms_fee")),
        sa.CheckConstraint("extract(day FROM from_month) = 1", name=op.f("ck_agency_terms_first_of_month")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_terms_agency_id")),
        sa.ForeignKeyConstraint(["set_by"], ["app_user.id"], name=op.f("fk_agency_terms_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_terms")),
        sa.UniqueConstraint("request_key", name=op.f("uq_agency_terms_request_key")),
    )
    op.create_index(op.f("ix_agency_terms_agency_id_from_month_id"), "agency_terms", ["agency_id", "from_month", "id"])
    op.execute(GRANTS)
    _allow(AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM report WHERE kind = 'agency_performance'")
    _allow(BEFORE)
    op.drop_table("agency_terms")


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_report_kind"), "report", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_report_kind"), "report", f"kind IN ({listed})")
