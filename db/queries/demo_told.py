"""Statements of the demo's notices of agents."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries.agent_notices import WAITING


def tell_by_email(session: Session, *, at: datetime, but: int) -> int:
    """Messages that were handed over, to all who have an e-mail address but the newest cases; how many."""
    statement = text(f"""
        INSERT INTO message (rule_id, template_id, loan_id, borrower_id, agent_id, anchor_on, channel, contact_point_id,
                             status, send_after, attempts, subject, transport, created_at, sent_at)
        SELECT r.id, t.id, l.loan_id, w.borrower_id, w.agent_id, CAST(:at AS date), 'email', p.id, 'sent', :at, 1,
               'Who will be in touch about your loan', 'smtp', :at, :at
        FROM (SELECT w.*, row_number() OVER (ORDER BY w.case_id DESC) AS newest FROM ({WAITING}) w) w
        JOIN reminder_rule r ON r.anchor = 'agent'
        JOIN message_template t ON t.name = 'agent_notice' AND t.language = 'en' AND t.version = 1
        JOIN LATERAL (
            SELECT loan_id FROM loan_state WHERE borrower_id = w.borrower_id ORDER BY dpd DESC, loan_id LIMIT 1
        ) l ON true
        JOIN LATERAL (
            SELECT id FROM contact_point WHERE borrower_id = w.borrower_id AND kind = 'email' AND party_id IS NULL
              AND NOT do_not_contact AND consent IS DISTINCT FROM false ORDER BY id LIMIT 1
        ) p ON true
        WHERE w.newest > :but
        RETURNING id
    """)
    return len(session.execute(statement, {"at": at, "but": but}).all())
