"""The cases that a month's performance is made of are kept, so that each figure leads to them.

Revision: 0039, after 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_COUNTS_1 = ("attempts", "connects", "right_party", "right_party_promised", "promises")
_COUNTS_2 = ("kept", "partly_kept", "broken")


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _amount(name: str) -> sa.Column:
    return sa.Column(name, sa.Numeric(16, 2), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "performance_case",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Numeric(16, 6), nullable=True),
        _amount("to_collect"),
        *(_count(name) for name in _COUNTS_1),
        _amount("promised"),
        _count("fallen_due"),
        _amount("fallen_due_amount"),
        *(_count(name) for name in _COUNTS_2),
        _amount("kept_amount"),
        _amount("collected"),
        _count("cured"),
        sa.PrimaryKeyConstraint("as_of", "owner_id", "case_id", name=op.f("pk_performance_case")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("performance_case")
