"""Performance: sums by owner of the case, targets, costs, and produced reports with their daily schedule.

Revision: 0017, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = "0014"
branch_labels = None
depends_on = None

_COUNTS_1 = ("worked", "contacted", "reached", "calls", "visits", "letters", "messages", "connects", "right_party",
             "right_party_promised", "promises")
_COUNTS_2 = ("kept", "partly_kept", "broken")

# targets, costs and reports are appended; the sums are written anew with each close
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON performance_target, collection_cost, report FROM recoup_app;
    END IF;
END $$;
"""


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _amount(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Numeric(16, 2), nullable=nullable)


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False)


def _id() -> sa.Column:
    return sa.Column('id', sa.BigInteger(), sa.Identity(), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        'performance_day',
        sa.Column('as_of', sa.Date(), nullable=False),
        sa.Column('owner_id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('bucket', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('segment_id', sa.Integer(), autoincrement=False, nullable=False),
        _count('cases'),
        sa.Column('case_share', sa.Numeric(16, 6), nullable=False),
        _amount('to_collect'),
        *(_count(name) for name in _COUNTS_1),
        _amount('promised'),
        _count('fallen_due'),
        _amount('fallen_due_amount'),
        *(_count(name) for name in _COUNTS_2),
        _amount('kept_amount'),
        _amount('collected'),
        sa.Column('collected_squares', sa.Numeric(32, 4), nullable=False),
        _count('paying'),
        _count('cured'),
        sa.PrimaryKeyConstraint('as_of', 'owner_id', 'bucket', 'segment_id', name=op.f('pk_performance_day')),
    )
    op.create_table(
        'performance_target',
        _id(),
        sa.Column('month', sa.Date(), nullable=False),
        sa.Column('owner_id', sa.BigInteger(), nullable=True),
        sa.Column('product_id', sa.Integer(), nullable=True),
        _amount('amount', nullable=True),
        _moment('set_at'),
        sa.Column('set_by', sa.BigInteger(), nullable=True),
        sa.Column('request_key', sa.Text(), nullable=True),
        sa.CheckConstraint('(owner_id IS NULL) <> (product_id IS NULL)', name=op.f('ck_performance_target_one_subject')),
        sa.CheckConstraint('amount > 0', name=op.f('ck_performance_target_positive')),
        sa.CheckConstraint('extract(day FROM month) = 1', name=op.f('ck_performance_target_first_of_month')),
        sa.ForeignKeyConstraint(['owner_id'], ['app_user.id'], name=op.f('fk_performance_target_owner_id')),
        sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_performance_target_product_id')),
        sa.ForeignKeyConstraint(['set_by'], ['app_user.id'], name=op.f('fk_performance_target_set_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_performance_target')),
        sa.UniqueConstraint('request_key', name=op.f('uq_performance_target_request_key')),
    )
    op.create_index(op.f('ix_performance_target_month'), 'performance_target', ['month'])
    op.create_table(
        'collection_cost',
        _id(),
        sa.Column('item', sa.Text(), nullable=False),
        sa.Column('from_month', sa.Date(), nullable=False),
        _amount('amount'),
        _moment('set_at'),
        sa.Column('set_by', sa.BigInteger(), nullable=True),
        sa.Column('request_key', sa.Text(), nullable=True),
        sa.CheckConstraint("item IN ('call', 'visit', 'letter', 'message', 'agent_month')",
                           name=op.f('ck_collection_cost_item')),
        sa.CheckConstraint('amount >= 0', name=op.f('ck_collection_cost_not_negative')),
        sa.CheckConstraint('extract(day FROM from_month) = 1', name=op.f('ck_collection_cost_first_of_month')),
        sa.ForeignKeyConstraint(['set_by'], ['app_user.id'], name=op.f('fk_collection_cost_set_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_collection_cost')),
        sa.UniqueConstraint('request_key', name=op.f('uq_collection_cost_request_key')),
    )
    op.create_table(
        'report',
        _id(),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('format', sa.Text(), nullable=False),
        sa.Column('period_start', sa.Date(), nullable=False),
        sa.Column('as_of', sa.Date(), nullable=False),
        sa.Column('file_name', sa.Text(), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.Column('sha256', sa.Text(), nullable=False),
        _count('size'),
        _moment('produced_at'),
        sa.Column('produced_by', sa.BigInteger(), nullable=True),
        sa.Column('request_key', sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('daily_collections', 'bucket_movement', 'promises', 'agent_performance', 'npa_formation')",
            name=op.f('ck_report_kind')),
        sa.CheckConstraint("format IN ('xlsx', 'pdf')", name=op.f('ck_report_format')),
        sa.CheckConstraint('size = length(content)', name=op.f('ck_report_size')),
        sa.ForeignKeyConstraint(['produced_by'], ['app_user.id'], name=op.f('fk_report_produced_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_report')),
        sa.UniqueConstraint('request_key', name=op.f('uq_report_request_key')),
    )
    op.create_index(op.f('ix_report_as_of'), 'report', ['as_of'])
    op.create_index('ix_collection_case_closed_on', 'collection_case', ['closed_on'],
                    postgresql_where=sa.text('closed_on IS NOT NULL'))
    op.create_index('ix_contact_attempt_at', 'contact_attempt', ['at'], postgresql_using='brin')
    op.create_index('ix_payment_paid_on', 'payment', ['paid_on'], postgresql_using='brin')
    op.create_index(op.f('ix_promise_promised_on'), 'promise', ['promised_on'])
    op.create_index(op.f('ix_promise_due_on'), 'promise', ['due_on'])
    op.execute(GRANTS)
    op.execute("INSERT INTO schedule (kind, daily_at, last_planned_at) VALUES ('report.produce', '05:30', now())")


def downgrade() -> None:
    op.execute("DELETE FROM schedule WHERE kind = 'report.produce'")
    op.drop_index(op.f('ix_promise_due_on'), table_name='promise')
    op.drop_index(op.f('ix_promise_promised_on'), table_name='promise')
    op.drop_index('ix_payment_paid_on', table_name='payment')
    op.drop_index('ix_contact_attempt_at', table_name='contact_attempt')
    op.drop_index('ix_collection_case_closed_on', table_name='collection_case')
    for table in ('report', 'collection_cost', 'performance_target', 'performance_day'):
        op.drop_table(table)
