"""Casework: indexes for what a user has open, closed and was promised on a day

Revision: casework_lookups, after delinquency
"""

import sqlalchemy as sa
from alembic import op

revision = "casework_lookups"
down_revision = "delinquency"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_collection_case_held", "collection_case", ["held_by"], postgresql_where=sa.text("held_by IS NOT NULL")
    )
    op.create_index(
        "ix_collection_case_closed",
        "collection_case",
        ["owner_id", "closed_on"],
        postgresql_where=sa.text("closed_on IS NOT NULL"),
    )
    op.create_index(op.f("ix_promise_recorded_by_promised_on"), "promise", ["recorded_by", "promised_on"])


def downgrade() -> None:
    op.drop_index(op.f("ix_promise_recorded_by_promised_on"), table_name="promise")
    op.drop_index("ix_collection_case_closed", table_name="collection_case")
    op.drop_index("ix_collection_case_held", table_name="collection_case")
