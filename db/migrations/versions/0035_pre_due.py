"""The stage before anything is overdue: from how many days before an instalment, and for which risk.

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lender", sa.Column("pre_due_days", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column(
        "lender", sa.Column("pre_due_bands", sa.ARRAY(sa.SmallInteger()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.create_check_constraint("pre_due_days", "lender", "pre_due_days BETWEEN 0 AND 15")


def downgrade() -> None:
    op.execute("DELETE FROM stage_move WHERE from_stage = 'pre_due' OR to_stage = 'pre_due'")
    op.execute("UPDATE collection_case SET stage = 'soft' WHERE stage = 'pre_due'")
    op.drop_constraint(op.f("ck_lender_pre_due_days"), "lender")
    op.drop_column("lender", "pre_due_bands")
    op.drop_column("lender", "pre_due_days")
