"""Statements of notices of an agent's particulars (IN-06): who must be told of whom, and the letters that tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.allocation import AgentNoticeLetter
from db.models.owes import Lender

# of whom a borrower must be told: {agent} is the collector's id
_SUBJECT = """(SELECT CASE d.agent_notice WHEN 'all' THEN {agent} IS NOT NULL WHEN 'agencies' THEN EXISTS (
                          SELECT FROM collector k WHERE k.user_id = {agent} AND k.agency_id IS NOT NULL)
                      ELSE false END FROM lender d)"""
# kept in the outbox for want of a mail server is not told; who was in touch before the rule held needs no notice
_TOLD = """(EXISTS (SELECT FROM message m WHERE m.borrower_id = {borrower} AND m.agent_id = {agent}
                      AND m.status = 'sent' AND m.transport = 'smtp')
            OR EXISTS (SELECT FROM agent_notice_letter t WHERE t.borrower_id = {borrower} AND t.agent_id = {agent}
                         AND t.dispatched_at IS NOT NULL)
            OR EXISTS (SELECT FROM contact_attempt c, lender d WHERE c.borrower_id = {borrower}
                         AND c.recorded_by = {agent} AND c.at < d.agent_notice_since
                         AND c.direction = 'outbound' AND c.override_reason IS NULL))"""
UNTOLD = f"({_SUBJECT} AND NOT {_TOLD})"
"""Whether {borrower} must be told of the collector {agent} and was not yet; nobody in particular needs no telling."""
WAITING = f"""
    SELECT o.borrower_id, o.owner_id AS agent_id, o.id AS case_id, o.overdue_amount
    FROM collection_case o
    WHERE o.closed_on IS NULL AND o.owner_id IS NOT NULL AND {_SUBJECT.format(agent="o.owner_id")}
      AND NOT {_TOLD.format(borrower="o.borrower_id", agent="o.owner_id")}
"""
"""Open cases whose borrower must be told of the owner and was not yet."""
# a message is still to go, or may be planned
_BY_EMAIL = """EXISTS (SELECT FROM contact_point p WHERE p.borrower_id = w.borrower_id AND p.kind = 'email'
                         AND p.party_id IS NULL AND NOT p.do_not_contact AND p.consent IS DISTINCT FROM false)
               AND EXISTS (SELECT FROM reminder_rule r WHERE r.anchor = 'agent' AND r.is_enabled)
               AND NOT EXISTS (SELECT FROM message m WHERE m.borrower_id = w.borrower_id AND m.agent_id = w.agent_id
                                 AND m.status IN ('sent', 'unknown', 'blocked', 'failed'))"""
_ADDRESS = """(SELECT p.id FROM contact_point p WHERE p.borrower_id = w.borrower_id AND p.kind = 'address'
               AND p.party_id IS NULL AND NOT p.do_not_contact AND p.consent IS DISTINCT FROM false
               ORDER BY p.is_primary DESC, p.id LIMIT 1)"""
_PRINTED = """EXISTS (SELECT FROM agent_notice_letter t WHERE t.borrower_id = w.borrower_id
                        AND t.agent_id = w.agent_id)"""


def standing(session: Session) -> Sequence[AnyRow]:
    """By agent: borrowers to be told, and by which way."""
    statement = text(f"""
        SELECT w.agent_id, u.name AS agent_name, g.name AS agency, count(*) AS waiting,
               count(*) FILTER (WHERE w.by_email) AS by_email,
               count(*) FILTER (WHERE NOT w.by_email AND w.is_printed) AS printed,
               count(*) FILTER (WHERE NOT w.by_email AND NOT w.is_printed AND w.has_address) AS by_letter,
               count(*) FILTER (WHERE NOT w.by_email AND NOT w.is_printed AND NOT w.has_address) AS unreachable
        FROM (SELECT w.*, {_BY_EMAIL} AS by_email, {_PRINTED} AS is_printed, {_ADDRESS} IS NOT NULL AS has_address
              FROM ({WAITING}) w) w
        JOIN app_user u ON u.id = w.agent_id
        LEFT JOIN collector k ON k.user_id = w.agent_id
        LEFT JOIN agency g ON g.id = k.agency_id
        GROUP BY w.agent_id, u.name, g.name ORDER BY u.name
    """)
    return session.execute(statement).all()


def letters_to_write(session: Session, *, limit: int) -> Sequence[AnyRow]:
    """Borrowers to be told by letter: who, of whom, and where they live, encrypted."""
    statement = text(f"""
        SELECT w.borrower_id, b.name AS borrower_name, b.external_id AS borrower_number, w.agent_id,
               u.name AS agent_name, g.name AS agency, k.id_card_number, k.certificate_number,
               c.value_encrypted AS address
        FROM ({WAITING}) w
        JOIN borrower b ON b.id = w.borrower_id
        JOIN app_user u ON u.id = w.agent_id
        LEFT JOIN collector k ON k.user_id = w.agent_id
        LEFT JOIN agency g ON g.id = k.agency_id
        JOIN contact_point c ON c.id = {_ADDRESS}
        WHERE NOT ({_BY_EMAIL}) AND NOT {_PRINTED}
        ORDER BY w.overdue_amount DESC, w.borrower_id LIMIT :limit
    """)
    return session.execute(statement, {"limit": limit}).all()


def insert_letters(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Add letters, one a borrower and agent; how many are new."""
    statement = insert(AgentNoticeLetter).on_conflict_do_nothing(index_elements=["borrower_id", "agent_id"])
    return len(session.execute(statement.returning(AgentNoticeLetter.id), list(rows)).all())


def open_files(session: Session) -> Sequence[AnyRow]:
    """Files of letters that are not dispatched: when made, by whom, how many letters."""
    statement = text("""
        SELECT t.document_id, min(t.made_at) AS made_at, u.name AS made_by_name, count(*) AS letters
        FROM agent_notice_letter t LEFT JOIN app_user u ON u.id = t.made_by
        WHERE t.dispatched_at IS NULL GROUP BY t.document_id, u.name ORDER BY t.document_id
    """)
    return session.execute(statement).all()


def dispatch(session: Session, document_id: int, *, at: datetime, by: int | None) -> int:
    """Mark the letters of a file as given to the post; how many were not yet."""
    done = (
        update(AgentNoticeLetter)
        .where(AgentNoticeLetter.document_id == document_id, AgentNoticeLetter.dispatched_at.is_(None))
        .values(dispatched_at=at, dispatched_by=by)
        .returning(AgentNoticeLetter.id)
    )
    return len(session.execute(done).all())


def whom(session: Session) -> str:
    """Of whom borrowers are told: none, agencies or all."""
    return str(session.execute(text("SELECT agent_notice FROM lender")).scalar_one())


def set_whom(session: Session, value: str, *, since: datetime | None) -> None:
    """Change it. `since`: who was in touch with a borrower before may go on; None: as before."""
    values = {"agent_notice": value} | ({} if since is None else {"agent_notice_since": since})
    session.execute(update(Lender).values(**values))
