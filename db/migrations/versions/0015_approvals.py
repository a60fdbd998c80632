"""Approvals by level of authority, with delegation; documents kept as bytes.

Revision: 0015, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = ("approval_event", "document")

LEVELS = [(1, "Team leader"), (2, "Collections manager"), (3, "Head of collections"), (4, "Settlement committee")]

# kind, level, most amount, most percent, hours at this level; '*' stands for kinds without lines of their own
LIMITS = [
    ("*", 1, 25_000, 10, 24),
    ("*", 2, 100_000, 25, 24),
    ("*", 3, 500_000, 50, 48),
    ("*", 4, None, None, 72),
]

GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON {tables} FROM recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_tables()
    _seed()
    op.execute(GRANTS.format(tables=", ".join(APPEND_ONLY)))


def _seed() -> None:
    bind = op.get_bind()
    for level, title in LEVELS:
        bind.execute(
            sa.text("INSERT INTO authority_level (level, title) VALUES (:level, :title)"),
            {"level": level, "title": title},
        )
    for kind, level, amount, percent, hours in LIMITS:
        bind.execute(
            sa.text(
                "INSERT INTO authority_limit (kind, level, max_amount, max_percent, hours)"
                " VALUES (:kind, :level, :amount, :percent, :hours)"
            ),
            {"kind": kind, "level": level, "amount": amount, "percent": percent, "hours": hours},
        )
    bind.execute(sa.text("INSERT INTO schedule (kind, every_minutes) VALUES ('approvals.escalate', 15)"))


def _create_tables() -> None:
    op.create_table('authority_level',
    sa.Column('level', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.CheckConstraint('level BETWEEN 1 AND 9', name=op.f('ck_authority_level_range')),
    sa.PrimaryKeyConstraint('level', name=op.f('pk_authority_level'))
    )
    op.create_table('authority_limit',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('max_amount', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('max_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('hours', sa.Integer(), server_default='24', nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint('hours > 0', name=op.f('ck_authority_limit_hours_positive')),
    sa.CheckConstraint('max_amount > 0', name=op.f('ck_authority_limit_amount_positive')),
    sa.CheckConstraint('max_percent > 0 AND max_percent <= 100', name=op.f('ck_authority_limit_percent')),
    sa.ForeignKeyConstraint(['level'], ['authority_level.level'], name=op.f('fk_authority_limit_level')),
    sa.PrimaryKeyConstraint('kind', 'level', name=op.f('pk_authority_limit'))
    )
    op.create_table('approval_request',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject_kind', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=True),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('first_level', sa.SmallInteger(), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('status', sa.Text(), server_default='waiting', nullable=False),
    sa.Column('excluded_user_ids', sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('asked_by', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_for', sa.BigInteger(), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=True),
    sa.CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name=op.f('ck_approval_request_decided')),
    sa.CheckConstraint("decided_by IS NULL OR status = 'withdrawn' OR decided_by <> ALL (excluded_user_ids)", name=op.f('ck_approval_request_excluded')),
    sa.CheckConstraint("decided_by IS NULL OR status = 'withdrawn' OR decided_by <> asked_by", name=op.f('ck_approval_request_maker_checker')),
    sa.CheckConstraint("status IN ('waiting', 'approved', 'refused', 'withdrawn')", name=op.f('ck_approval_request_status')),
    sa.ForeignKeyConstraint(['asked_by'], ['app_user.id'], name=op.f('fk_approval_request_asked_by')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_approval_request_borrower_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['app_user.id'], name=op.f('fk_approval_request_decided_by')),
    sa.ForeignKeyConstraint(['decided_for'], ['app_user.id'], name=op.f('fk_approval_request_decided_for')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval_request'))
    )
    op.create_index(op.f('ix_approval_request_asked_by_id'), 'approval_request', ['asked_by', 'id'], unique=False)
    op.create_index(op.f('ix_approval_request_borrower_id'), 'approval_request', ['borrower_id'], unique=False)
    op.create_index(op.f('ix_approval_request_decided_by_id'), 'approval_request', ['decided_by', 'id'], unique=False)
    op.create_index('ix_approval_request_overdue', 'approval_request', ['due_at'], unique=False, postgresql_where=sa.text("status = 'waiting'"))
    op.create_index('ix_approval_request_subject', 'approval_request', ['subject_kind', 'subject_id'], unique=False)
    op.create_index('ix_approval_request_waiting', 'approval_request', ['level', 'due_at', 'id'], unique=False, postgresql_where=sa.text("status = 'waiting'"))
    op.create_index('uq_approval_request_waiting', 'approval_request', ['subject_kind', 'subject_id', 'kind'], unique=True, postgresql_where=sa.text("status = 'waiting'"))
    op.create_table('authority',
    sa.Column('user_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('set_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['level'], ['authority_level.level'], name=op.f('fk_authority_level')),
    sa.ForeignKeyConstraint(['set_by'], ['app_user.id'], name=op.f('fk_authority_set_by')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_authority_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_authority'))
    )
    op.create_table('delegation',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('from_user_id', sa.BigInteger(), nullable=False),
    sa.Column('to_user_id', sa.BigInteger(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by', sa.BigInteger(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.BigInteger(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_delegation_date_order')),
    sa.CheckConstraint('from_user_id <> to_user_id', name=op.f('ck_delegation_two_people')),
    sa.ForeignKeyConstraint(['created_by'], ['app_user.id'], name=op.f('fk_delegation_created_by')),
    sa.ForeignKeyConstraint(['from_user_id'], ['app_user.id'], name=op.f('fk_delegation_from_user_id')),
    sa.ForeignKeyConstraint(['revoked_by'], ['app_user.id'], name=op.f('fk_delegation_revoked_by')),
    sa.ForeignKeyConstraint(['to_user_id'], ['app_user.id'], name=op.f('fk_delegation_to_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delegation')),
    sa.UniqueConstraint('request_key', name=op.f('uq_delegation_request_key'))
    )
    op.create_index(op.f('ix_delegation_from_user_id_ends_on'), 'delegation', ['from_user_id', 'ends_on'], unique=False)
    op.create_index(op.f('ix_delegation_to_user_id_ends_on'), 'delegation', ['to_user_id', 'ends_on'], unique=False)
    op.create_table('document',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('file_name', sa.Text(), nullable=False),
    sa.Column('media_type', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=True),
    sa.Column('subject_kind', sa.Text(), nullable=True),
    sa.Column('subject_id', sa.BigInteger(), nullable=True),
    sa.Column('stored_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('stored_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('octet_length(sha256) = 32', name=op.f('ck_document_sha256')),
    sa.CheckConstraint('size = octet_length(content)', name=op.f('ck_document_size')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_document_borrower_id')),
    sa.ForeignKeyConstraint(['stored_by'], ['app_user.id'], name=op.f('fk_document_stored_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document'))
    )
    op.create_index(op.f('ix_document_borrower_id_id'), 'document', ['borrower_id', 'id'], unique=False, postgresql_where=sa.text('borrower_id IS NOT NULL'))
    op.create_index('ix_document_subject', 'document', ['subject_kind', 'subject_id'], unique=False)
    op.create_table('approval_event',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('request_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('actor_id', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint("event IN ('asked', 'escalated', 'approved', 'refused', 'withdrawn')", name=op.f('ck_approval_event_event')),
    sa.ForeignKeyConstraint(['actor_id'], ['app_user.id'], name=op.f('fk_approval_event_actor_id')),
    sa.ForeignKeyConstraint(['request_id'], ['approval_request.id'], name=op.f('fk_approval_event_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval_event'))
    )
    op.create_index(op.f('ix_approval_event_request_id'), 'approval_event', ['request_id'], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM schedule WHERE kind = 'approvals.escalate'")
    op.drop_index(op.f('ix_approval_event_request_id'), table_name='approval_event')
    op.drop_table('approval_event')
    op.drop_index('ix_document_subject', table_name='document')
    op.drop_index(op.f('ix_document_borrower_id_id'), table_name='document', postgresql_where=sa.text('borrower_id IS NOT NULL'))
    op.drop_table('document')
    op.drop_index(op.f('ix_delegation_to_user_id_ends_on'), table_name='delegation')
    op.drop_index(op.f('ix_delegation_from_user_id_ends_on'), table_name='delegation')
    op.drop_table('delegation')
    op.drop_table('authority')
    op.drop_index('uq_approval_request_waiting', table_name='approval_request', postgresql_where=sa.text("status = 'waiting'"))
    op.drop_index('ix_approval_request_waiting', table_name='approval_request', postgresql_where=sa.text("status = 'waiting'"))
    op.drop_index('ix_approval_request_subject', table_name='approval_request')
    op.drop_index('ix_approval_request_overdue', table_name='approval_request', postgresql_where=sa.text("status = 'waiting'"))
    op.drop_index(op.f('ix_approval_request_decided_by_id'), table_name='approval_request')
    op.drop_index(op.f('ix_approval_request_borrower_id'), table_name='approval_request')
    op.drop_index(op.f('ix_approval_request_asked_by_id'), table_name='approval_request')
    op.drop_table('approval_request')
    op.drop_table('authority_limit')
    op.drop_table('authority_level')
