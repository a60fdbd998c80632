"""Stages by rules that a leader edits, the moves between them, and the people of a case.

The first version of the rules is what was fixed before: by the worst DPD alone.

Revision: 0012, after 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = "page_indexes"
branch_labels = None
depends_on = None

STAGES = "('soft', 'mid', 'hard', 'legal', 'recovery')"
APPENDED = "stage_rule_set, stage_rule, stage_rule_withdrawal, stage_move"
# position, stage, least DPD, greatest DPD
FIRST_RULES = [(1, 'soft', None, 30), (2, 'mid', 31, 60), (3, 'hard', 61, 90)]

REVOKE = f"""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON {APPENDED} FROM recoup_app;
    END IF;
END $$;
"""
NPA = """
UPDATE collection_case c SET is_npa = true
WHERE c.closed_on IS NULL
  AND EXISTS (SELECT FROM loan_state s WHERE s.borrower_id = c.borrower_id AND s.status = 'active'
              AND s.asset_class = 'npa')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_rules()
    _create_moves()
    _create_people()
    op.add_column('collection_case', sa.Column('is_npa', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('collection_case', sa.Column('stage_before', sa.Text(), server_default='soft', nullable=False))
    op.execute(NPA)
    op.execute(REVOKE)
    _seed()


def _create_rules() -> None:
    op.create_table(
        'stage_rule_set',
        sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('effective_from', sa.Date(), nullable=False),
        sa.Column('default_stage', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('created_by', sa.BigInteger(), nullable=True),
        sa.Column('request_key', sa.Text(), nullable=True),
        sa.CheckConstraint(f"default_stage IN {STAGES}", name=op.f('ck_stage_rule_set_default_stage')),
        sa.ForeignKeyConstraint(['created_by'], ['app_user.id'], name=op.f('fk_stage_rule_set_created_by')),
        sa.PrimaryKeyConstraint('version', name=op.f('pk_stage_rule_set')),
        sa.UniqueConstraint('request_key', name=op.f('uq_stage_rule_set_request_key')),
    )
    op.create_table(
        'stage_rule',
        sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('position', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('stage', sa.Text(), nullable=False),
        sa.Column('min_dpd', sa.Integer(), nullable=True),
        sa.Column('max_dpd', sa.Integer(), nullable=True),
        sa.Column('min_overdue', sa.Numeric(16, 2), nullable=True),
        sa.Column('below_overdue', sa.Numeric(16, 2), nullable=True),
        sa.Column('risk_bands', postgresql.ARRAY(sa.SmallInteger()), nullable=True),
        sa.Column('product_ids', postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column('is_npa', sa.Boolean(), nullable=True),
        sa.CheckConstraint(f"stage IN {STAGES}", name=op.f('ck_stage_rule_stage')),
        sa.CheckConstraint('min_dpd <= max_dpd', name=op.f('ck_stage_rule_dpd_order')),
        sa.CheckConstraint('min_overdue < below_overdue', name=op.f('ck_stage_rule_overdue_order')),
        sa.CheckConstraint(
            'num_nonnulls(min_dpd, max_dpd, min_overdue, below_overdue, risk_bands, product_ids, is_npa) > 0',
            name=op.f('ck_stage_rule_asks_something'),
        ),
        sa.ForeignKeyConstraint(['version'], ['stage_rule_set.version'], name=op.f('fk_stage_rule_version')),
        sa.PrimaryKeyConstraint('version', 'position', name=op.f('pk_stage_rule')),
    )
    op.create_table(
        'stage_rule_withdrawal',
        sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('withdrawn_by', sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(['version'], ['stage_rule_set.version'], name=op.f('fk_stage_rule_withdrawal_version')),
        sa.ForeignKeyConstraint(['withdrawn_by'], ['app_user.id'], name=op.f('fk_stage_rule_withdrawal_withdrawn_by')),
        sa.PrimaryKeyConstraint('version', name=op.f('pk_stage_rule_withdrawal')),
    )


def _create_moves() -> None:
    op.create_table(
        'stage_move',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('case_id', sa.BigInteger(), nullable=False),
        sa.Column('borrower_id', sa.BigInteger(), nullable=False),
        sa.Column('moved_on', sa.Date(), nullable=False),
        sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('from_stage', sa.Text(), nullable=False),
        sa.Column('to_stage', sa.Text(), nullable=False),
        sa.Column('cause', sa.Text(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('position', sa.SmallInteger(), nullable=True),
        sa.Column('max_dpd', sa.Integer(), nullable=False),
        sa.Column('overdue_amount', sa.Numeric(16, 2), nullable=False),
        sa.CheckConstraint("cause IN ('facts', 'rules')", name=op.f('ck_stage_move_cause')),
        sa.CheckConstraint('from_stage <> to_stage', name=op.f('ck_stage_move_moves')),
        sa.ForeignKeyConstraint(
            ['case_id'], ['collection_case.id'], name=op.f('fk_stage_move_case_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stage_move')),
    )
    op.create_index(op.f('ix_stage_move_borrower_id'), 'stage_move', ['borrower_id'])
    op.create_index(op.f('ix_stage_move_case_id'), 'stage_move', ['case_id'])
    op.create_index(op.f('ix_stage_move_moved_on'), 'stage_move', ['moved_on'])


def _create_people() -> None:
    op.create_table(
        'case_person',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('case_id', sa.BigInteger(), nullable=False),
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('added_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('added_by', sa.BigInteger(), nullable=True),
        sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('removed_by', sa.BigInteger(), nullable=True),
        sa.Column('remove_reason', sa.Text(), nullable=True),
        sa.CheckConstraint("role IN ('field', 'legal', 'watcher')", name=op.f('ck_case_person_role')),
        sa.CheckConstraint(
            '(removed_at IS NULL) = (remove_reason IS NULL)', name=op.f('ck_case_person_removal_has_a_reason')
        ),
        sa.ForeignKeyConstraint(['case_id'], ['collection_case.id'], name=op.f('fk_case_person_case_id')),
        sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_case_person_user_id')),
        sa.ForeignKeyConstraint(['added_by'], ['app_user.id'], name=op.f('fk_case_person_added_by')),
        sa.ForeignKeyConstraint(['removed_by'], ['app_user.id'], name=op.f('fk_case_person_removed_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_case_person')),
    )
    op.create_index(op.f('ix_case_person_case_id'), 'case_person', ['case_id'])
    now = sa.text('removed_at IS NULL')
    op.create_index(
        'uq_case_person_now', 'case_person', ['user_id', 'case_id', 'role'], unique=True, postgresql_where=now
    )


def _seed() -> None:
    bind = op.get_bind()
    bind.execute(
        sa.text(
            "INSERT INTO stage_rule_set (version, effective_from, default_stage, reason)"
            " VALUES (1, '2000-01-01', 'recovery', 'The stages that Recoup begins with: by the worst days past due')"
        )
    )
    statement = sa.text(
        "INSERT INTO stage_rule (version, position, stage, min_dpd, max_dpd) VALUES (1, :position, :stage, :low, :high)"
    )
    for position, stage, low, high in FIRST_RULES:
        bind.execute(statement, {"position": position, "stage": stage, "low": low, "high": high})


def downgrade() -> None:
    op.drop_column('collection_case', 'stage_before')
    op.drop_column('collection_case', 'is_npa')
    op.drop_table('case_person')
    op.drop_table('stage_move')
    op.drop_table('stage_rule_withdrawal')
    op.drop_table('stage_rule')
    op.drop_table('stage_rule_set')
