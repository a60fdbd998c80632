"""Field visits: places and positions of addresses, visits, check-ins, receipts, deposits, and the order of places.

Revision: 0033, after 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0029"
branch_labels = None
depends_on = None

# what happened is a fact: the application changes only what is decided once
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE
            ON address_place, address_position, visit, visit_check_in, deposit, receipt, receipt_series FROM recoup_app;
        GRANT UPDATE (cancelled_at, cancelled_by, cancel_reason, contact_attempt_id) ON visit TO recoup_app;
        GRANT UPDATE (decided_at, decided_by, has_arrived, decision_reason) ON deposit TO recoup_app;
        GRANT UPDATE (deposit_id, credited_on, bounced_on, cancelled_at, cancelled_by, cancel_reason)
            ON receipt TO recoup_app;
        GRANT UPDATE (last_number) ON receipt_series TO recoup_app;
    END IF;
END $$;
"""
# the borrower's choice first, then the home, then the place of work
RULES = """
INSERT INTO policy_rule (rule, source, parameters, severity, effective_from, is_enabled)
VALUES ('visit_place', 'IN-05: order of places (RBI draft 2026)',
        '{"channels": ["visit"], "residence_after": 1, "workplace_after": 1}', 'block', '2026-10-01', true),
       ('visit_place', 'IN-02: microfinance, designated place first (RBI Directions of 14 Mar 2022)',
        '{"channels": ["visit"], "microfinance_only": true, "needs_choice": true, "residence_after": 2,
          "workplace_after": 0}', 'block', '2022-04-01', true)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_places()
    _create_visits()
    _create_money()
    _create_policy()
    op.execute(GRANTS)
    op.execute(RULES)
    op.execute("INSERT INTO field_policy (id) VALUES (1)")


def _create_places() -> None:
    op.create_table('address_place',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('contact_point_id', sa.BigInteger(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("place IN ('chosen', 'residence', 'workplace', 'other')", name=op.f('ck_address_place_place')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_address_place_borrower_id')),
    sa.ForeignKeyConstraint(['contact_point_id'], ['contact_point.id'], name=op.f('fk_address_place_contact_point_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['app_user.id'], name=op.f('fk_address_place_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_place'))
    )
    op.create_index(op.f('ix_address_place_borrower_id'), 'address_place', ['borrower_id'], unique=False)
    op.create_index('ix_address_place_newest', 'address_place', ['contact_point_id', 'id'], unique=False)
    op.create_table('address_position',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('contact_point_id', sa.BigInteger(), nullable=False),
    sa.Column('position_encrypted', sa.LargeBinary(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("source IN ('entered', 'visit')", name=op.f('ck_address_position_source')),
    sa.ForeignKeyConstraint(['contact_point_id'], ['contact_point.id'], name=op.f('fk_address_position_contact_point_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['app_user.id'], name=op.f('fk_address_position_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_position'))
    )
    op.create_index('ix_address_position_newest', 'address_position', ['contact_point_id', 'id'], unique=False)


def _create_visits() -> None:
    op.create_table('visit',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=True),
    sa.Column('agent_id', sa.BigInteger(), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('appointed_at', sa.Time(), nullable=True),
    sa.Column('contact_point_id', sa.BigInteger(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=True),
    sa.Column('planned_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('planned_by', sa.BigInteger(), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_by', sa.BigInteger(), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.Column('contact_attempt_id', sa.BigInteger(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint("place IN ('chosen', 'residence', 'workplace', 'other')", name=op.f('ck_visit_place')),
    sa.CheckConstraint('(cancelled_at IS NULL) = (cancel_reason IS NULL)', name=op.f('ck_visit_cancelled_with_reason')),
    sa.CheckConstraint('cancelled_at IS NULL OR contact_attempt_id IS NULL', name=op.f('ck_visit_cancelled_or_done')),
    sa.ForeignKeyConstraint(['agent_id'], ['app_user.id'], name=op.f('fk_visit_agent_id')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_visit_borrower_id')),
    sa.ForeignKeyConstraint(['cancelled_by'], ['app_user.id'], name=op.f('fk_visit_cancelled_by')),
    sa.ForeignKeyConstraint(['case_id'], ['collection_case.id'], name=op.f('fk_visit_case_id')),
    sa.ForeignKeyConstraint(['contact_attempt_id'], ['contact_attempt.id'], name=op.f('fk_visit_contact_attempt_id')),
    sa.ForeignKeyConstraint(['contact_point_id'], ['contact_point.id'], name=op.f('fk_visit_contact_point_id')),
    sa.ForeignKeyConstraint(['planned_by'], ['app_user.id'], name=op.f('fk_visit_planned_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    sa.UniqueConstraint('contact_attempt_id', name=op.f('uq_visit_contact_attempt_id')),
    sa.UniqueConstraint('request_key', name=op.f('uq_visit_request_key'))
    )
    op.create_index(op.f('ix_visit_agent_id_planned_on'), 'visit', ['agent_id', 'planned_on'], unique=False)
    op.create_index('ix_visit_borrower_day', 'visit', ['borrower_id', 'planned_on'], unique=True, postgresql_where=sa.text('cancelled_at IS NULL'))
    op.create_index(op.f('ix_visit_planned_on'), 'visit', ['planned_on'], unique=False)
    op.create_table('visit_check_in',
    sa.Column('visit_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('position_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('accuracy_m', sa.Integer(), nullable=True),
    sa.Column('distance_m', sa.Integer(), nullable=True),
    sa.Column('no_position_reason', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('gate_decision_id', sa.BigInteger(), nullable=True),
    sa.Column('override_reason', sa.Text(), nullable=True),
    sa.Column('checked_in_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("source IN ('page', 'sheet')", name=op.f('ck_visit_check_in_source')),
    sa.CheckConstraint('(position_encrypted IS NULL) = (no_position_reason IS NOT NULL)', name=op.f('ck_visit_check_in_position_or_reason')),
    sa.CheckConstraint('accuracy_m >= 0 AND distance_m >= 0', name=op.f('ck_visit_check_in_metres')),
    sa.ForeignKeyConstraint(['checked_in_by'], ['app_user.id'], name=op.f('fk_visit_check_in_checked_in_by')),
    sa.ForeignKeyConstraint(['gate_decision_id'], ['gate_decision.id'], name=op.f('fk_visit_check_in_gate_decision_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_visit_check_in_visit_id')),
    sa.PrimaryKeyConstraint('visit_id', name=op.f('pk_visit_check_in'))
    )


def _create_money() -> None:
    op.create_table('receipt_series',
    sa.Column('year', sa.Text(), nullable=False),
    sa.Column('last_number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_receipt_series'))
    )
    op.create_table('deposit',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('agent_id', sa.BigInteger(), nullable=False),
    sa.Column('deposited_on', sa.Date(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('expected_amount', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('difference_reason', sa.Text(), nullable=True),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('has_arrived', sa.Boolean(), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint('(decided_at IS NULL) = (has_arrived IS NULL)', name=op.f('ck_deposit_decided')),
    sa.CheckConstraint('amount = expected_amount OR difference_reason IS NOT NULL', name=op.f('ck_deposit_difference_with_reason')),
    sa.CheckConstraint('amount >= 0 AND expected_amount > 0', name=op.f('ck_deposit_amounts')),
    sa.CheckConstraint('has_arrived IS DISTINCT FROM false OR decision_reason IS NOT NULL', name=op.f('ck_deposit_refused_with_reason')),
    sa.ForeignKeyConstraint(['agent_id'], ['app_user.id'], name=op.f('fk_deposit_agent_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['app_user.id'], name=op.f('fk_deposit_decided_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deposit')),
    sa.UniqueConstraint('request_key', name=op.f('uq_deposit_request_key'))
    )
    op.create_index(op.f('ix_deposit_agent_id_deposited_on'), 'deposit', ['agent_id', 'deposited_on'], unique=False)
    op.create_index('ix_deposit_open', 'deposit', ['deposited_on'], unique=False, postgresql_where=sa.text('decided_at IS NULL'))
    op.create_table('receipt',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('loan_id', sa.BigInteger(), nullable=False),
    sa.Column('visit_id', sa.BigInteger(), nullable=True),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('cheque_number', sa.Text(), nullable=True),
    sa.Column('cheque_bank', sa.Text(), nullable=True),
    sa.Column('cheque_on', sa.Date(), nullable=True),
    sa.Column('paid_by', sa.Text(), nullable=False),
    sa.Column('paper_number', sa.Text(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('received_by', sa.BigInteger(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deposit_id', sa.BigInteger(), nullable=True),
    sa.Column('credited_on', sa.Date(), nullable=True),
    sa.Column('bounced_on', sa.Date(), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_by', sa.BigInteger(), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.Column('request_key', sa.Text(), nullable=True),
    sa.CheckConstraint("(mode = 'cheque') = (cheque_number IS NOT NULL AND cheque_bank IS NOT NULL AND cheque_on IS NOT NULL)", name=op.f('ck_receipt_cheque')),
    sa.CheckConstraint("bounced_on IS NULL OR mode = 'cheque'", name=op.f('ck_receipt_bounced')),
    sa.CheckConstraint("mode IN ('cash', 'cheque')", name=op.f('ck_receipt_mode')),
    sa.CheckConstraint('(cancelled_at IS NULL) = (cancel_reason IS NULL)', name=op.f('ck_receipt_cancelled_with_reason')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_receipt_positive')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_receipt_borrower_id')),
    sa.ForeignKeyConstraint(['cancelled_by'], ['app_user.id'], name=op.f('fk_receipt_cancelled_by')),
    sa.ForeignKeyConstraint(['deposit_id'], ['deposit.id'], name=op.f('fk_receipt_deposit_id')),
    sa.ForeignKeyConstraint(['loan_id'], ['loan.id'], name=op.f('fk_receipt_loan_id')),
    sa.ForeignKeyConstraint(['received_by'], ['app_user.id'], name=op.f('fk_receipt_received_by')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_receipt_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt')),
    sa.UniqueConstraint('number', name=op.f('uq_receipt_number')),
    sa.UniqueConstraint('received_by', 'paper_number', name=op.f('uq_receipt_received_by_paper_number')),
    sa.UniqueConstraint('request_key', name=op.f('uq_receipt_request_key'))
    )
    op.create_index(op.f('ix_receipt_borrower_id'), 'receipt', ['borrower_id'], unique=False)
    op.create_index(op.f('ix_receipt_deposit_id'), 'receipt', ['deposit_id'], unique=False)
    op.create_index('ix_receipt_in_hand', 'receipt', ['received_by', 'received_on'], unique=False, postgresql_where=sa.text('deposit_id IS NULL AND cancelled_at IS NULL'))
    op.create_index(op.f('ix_receipt_loan_id'), 'receipt', ['loan_id'], unique=False)
    op.create_index(op.f('ix_receipt_received_by_received_on'), 'receipt', ['received_by', 'received_on'], unique=False)
    op.create_index(op.f('ix_receipt_visit_id'), 'receipt', ['visit_id'], unique=False)


def _create_policy() -> None:
    op.create_table('field_policy',
    sa.Column('id', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('near_metres', sa.Integer(), server_default='300', nullable=False),
    sa.Column('visits_per_day', sa.SmallInteger(), server_default='25', nullable=False),
    sa.Column('plan_days', sa.SmallInteger(), server_default='30', nullable=False),
    sa.Column('cash_per_day', sa.Numeric(precision=16, scale=2), server_default='199999', nullable=False),
    sa.Column('cash_in_hand', sa.Numeric(precision=16, scale=2), server_default='200000', nullable=False),
    sa.Column('deposit_days', sa.SmallInteger(), server_default='1', nullable=False),
    sa.CheckConstraint('cash_per_day > 0 AND cash_in_hand > 0', name=op.f('ck_field_policy_cash')),
    sa.CheckConstraint('deposit_days BETWEEN 0 AND 30', name=op.f('ck_field_policy_deposit_days')),
    sa.CheckConstraint('id = 1', name=op.f('ck_field_policy_single_row')),
    sa.CheckConstraint('near_metres BETWEEN 20 AND 10000', name=op.f('ck_field_policy_near_metres')),
    sa.CheckConstraint('plan_days BETWEEN 1 AND 90', name=op.f('ck_field_policy_plan_days')),
    sa.CheckConstraint('visits_per_day BETWEEN 1 AND 60', name=op.f('ck_field_policy_visits_per_day')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_field_policy'))
    )


def downgrade() -> None:
    op.execute("DELETE FROM policy_rule WHERE rule = 'visit_place'")
    for name in (
        "visit_check_in",
        "receipt",
        "visit",
        "address_position",
        "address_place",
        "deposit",
        "receipt_series",
        "field_policy",
    ):
        op.drop_table(name)
