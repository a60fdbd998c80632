"""Complaints with their events and clock; stops on contact by region, with the gate's rule about them

Revision: 0016, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON complaint_event, regional_hold_area FROM recoup_app;
        REVOKE DELETE, TRUNCATE ON complaint, regional_hold FROM recoup_app;
    END IF;
END $$;
CREATE TRIGGER complaint_event_append_only BEFORE UPDATE OR DELETE ON complaint_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
RULE = """
INSERT INTO policy_rule (rule, source, parameters, severity, effective_from, is_enabled)
VALUES ('regional_hold', 'IN-04: festivals and calamities by region (RBI draft 2026), kept as our own rule until then',
        '{"kinds": ["festival", "calamity", "other"]}', 'block', '2000-01-01', true)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lender", sa.Column("complaint_answer_days", sa.SmallInteger(), server_default="30", nullable=False))
    op.add_column(
        "lender",
        sa.Column("complaint_alert_days", sa.ARRAY(sa.Integer()), server_default=sa.text("'{20,27}'"), nullable=False),
    )
    op.add_column("lender", sa.Column("complaint_escalation", sa.Text(), nullable=True))
    _create_complaint()
    _create_event()
    _create_regional_hold()
    op.add_column("follow_up", sa.Column("complaint_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_follow_up_complaint_id"), "follow_up", "complaint", ["complaint_id"], ["id"])
    op.create_index(
        "ix_follow_up_complaint",
        "follow_up",
        ["complaint_id"],
        postgresql_where=sa.text("complaint_id IS NOT NULL"),
    )
    op.create_index(
        "ix_hold_in_force", "hold", ["ends_on", "id"], postgresql_where=sa.text("released_at IS NULL")
    )
    op.execute(GRANTS)
    op.execute(RULE)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _points_at(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def _create_complaint() -> None:
    op.create_table(
        "complaint",
        _id(),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("against_user_id", sa.BigInteger(), nullable=True),
        sa.Column("against_agency_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answer_days", sa.SmallInteger(), nullable=False),
        _moment("recorded_at"),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("clock_from", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("compensation", sa.Numeric(16, 2), server_default="0", nullable=False),
        _one_of(
            "complaint", "about", "harassment", "wrong_amount", "wrong_person", "credit_report", "agent_conduct", "other"
        ),
        _one_of(
            "complaint",
            "channel",
            *("call", "visit", "email", "letter", "branch", "message", "website", "regulator"),
        ),
        _one_of("complaint", "status", "open", "acknowledged", "answered", "closed", "reopened"),
        sa.CheckConstraint("answer_days BETWEEN 1 AND 30", name=op.f("ck_complaint_answer_days")),
        sa.CheckConstraint(
            "(status = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_complaint_outcome_when_closed")
        ),
        _points_at("complaint", "borrower_id", "borrower"),
        _points_at("complaint", "against_user_id", "app_user"),
        _points_at("complaint", "against_agency_id", "agency"),
        _points_at("complaint", "recorded_by", "app_user"),
        _points_at("complaint", "officer_id", "app_user"),
        _points_at("complaint", "hold_id", "hold"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("request_key", name=op.f("uq_complaint_request_key")),
    )
    op.create_index(op.f("ix_complaint_borrower_id"), "complaint", ["borrower_id"])
    op.create_index(op.f("ix_complaint_received_on"), "complaint", ["received_on"])
    op.create_index(op.f("ix_complaint_due_on_id"), "complaint", ["due_on", "id"])
    op.create_index(
        "ix_complaint_not_closed", "complaint", ["due_on", "id"], postgresql_where=sa.text("status <> 'closed'")
    )


def _create_event() -> None:
    op.create_table(
        "complaint_event",
        _id(),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _moment("at"),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(16, 2), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        _one_of(
            "complaint_event",
            "kind",
            *("opened", "acknowledged", "answered", "closed", "reopened", "compensated", "noted"),
        ),
        _one_of("complaint_event", "outcome", "upheld", "partly_upheld", "rejected", "frivolous"),
        sa.CheckConstraint("(kind = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_complaint_event_outcome_closes")),
        sa.CheckConstraint(
            "(kind = 'compensated') = (amount IS NOT NULL)", name=op.f("ck_complaint_event_amount_compensates")
        ),
        sa.CheckConstraint(
            "(amount IS NULL) = (paid_on IS NULL)", name=op.f("ck_complaint_event_amount_has_date")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_complaint_event_positive")),
        _points_at("complaint_event", "complaint_id", "complaint"),
        _points_at("complaint_event", "done_by", "app_user"),
        _points_at("complaint_event", "hold_id", "hold"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_event")),
        sa.UniqueConstraint("request_key", name=op.f("uq_complaint_event_request_key")),
    )
    op.create_index(op.f("ix_complaint_event_complaint_id_id"), "complaint_event", ["complaint_id", "id"])


def _create_regional_hold() -> None:
    op.create_table(
        "regional_hold",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        _moment("created_at"),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        _one_of("regional_hold", "kind", "festival", "calamity", "other"),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_regional_hold_date_order")),
        _points_at("regional_hold", "created_by", "app_user"),
        _points_at("regional_hold", "ended_by", "app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regional_hold")),
        sa.UniqueConstraint("request_key", name=op.f("uq_regional_hold_request_key")),
    )
    op.create_index(
        "ix_regional_hold_in_force", "regional_hold", ["ends_on"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "regional_hold_area",
        _id(),
        sa.Column("regional_hold_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        _one_of("regional_hold_area", "level", "everywhere", "region", "state", "city"),
        _points_at("regional_hold_area", "regional_hold_id", "regional_hold"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regional_hold_area")),
        sa.UniqueConstraint(
            "regional_hold_id", "level", "value", name=op.f("uq_regional_hold_area_regional_hold_id_level_value")
        ),
    )


def downgrade() -> None:
    op.execute("DELETE FROM policy_rule WHERE rule = 'regional_hold'")
    op.drop_index("ix_hold_in_force", table_name="hold")
    op.drop_index("ix_follow_up_complaint", table_name="follow_up")
    op.drop_constraint(op.f("fk_follow_up_complaint_id"), "follow_up", type_="foreignkey")
    op.drop_column("follow_up", "complaint_id")
    for table in ("regional_hold_area", "regional_hold", "complaint_event", "complaint"):
        op.drop_table(table)
    for column in ("complaint_escalation", "complaint_alert_days", "complaint_answer_days"):
        op.drop_column("lender", column)
