"""Hours that a borrower asked to avoid, and the rule of the gate that keeps them.

Revision: 0029, after 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0023"
branch_labels = None
depends_on = None

# what was asked is a fact: the application may only end it
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON contact_window FROM recoup_app;
        GRANT UPDATE (ended_on, ended_by, end_reason) ON contact_window TO recoup_app;
    END IF;
END $$;
"""
RULE = """
INSERT INTO policy_rule (rule, source, parameters, severity, effective_from, is_enabled)
VALUES ('avoided_hours', 'IN-01: a borrower''s request to avoid a time (RBI draft 2026), kept as our own rule until then',
        '{"channels": ["call", "visit", "sms", "whatsapp"]}', 'block', '2000-01-01', true)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('contact_window',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('weekdays', sa.ARRAY(sa.SmallInteger()), nullable=False),
    sa.Column('from_time', sa.Time(), nullable=False),
    sa.Column('to_time', sa.Time(), nullable=False),
    sa.Column('channels', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('ended_by', sa.BigInteger(), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint("cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'", name=op.f('ck_contact_window_weekdays')),
    sa.CheckConstraint('(ended_on IS NULL) = (end_reason IS NULL)', name=op.f('ck_contact_window_ended_with_reason')),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_contact_window_date_order')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_contact_window_borrower_id')),
    sa.ForeignKeyConstraint(['ended_by'], ['app_user.id'], name=op.f('fk_contact_window_ended_by')),
    sa.ForeignKeyConstraint(['recorded_by'], ['app_user.id'], name=op.f('fk_contact_window_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_window')),
    sa.UniqueConstraint('request_key', name=op.f('uq_contact_window_request_key'))
    )
    op.create_index(op.f('ix_contact_window_borrower_id'), 'contact_window', ['borrower_id'], unique=False)
    op.create_index('ix_contact_window_open', 'contact_window', ['borrower_id'], unique=False, postgresql_where=sa.text('ended_on IS NULL'))
    op.execute(GRANTS)
    op.execute(RULE)


def downgrade() -> None:
    op.execute("DELETE FROM policy_rule WHERE rule = 'avoided_hours'")
    op.drop_table("contact_window")
