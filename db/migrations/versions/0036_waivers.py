"""Waivers of charges, decided by another person, and the due dates that they lower.

Revision: 0036, after 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# what was asked and waived are facts: the application changes only what is decided or taken back once
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON charge_waiver, charge_waiver_part FROM recoup_app;
        GRANT UPDATE (decided_on, decided_by, is_granted, withdrawn_on, taken_back_on, taken_back_by, take_back_reason)
            ON charge_waiver TO recoup_app;
        GRANT UPDATE (taken_back_on) ON charge_waiver_part TO recoup_app;
    END IF;
END $$;
"""
# level, largest amount, hours
AUTHORITY = ((1, 5_000, 48), (2, 25_000, 48), (3, 100_000, 72), (4, None, 72))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('charge_waiver',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('loan_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('asked_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('is_granted', sa.Boolean(), nullable=True),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.Column('taken_back_on', sa.Date(), nullable=True),
    sa.Column('taken_back_by', sa.BigInteger(), nullable=True),
    sa.Column('take_back_reason', sa.Text(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint('(decided_on IS NULL) = (is_granted IS NULL)', name=op.f('ck_charge_waiver_decided')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_charge_waiver_positive')),
    sa.CheckConstraint('taken_back_on IS NULL OR (is_granted AND take_back_reason IS NOT NULL)', name=op.f('ck_charge_waiver_taken_back')),
    sa.CheckConstraint('withdrawn_on IS NULL OR decided_on IS NULL', name=op.f('ck_charge_waiver_withdrawn_before_decision')),
    sa.ForeignKeyConstraint(['asked_by'], ['app_user.id'], name=op.f('fk_charge_waiver_asked_by')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_charge_waiver_borrower_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['app_user.id'], name=op.f('fk_charge_waiver_decided_by')),
    sa.ForeignKeyConstraint(['loan_id'], ['loan.id'], name=op.f('fk_charge_waiver_loan_id')),
    sa.ForeignKeyConstraint(['taken_back_by'], ['app_user.id'], name=op.f('fk_charge_waiver_taken_back_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_charge_waiver')),
    sa.UniqueConstraint('request_key', name=op.f('uq_charge_waiver_request_key'))
    )
    op.create_index(op.f('ix_charge_waiver_borrower_id'), 'charge_waiver', ['borrower_id'], unique=False)
    op.create_index('ix_charge_waiver_waiting', 'charge_waiver', ['loan_id'], unique=True, postgresql_where=sa.text('decided_on IS NULL AND withdrawn_on IS NULL'))
    op.create_table('charge_waiver_part',
    sa.Column('waiver_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('number', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('loan_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('waived_on', sa.Date(), nullable=False),
    sa.Column('taken_back_on', sa.Date(), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_charge_waiver_part_positive')),
    sa.CheckConstraint('taken_back_on >= waived_on', name=op.f('ck_charge_waiver_part_date_order')),
    sa.ForeignKeyConstraint(['loan_id', 'number'], ['instalment.loan_id', 'instalment.number'], name=op.f('fk_charge_waiver_part_loan_id_number')),
    sa.ForeignKeyConstraint(['waiver_id'], ['charge_waiver.id'], name=op.f('fk_charge_waiver_part_waiver_id')),
    sa.PrimaryKeyConstraint('waiver_id', 'number', name=op.f('pk_charge_waiver_part'))
    )
    op.create_index(op.f('ix_charge_waiver_part_loan_id'), 'charge_waiver_part', ['loan_id'], unique=False)
    op.execute(GRANTS)
    for level, amount, hours in AUTHORITY:
        op.get_bind().execute(
            sa.text(
                "INSERT INTO authority_limit (kind, level, max_amount, max_percent, hours)"
                " VALUES ('charge_waiver', :level, :amount, NULL, :hours) ON CONFLICT (kind, level) DO NOTHING"
            ),
            {"level": level, "amount": amount, "hours": hours},
        )


def downgrade() -> None:
    op.execute("DELETE FROM authority_limit WHERE kind = 'charge_waiver'")
    op.drop_table("charge_waiver_part")
    op.drop_table("charge_waiver")
