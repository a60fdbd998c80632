"""Contacts: maintained outcome codes, whom and where a contact reached, promises of several dates, how follow-ups end

Revision: 0020, after 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0025"
branch_labels = None
depends_on = None

CHANNELS = "'{call,visit,sms,whatsapp,email,letter}'"
NEEDS = "'{promise,follow_up,hold,note}'"
HOLDS = (
    "'dispute', 'hardship', 'bereavement', 'calamity', 'complaint', 'legal', 'deceased', 'fraud', 'do_not_contact'"
)

# the checks of a code: what it asks for fits what it counts as, and a promise is only ever the right party's
CHECKS = {
    "channels": f"channels <@ {CHANNELS}",
    "direction": "direction IN ('outbound', 'inbound')",
    "requires": f"requires <@ {NEEDS}",
    "connected": "is_connected OR NOT is_right_party",
    "promise": "is_right_party OR NOT 'promise' = ANY(requires)",
    "hold_kind": f"hold_kind IN ({HOLDS})",
    "hold": "(hold_kind IS NOT NULL) = ('hold' = ANY(requires))",
    "period": "active_to IS NULL OR active_to >= active_from",
}

# code, label, is_right_party, is_connected, requires, next_action, channels, direction, position
NEW_CODES = [
    ("door_locked", "Door locked", False, False, [], "visit", ["visit"], "outbound", 14),
    ("left_notice", "Left a sealed letter", False, False, [], "visit", ["visit"], "outbound", 15),
    ("letter_sent", "Letter sent", False, False, [], "call", ["letter"], "outbound", 16),
    ("letter_returned", "Letter came back", False, False, [], "find_number", ["letter"], "outbound", 17),
    ("asked_for_details", "Asked for details of the loan", True, True, ["note"], "call_back", [], "inbound", 18),
]

# codes are kept for good: retired, never deleted; how a follow-up ended and whom a contact reached are facts
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE DELETE, TRUNCATE ON disposition FROM recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _widen_disposition()
    _widen_contact_attempt()
    _widen_promise()
    op.add_column("follow_up", sa.Column("ended_by", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_follow_up_ended_by"), "follow_up", "ended_by IN ('contact', 'moved')")
    op.create_index(
        "ix_follow_up_ended", "follow_up", ["due_at"], postgresql_where=sa.text("done_at IS NOT NULL")
    )
    op.add_column(
        "lender", sa.Column("recording_required", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.execute(GRANTS)


def _widen_disposition() -> None:
    op.add_column("disposition", sa.Column("channels", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("disposition", sa.Column("direction", sa.Text(), nullable=True))
    op.add_column("disposition", sa.Column("hold_kind", sa.Text(), nullable=True))
    for name in ("is_quick", "is_system"):
        op.add_column("disposition", sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "disposition", sa.Column("active_from", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False)
    )
    op.add_column("disposition", sa.Column("active_to", sa.Date(), nullable=True))
    op.execute("""
        UPDATE disposition SET active_from = '2000-01-01', is_quick = position <= 8, is_system = code = 'message_sent',
               active_to = CASE WHEN NOT is_active THEN CURRENT_DATE END,
               hold_kind = CASE WHEN 'hold' = ANY(requires)
                                THEN CASE code WHEN 'bereavement' THEN 'bereavement' ELSE 'dispute' END END
    """)
    op.drop_column("disposition", "is_active")
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_disposition_{name}"), "disposition", check)
    _seed()


def _seed() -> None:
    names = ("code", "label", "is_right_party", "is_connected", "requires", "next_action", "channels", "direction",
             "position")  # fmt: skip
    kinds = {"is_right_party": sa.Boolean, "is_connected": sa.Boolean, "position": sa.SmallInteger,
             "requires": sa.ARRAY(sa.Text), "channels": sa.ARRAY(sa.Text), "active_from": sa.Date}  # fmt: skip
    table = sa.table("disposition", *(sa.column(name, kinds.get(name, sa.Text)) for name in names))
    op.bulk_insert(table, [dict(zip(names, row, strict=True)) for row in NEW_CODES])
    op.execute("UPDATE disposition SET active_from = '2000-01-01'")


def _widen_contact_attempt() -> None:
    for name, table in (("party_id", "party"), ("contact_point_id", "contact_point")):
        op.add_column("contact_attempt", sa.Column(name, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"fk_contact_attempt_{name}"), "contact_attempt", table, [name], ["id"])
        op.create_index(
            op.f(f"ix_contact_attempt_{name}"),
            "contact_attempt",
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    for name in ("recording_reference", "no_recording_reason"):
        op.add_column("contact_attempt", sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_contact_attempt_party"), "contact_attempt", "party_id IS NULL OR person IN ('co_borrower', 'guarantor')"
    )
    op.create_index(
        "ix_contact_attempt_override",
        "contact_attempt",
        ["at"],
        postgresql_where=sa.text("override_reason IS NOT NULL"),
    )


def _widen_promise() -> None:
    op.add_column("promise", sa.Column("whole_id", sa.BigInteger(), nullable=True))
    op.add_column("promise", sa.Column("part", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("promise", sa.Column("party_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_promise_whole_id"), "promise", "promise", ["whole_id"], ["id"])
    op.create_foreign_key(op.f("fk_promise_party_id"), "promise", "party", ["party_id"], ["id"])
    op.create_check_constraint(op.f("ck_promise_part"), "promise", "part >= 1 AND (part = 1) = (whole_id IS NULL)")
    op.create_index(
        "ix_promise_whole", "promise", ["whole_id", "part"], unique=True,
        postgresql_where=sa.text("whole_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        op.f("ix_promise_party_id"), "promise", ["party_id"], postgresql_where=sa.text("party_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_column("lender", "recording_required")
    op.drop_index("ix_follow_up_ended", table_name="follow_up")
    op.drop_column("follow_up", "ended_by")
    for name in ("party_id", "part", "whole_id"):
        op.drop_column("promise", name)
    op.drop_index("ix_contact_attempt_override", table_name="contact_attempt")
    for name in ("no_recording_reason", "recording_reference", "contact_point_id", "party_id"):
        op.drop_column("contact_attempt", name)
    op.add_column("disposition", sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.execute("UPDATE disposition SET is_active = active_to IS NULL OR active_to > CURRENT_DATE")
    codes = [row[0] for row in NEW_CODES]
    op.execute(sa.text("""
        DELETE FROM disposition d WHERE d.code = ANY(:codes)
        AND NOT EXISTS (SELECT FROM contact_attempt a WHERE a.outcome = d.code)
    """).bindparams(codes=codes))
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_disposition_{name}"), "disposition")
    for name in ("active_to", "active_from", "is_system", "is_quick", "hold_kind", "direction", "channels"):
        op.drop_column("disposition", name)
