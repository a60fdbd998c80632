"""Indexes over the few places and languages of many borrowers: forms offer them without reading every borrower.

Revision: place_indexes, after 0017
"""

from alembic import op

revision = "place_indexes"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_borrower_place", "borrower", ["region", "state", "city"])
    op.create_index("ix_borrower_language", "borrower", ["language"])


def downgrade() -> None:
    op.drop_index("ix_borrower_language", table_name="borrower")
    op.drop_index("ix_borrower_place", table_name="borrower")
