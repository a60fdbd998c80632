"""Rates with four decimals; what an import adds points at its batch without a foreign key, as instalments do.

A foreign key is checked row by row, which took longer than writing the rows. Batches are never deleted.

Revision: 0010, after sign_in_failure
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = 'sign_in_failure'
branch_labels = None
depends_on = None

_POINTERS = (("borrower", "created_batch_id"), ("loan", "created_batch_id"), ("contact_point", "created_batch_id"),
             ("consent_event", "batch_id"))


def upgrade() -> None:
    op.alter_column('loan', 'interest_rate', type_=sa.Numeric(9, 4), existing_type=sa.Numeric(16, 2))
    for table, column in _POINTERS:
        op.drop_constraint(f'fk_{table}_{column}', table, type_='foreignkey')


def downgrade() -> None:
    for table, column in _POINTERS:
        op.create_foreign_key(f'fk_{table}_{column}', table, 'import_batch', [column], ['id'])
    op.alter_column('loan', 'interest_rate', type_=sa.Numeric(16, 2), existing_type=sa.Numeric(9, 4))
