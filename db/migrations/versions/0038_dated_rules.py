"""Rules of the gate change from a day on: what held before stays as it was, and the row that follows names it.

Revision: 0038, after 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# what a rule said is kept; `is_enabled` is for rules that ship switched off
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON policy_rule FROM recoup_app;
        GRANT UPDATE (effective_to, is_enabled) ON policy_rule TO recoup_app;
    END IF;
END $$;
"""
BEFORE = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        GRANT UPDATE, DELETE ON policy_rule TO recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("policy_rule", sa.Column("replaces_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_policy_rule_replaces_id"), "policy_rule", "policy_rule", ["replaces_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_policy_rule_dates"), "policy_rule", "effective_to IS NULL OR effective_to >= effective_from"
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(BEFORE)
    op.drop_constraint(op.f("ck_policy_rule_dates"), "policy_rule")
    op.drop_constraint(op.f("fk_policy_rule_replaces_id"), "policy_rule")
    op.drop_column("policy_rule", "replaces_id")
