"""Indexes that pages read by: the promise a contact brought, accounts past due. Which import named a party.

Revision: page_indexes, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "page_indexes"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_promise_contact_attempt",
        "promise",
        ["contact_attempt_id"],
        postgresql_where=sa.text("contact_attempt_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loan_state_past_due",
        "loan_state",
        [sa.text("overdue_amount DESC"), "loan_id"],
        postgresql_where=sa.text("status = 'active' AND bucket > 0"),
    )
    op.add_column("party", sa.Column("created_batch_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("party", "created_batch_id")
    op.drop_index("ix_loan_state_past_due", table_name="loan_state")
    op.drop_index("ix_promise_contact_attempt", table_name="promise")
