"""Promises by day-end, for trends

Revision: promise_day, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "promise_day"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    money = sa.Numeric(precision=16, scale=2)
    op.create_table(
        "promise_day",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("segment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("risk_band", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("pending_amount", money, nullable=False),
        sa.Column("kept_mtd", sa.Integer(), nullable=False),
        sa.Column("partly_kept_mtd", sa.Integer(), nullable=False),
        sa.Column("broken_mtd", sa.Integer(), nullable=False),
        sa.Column("broken_amount_mtd", money, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "segment_id", "risk_band", name=op.f("pk_promise_day")),
    )


def downgrade() -> None:
    op.drop_table("promise_day")
