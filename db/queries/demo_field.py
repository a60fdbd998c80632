"""Statements of the demo's field work."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.visits import Receipt, Visit


def has_any(session: Session) -> bool:
    """Whether visits were written before."""
    return session.execute(select(select(Visit.id).exists())).scalar_one()


def visitable(session: Session, agent_id: int, *, limit: int) -> Sequence[AnyRow]:
    """Cases of an agent in the city where most of them are, with an address, nothing promised and no hold."""
    statement = text("""
        WITH mine AS (
            SELECT c.id, c.borrower_id, c.overdue_amount, b.name, b.city
            FROM collection_case c JOIN borrower b ON b.id = c.borrower_id
            WHERE c.owner_id = :agent AND c.closed_on IS NULL AND c.promise_due_on IS NULL AND c.overdue_amount > 2000
              AND NOT EXISTS (SELECT FROM settlement t WHERE t.borrower_id = c.borrower_id)
              AND NOT EXISTS (SELECT FROM hold h WHERE h.borrower_id = c.borrower_id AND h.released_at IS NULL)
        ), home AS (SELECT city FROM mine GROUP BY city ORDER BY count(*) DESC, city LIMIT 1)
        SELECT m.borrower_id, m.name AS borrower_name, m.city, p.id AS contact_point_id, l.id AS loan_id
        FROM mine m JOIN home USING (city)
        JOIN LATERAL (
            SELECT id FROM contact_point
            WHERE borrower_id = m.borrower_id AND kind = 'address' AND party_id IS NULL AND NOT do_not_contact
              AND consent IS DISTINCT FROM false
            ORDER BY id LIMIT 1
        ) p ON true
        JOIN LATERAL (
            SELECT l.id FROM loan l JOIN loan_state s ON s.loan_id = l.id
            WHERE l.borrower_id = m.borrower_id AND s.overdue_amount > 2000 ORDER BY s.dpd DESC, l.id LIMIT 1
        ) l ON true
        ORDER BY m.id LIMIT :limit
    """)
    return session.execute(statement, {"agent": agent_id, "limit": limit}).all()


def sum_of(session: Session, receipt_ids: Sequence[int]) -> Decimal:
    """What receipts make together."""
    statement = select(func.coalesce(func.sum(Receipt.amount), Decimal(0))).where(Receipt.id.in_(receipt_ids))
    return session.execute(statement).scalar_one()
