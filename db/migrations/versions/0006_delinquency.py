"""Delinquency: borrower-wide NPA as a setting, restatements that know whether they are done, indexes of rare facts

Revision: delinquency, after background
"""

import sqlalchemy as sa
from alembic import op

revision = "delinquency"
down_revision = "background"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "lender", sa.Column("npa_by_borrower", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("restatement", sa.Column("done_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_restatement_pending", "restatement", ["loan_id"], postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_index(
        "ix_payment_reversal",
        "payment",
        ["loan_id", "reverses_reference"],
        postgresql_where=sa.text("kind = 'reversal'"),
    )
    op.create_index(
        "ix_mandate_presentation_bounced",
        "mandate_presentation",
        ["loan_id", "presented_on"],
        postgresql_where=sa.text("result = 'bounced'"),
    )


def downgrade() -> None:
    op.drop_index("ix_mandate_presentation_bounced", table_name="mandate_presentation")
    op.drop_index("ix_payment_reversal", table_name="payment")
    op.drop_index("ix_restatement_pending", table_name="restatement")
    op.drop_column("restatement", "done_at")
    op.drop_column("lender", "npa_by_borrower")
