"""Payments and presentations are known by their loan and reference, events of consent by their contact point.

Nobody looked them up by a number of their own, but an index of it was kept for each of millions of rows.

Revision: 0042, after 0041
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

MONEY = ("payment", "mandate_presentation")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in MONEY:
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.drop_constraint(f"uq_{table}_loan_id_reference", table, type_="unique")
        op.create_primary_key(f"pk_{table}", table, ["loan_id", "reference"])
    op.drop_constraint("pk_consent_event", "consent_event", type_="primary")
    op.drop_index("ix_consent_event_contact_point_id", table_name="consent_event")
    op.create_primary_key("pk_consent_event", "consent_event", ["contact_point_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint("pk_consent_event", "consent_event", type_="primary")
    op.create_primary_key("pk_consent_event", "consent_event", ["id"])
    op.create_index("ix_consent_event_contact_point_id", "consent_event", ["contact_point_id"])
    for table in MONEY:
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, ["id"])
        op.create_unique_constraint(f"uq_{table}_loan_id_reference", table, ["loan_id", "reference"])
