"""Hardship: applications for relief on stated means, their decision and reviews, and the limits of relief.

Revision: 0026, after 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0020"
branch_labels = None
depends_on = None

# what was stated and granted are facts: the application may change only what is decided or withdrawn once
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON hardship, hardship_review FROM recoup_app;
        GRANT UPDATE (hold_id, plan_id, decided_on, decided_by, is_granted, decision_reason, withdrawn_on,
                      withdraw_reason)
            ON hardship TO recoup_app;
    END IF;
END $$;
"""

# level, hours; relief waives nothing, so no amount measures it
AUTHORITY = ((1, 48), (2, 48), (3, 72), (4, 72))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_application()
    _create_rest()
    op.execute(GRANTS)
    op.execute("INSERT INTO hardship_policy (id) VALUES (1)")
    for level, hours in AUTHORITY:
        op.get_bind().execute(
            sa.text(
                "INSERT INTO authority_limit (kind, level, max_amount, max_percent, hours)"
                " VALUES ('hardship', :level, NULL, NULL, :hours) ON CONFLICT (kind, level) DO NOTHING"
            ),
            {"level": level, "hours": hours},
        )


def _create_application() -> None:
    op.create_table('hardship',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('story', sa.Text(), nullable=False),
    sa.Column('since_on', sa.Date(), nullable=False),
    sa.Column('income', sa.Numeric(16, 2), nullable=False),
    sa.Column('housing', sa.Numeric(16, 2), nullable=False),
    sa.Column('food', sa.Numeric(16, 2), nullable=False),
    sa.Column('utilities', sa.Numeric(16, 2), nullable=False),
    sa.Column('dependants', sa.SmallInteger(), nullable=False),
    sa.Column('dependant_costs', sa.Numeric(16, 2), nullable=False),
    sa.Column('other_debts', sa.Numeric(16, 2), nullable=False),
    sa.Column('other', sa.Numeric(16, 2), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('relief', sa.Text(), nullable=False),
    sa.Column('relief_from', sa.Date(), nullable=False),
    sa.Column('relief_until', sa.Date(), nullable=False),
    sa.Column('review_on', sa.Date(), nullable=False),
    sa.Column('loan_id', sa.BigInteger(), nullable=True),
    sa.Column('amount', sa.Numeric(16, 2), nullable=True),
    sa.Column('months', sa.SmallInteger(), nullable=True),
    sa.Column('hold_id', sa.BigInteger(), nullable=True),
    sa.Column('plan_id', sa.BigInteger(), nullable=True),
    sa.Column('applied_on', sa.Date(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('applied_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('is_granted', sa.Boolean(), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=True),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.Column('withdraw_reason', sa.Text(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint("(relief = 'lower_instalment') = (loan_id IS NOT NULL AND amount > 0 AND months > 0)", name=op.f('ck_hardship_terms')),
    sa.CheckConstraint("cause IN ('job_loss', 'illness', 'bereavement', 'calamity', 'business', 'family', 'other')", name=op.f('ck_hardship_cause')),
    sa.CheckConstraint("relief IN ('holiday', 'lower_instalment')", name=op.f('ck_hardship_relief')),
    sa.CheckConstraint('(decided_on IS NULL) = (is_granted IS NULL)', name=op.f('ck_hardship_decided')),
    sa.CheckConstraint('income >= 0 AND least(housing, food, utilities, dependant_costs, other_debts, other) >= 0', name=op.f('ck_hardship_means')),
    sa.CheckConstraint('relief_until > relief_from', name=op.f('ck_hardship_date_order')),
    sa.CheckConstraint('review_on BETWEEN relief_from AND relief_until', name=op.f('ck_hardship_review_within')),
    sa.CheckConstraint('withdrawn_on IS NULL OR is_granted IS NULL', name=op.f('ck_hardship_withdrawn_before_decision')),
    sa.ForeignKeyConstraint(['applied_by'], ['app_user.id'], name=op.f('fk_hardship_applied_by')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_hardship_borrower_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['app_user.id'], name=op.f('fk_hardship_decided_by')),
    sa.ForeignKeyConstraint(['hold_id'], ['hold.id'], name=op.f('fk_hardship_hold_id')),
    sa.ForeignKeyConstraint(['loan_id'], ['loan.id'], name=op.f('fk_hardship_loan_id')),
    sa.ForeignKeyConstraint(['plan_id'], ['repayment_plan.id'], name=op.f('fk_hardship_plan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hardship')),
    sa.UniqueConstraint('request_key', name=op.f('uq_hardship_request_key'))
    )
    op.create_index(op.f('ix_hardship_borrower_id'), 'hardship', ['borrower_id'], unique=False)
    op.create_index('ix_hardship_granted', 'hardship', ['relief_until'], unique=False, postgresql_where=sa.text('is_granted'))
    op.create_index('ix_hardship_waiting', 'hardship', ['applied_on'], unique=False, postgresql_where=sa.text('decided_on IS NULL AND withdrawn_on IS NULL'))


def _create_rest() -> None:
    op.create_table('hardship_policy',
    sa.Column('id', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('max_holiday_months', sa.SmallInteger(), server_default='3', nullable=False),
    sa.Column('max_months', sa.SmallInteger(), server_default='24', nullable=False),
    sa.Column('open_days', sa.SmallInteger(), server_default='30', nullable=False),
    sa.Column('review_days', sa.SmallInteger(), server_default='90', nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_hardship_policy_single_row')),
    sa.CheckConstraint('max_holiday_months BETWEEN 1 AND 24', name=op.f('ck_hardship_policy_max_holiday_months')),
    sa.CheckConstraint('max_months BETWEEN 1 AND 60', name=op.f('ck_hardship_policy_max_months')),
    sa.CheckConstraint('open_days BETWEEN 1 AND 120', name=op.f('ck_hardship_policy_open_days')),
    sa.CheckConstraint('review_days BETWEEN 1 AND 170', name=op.f('ck_hardship_policy_review_days')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hardship_policy'))
    )
    op.create_table('hardship_review',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('hardship_id', sa.BigInteger(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('next_review_on', sa.Date(), nullable=True),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("outcome IN ('continue', 'end')", name=op.f('ck_hardship_review_outcome')),
    sa.ForeignKeyConstraint(['hardship_id'], ['hardship.id'], name=op.f('fk_hardship_review_hardship_id')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['app_user.id'], name=op.f('fk_hardship_review_reviewed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hardship_review'))
    )
    op.create_index(op.f('ix_hardship_review_hardship_id'), 'hardship_review', ['hardship_id'], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM authority_limit WHERE kind = 'hardship'")
    op.drop_table("hardship_review")
    op.drop_table("hardship")
    op.drop_table("hardship_policy")
