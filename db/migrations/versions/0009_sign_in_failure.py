"""Failed sign-ins by address, for the limit of guesses from one place

Revision: sign_in_failure, after points_score
"""

import sqlalchemy as sa
from alembic import op

revision = "sign_in_failure"
down_revision = "points_score"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index(op.f("ix_sign_in_failure_address_at"), "sign_in_failure", ["address", "at"])


def downgrade() -> None:
    op.drop_table("sign_in_failure")
