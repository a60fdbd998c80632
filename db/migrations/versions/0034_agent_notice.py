"""Notice of an agent's particulars before the first contact: by e-mail or letter, and the rule of the gate (IN-06).

Revision: 0034, after 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ANCHORS = "'next_due', 'oldest_due', 'promise', 'plan', 'settlement'"
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON agent_notice_letter FROM recoup_app;
        GRANT UPDATE (dispatched_at, dispatched_by) ON agent_notice_letter TO recoup_app;
    END IF;
END $$;
"""
RULE = """
INSERT INTO policy_rule (rule, source, parameters, severity, effective_from, is_enabled)
VALUES ('agent_notice', 'IN-06: particulars of the agent before the first contact (RBI FAQ of 14 Feb 2023)',
        '{"channels": ["call", "visit", "sms", "whatsapp"]}', 'block', '2023-02-14', true)
"""
SUBJECT = "Who will be in touch about your loan {{ loan_number }}"
BODY = """Dear {{ borrower_name }},

{{ lender }} has asked {{ agent_name }}{% if agency %} of {{ agency }}{% endif %} to speak with you about your loan {{ loan_number }}.
{% if id_card %}
Identity card: {{ id_card }}{% endif %}{% if certificate %}
Certificate: {{ certificate }}{% endif %}

Ask for the identity card before you say anything about your loan. Nobody else may speak with you about it for us, and
nobody may take money from you without a receipt of ours.

If something is wrong, or you are treated badly, write to our grievance officer at {{ grievance_contact }}.

{{ lender }}
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('agent_notice_letter',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('borrower_id', sa.BigInteger(), nullable=False),
    sa.Column('agent_id', sa.BigInteger(), nullable=False),
    sa.Column('document_id', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('made_by', sa.BigInteger(), nullable=True),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dispatched_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['agent_id'], ['app_user.id'], name=op.f('fk_agent_notice_letter_agent_id')),
    sa.ForeignKeyConstraint(['borrower_id'], ['borrower.id'], name=op.f('fk_agent_notice_letter_borrower_id')),
    sa.ForeignKeyConstraint(['dispatched_by'], ['app_user.id'], name=op.f('fk_agent_notice_letter_dispatched_by')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_agent_notice_letter_document_id')),
    sa.ForeignKeyConstraint(['made_by'], ['app_user.id'], name=op.f('fk_agent_notice_letter_made_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_notice_letter')),
    sa.UniqueConstraint('borrower_id', 'agent_id', name=op.f('uq_agent_notice_letter_borrower_id_agent_id'))
    )
    op.create_index(op.f('ix_agent_notice_letter_document_id'), 'agent_notice_letter', ['document_id'], unique=False)
    op.create_index('ix_agent_notice_letter_open', 'agent_notice_letter', ['document_id'], unique=False, postgresql_where=sa.text('dispatched_at IS NULL'))
    op.add_column('lender', sa.Column('agent_notice', sa.Text(), server_default='agencies', nullable=False))
    op.add_column('lender', sa.Column('agent_notice_since', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.create_check_constraint("agent_notice", "lender", "agent_notice IN ('none', 'agencies', 'all')")
    _change_messages()
    op.execute(GRANTS)
    op.execute(RULE)


def _change_messages() -> None:
    op.add_column('message', sa.Column('agent_id', sa.BigInteger(), nullable=True))
    op.drop_constraint(op.f('uq_message_rule_id_loan_id_anchor_on'), 'message', type_='unique')
    op.create_index('ix_message_agent', 'message', ['borrower_id', 'agent_id'], unique=False, postgresql_where=sa.text('agent_id IS NOT NULL'))
    op.create_unique_constraint(op.f('uq_message_rule_id_loan_id_anchor_on_agent_id'), 'message', ['rule_id', 'loan_id', 'anchor_on', 'agent_id'], postgresql_nulls_not_distinct=True)
    op.create_foreign_key(op.f('fk_message_agent_id'), 'message', 'app_user', ['agent_id'], ['id'])
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS}, 'agent')")
    bind = op.get_bind()
    bind.execute(
        sa.text("INSERT INTO message_template (name, channel, subject, body) VALUES ('agent_notice', 'email', :s, :b)"),
        {"s": SUBJECT, "b": BODY},
    )
    bind.execute(
        sa.text(
            "INSERT INTO reminder_rule (name, anchor, offset_days, min_bucket, max_bucket, template_name, position)"
            " VALUES ('Particulars of the agent', 'agent', 0, 0, 32767, 'agent_notice', 9)"
        )
    )


def downgrade() -> None:
    op.execute("DELETE FROM policy_rule WHERE rule = 'agent_notice'")
    mine = "SELECT m.id FROM message m JOIN reminder_rule r ON r.id = m.rule_id WHERE r.anchor = 'agent'"
    op.execute(f"DELETE FROM delivery_event WHERE message_id IN ({mine})")
    op.execute(f"DELETE FROM message WHERE id IN ({mine})")
    op.execute("DELETE FROM reminder_rule WHERE anchor = 'agent'")
    op.execute("DELETE FROM message_template WHERE name = 'agent_notice'")
    op.drop_constraint(op.f("ck_reminder_rule_anchor"), "reminder_rule")
    op.create_check_constraint("anchor", "reminder_rule", f"anchor IN ({ANCHORS})")
    op.drop_constraint(op.f('fk_message_agent_id'), 'message', type_='foreignkey')
    op.drop_constraint(op.f('uq_message_rule_id_loan_id_anchor_on_agent_id'), 'message', type_='unique')
    op.drop_index('ix_message_agent', table_name='message')
    op.drop_column('message', 'agent_id')
    op.create_unique_constraint(op.f('uq_message_rule_id_loan_id_anchor_on'), 'message', ['rule_id', 'loan_id', 'anchor_on'])
    op.drop_constraint(op.f("ck_lender_agent_notice"), "lender")
    op.drop_column('lender', 'agent_notice_since')
    op.drop_column('lender', 'agent_notice')
    op.drop_table("agent_notice_letter")
