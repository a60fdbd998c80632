"""What an import made lies together: a range index finds it as well as a tree of a million entries, and costs nothing to keep.

Revision: 0040, after 0039
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLES = ("borrower", "loan")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.drop_index(f"ix_{table}_created_batch", table_name=table)
        op.create_index(f"ix_{table}_created_batch", table, ["created_batch_id"], postgresql_using="brin")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.drop_index(f"ix_{table}_created_batch", table_name=table)
        op.execute(
            f"CREATE INDEX ix_{table}_created_batch ON {table} (created_batch_id) WHERE created_batch_id IS NOT NULL"
        )
