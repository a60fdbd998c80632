"""Casework: usual outcomes of a contact, promise settings, request keys, indexes of the leader's queue

Revision: casework, after promise_day
"""

import sqlalchemy as sa
from alembic import op

revision = "casework"
down_revision = "promise_day"
branch_labels = None
depends_on = None

KEYED = ("follow_up", "hold")

# code, label, is_right_party, is_connected, requires, next_action; the first eight are the usual ones
DISPOSITIONS = [
    ("promise_to_pay", "Promise to pay", True, True, ["promise"], "await_promise"),
    ("paid_already", "Paid already", True, True, [], "check_payment"),
    ("call_back", "Call back", True, True, ["follow_up"], "call_back"),
    ("refuses_to_pay", "Refuses to pay", True, True, ["note"], "review"),
    ("dispute", "Disputes the debt", True, True, ["hold", "note"], "resolve_dispute"),
    ("wrong_number", "Wrong number", False, True, [], "find_number"),
    ("no_answer", "No answer", False, False, [], "call"),
    ("left_message", "Switched off or left message", False, False, [], "call"),
    ("third_party", "Third party, nothing disclosed", False, True, [], "call"),
    ("hardship", "Cannot pay now", True, True, ["note"], "offer_plan"),
    ("bereavement", "Death or bereavement", False, True, ["hold", "note"], "review_hold"),
    ("language_barrier", "Speaks another language", True, True, ["note"], "reassign"),
    ("message_sent", "Message sent", False, False, [], None),
]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lender", sa.Column("promise_grace_days", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("lender", sa.Column("promise_limit_days", sa.SmallInteger(), server_default="30", nullable=False))
    for table in KEYED:
        op.add_column(table, sa.Column("request_key", sa.Text(), nullable=True))
        op.create_unique_constraint(op.f(f"uq_{table}_request_key"), table, ["request_key"])
    _create_indexes()
    _seed_dispositions()


def _create_indexes() -> None:
    by_priority = [sa.text("priority DESC"), "id"]
    op.create_index(
        "ix_collection_case_unallocated",
        "collection_case",
        by_priority,
        postgresql_where=sa.text("closed_on IS NULL AND owner_id IS NULL"),
    )
    op.create_index(
        "ix_collection_case_broken",
        "collection_case",
        by_priority,
        postgresql_where=sa.text("closed_on IS NULL AND has_broken_promise"),
    )
    op.create_index(
        "ix_collection_case_promise_due",
        "collection_case",
        ["promise_due_on"],
        postgresql_where=sa.text("closed_on IS NULL AND promise_due_on IS NOT NULL"),
    )


def _seed_dispositions() -> None:
    disposition = sa.table(
        "disposition",
        sa.column("code", sa.Text),
        sa.column("label", sa.Text),
        sa.column("is_right_party", sa.Boolean),
        sa.column("is_connected", sa.Boolean),
        sa.column("requires", sa.ARRAY(sa.Text)),
        sa.column("next_action", sa.Text),
        sa.column("position", sa.SmallInteger),
    )
    names = [column.name for column in disposition.columns]
    rows = [dict(zip(names, (*row, position), strict=True)) for position, row in enumerate(DISPOSITIONS, start=1)]
    op.bulk_insert(disposition, rows)


def downgrade() -> None:
    codes = [row[0] for row in DISPOSITIONS]
    op.execute(sa.text("DELETE FROM disposition WHERE code = ANY(:codes)").bindparams(codes=codes))
    for name in ("unallocated", "broken", "promise_due"):
        op.drop_index(f"ix_collection_case_{name}", table_name="collection_case")
    for table in KEYED:
        op.drop_constraint(op.f(f"uq_{table}_request_key"), table)
        op.drop_column(table, "request_key")
    op.drop_column("lender", "promise_limit_days")
    op.drop_column("lender", "promise_grace_days")
