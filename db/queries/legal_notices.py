"""Statements of notices: what a text is filled with, batches of notices, dispatch by the carrier, reminders."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.legal import LegalBatch, LegalBatchItem, LegalEvent, LegalTemplate

_FILLED = text("""
    SELECT a.id, a.borrower_id, a.kind, a.amount, a.instrument_number, a.instrument_on, a.memo_on,
           r.label AS return_reason, b.name AS borrower_name, b.external_id AS borrower_number,
           (SELECT string_agg(l.external_id, ', ' ORDER BY l.id)
            FROM legal_action_loan n JOIN loan l ON l.id = n.loan_id WHERE n.action_id = a.id) AS loan_numbers,
           (SELECT coalesce(sum(s.overdue_amount), 0)
            FROM legal_action_loan n JOIN loan_state s ON s.loan_id = n.loan_id WHERE n.action_id = a.id)
               AS overdue_amount,
           (SELECT p.value_encrypted FROM contact_point p
            WHERE p.borrower_id = a.borrower_id AND p.kind = 'address' AND p.party_id IS NULL
            ORDER BY p.is_primary DESC, p.id LIMIT 1) AS address,
           EXISTS (SELECT FROM hold h WHERE h.borrower_id = a.borrower_id AND h.kind = 'deceased'
                   AND h.released_at IS NULL AND (h.ends_on IS NULL OR h.ends_on > :today)) AS is_deceased
    FROM legal_action a
    JOIN borrower b ON b.id = a.borrower_id
    LEFT JOIN legal_return_reason r ON r.code = a.return_reason
    WHERE a.id = ANY(CAST(:ids AS bigint[]))
""")


def to_fill(session: Session, action_ids: Sequence[int], today: date) -> dict[int, AnyRow]:
    """What the notices of these actions are filled with, by action."""
    rows = session.execute(_FILLED, {"ids": list(action_ids), "today": today})
    return {row.id: row for row in rows}


def lender(session: Session) -> AnyRow:
    """Who writes."""
    return session.execute(text("SELECT name, currency, locale, grievance_contact FROM lender")).one()


# --- batches --------------------------------------------------------------------------------------------------------

_AWAITING = """
    SELECT a.id FROM legal_action a JOIN borrower b ON b.id = a.borrower_id
    WHERE a.kind = :kind AND a.status = 'opened' AND (a.notice_by IS NULL OR a.notice_by >= :today)
      AND (CAST(:due_by AS date) IS NULL OR a.notice_by <= :due_by)
      AND (CAST(:state AS text) IS NULL OR b.state = :state)
      AND NOT EXISTS (SELECT FROM legal_batch_item i WHERE i.action_id = a.id AND i.outcome = 'waiting')
"""


def count_awaiting(session: Session, **wanted: Any) -> int:
    """Actions of a kind whose notice is to be sent and would be in time."""
    return int(session.execute(text(f"SELECT count(*) FROM ({_AWAITING}) w"), wanted).scalar_one())


def by_request_key(session: Session, request_key: str) -> int | None:
    """The batch that an earlier submit of the same form made."""
    return session.execute(select(LegalBatch.id).where(LegalBatch.request_key == request_key)).scalar_one_or_none()


def insert_batch(session: Session, wanted: Mapping[str, Any], **values: Any) -> tuple[int, int] | None:
    """A batch of all actions that await their notice; its id and size, None when the form made one already."""
    batch_id = session.execute(
        insert(LegalBatch)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(LegalBatch.id)
    ).scalar_one_or_none()
    if batch_id is None:
        return None
    chosen = session.execute(
        text(
            "INSERT INTO legal_batch_item (batch_id, action_id)"
            f" SELECT :batch_id, w.id FROM ({_AWAITING}) w RETURNING 1"
        ),
        {"batch_id": batch_id, **wanted},
    )
    return batch_id, len(chosen.all())


def insert_recalls(session: Session, *, stage: str, min_dpd: int, today: date, by: int | None, reason: str) -> int:
    """Open a recall for each case of a stage with a loan so many days past due; how many.

    The whole outstanding of the borrower's loans that are overdue is demanded. A borrower with an open recall, or who
    is deceased, gets none.
    """
    statement = text("""
        WITH chosen AS MATERIALIZED (
            SELECT c.borrower_id, sum(s.outstanding) AS amount, array_agg(s.loan_id) AS loans
            FROM collection_case c JOIN loan_state s ON s.borrower_id = c.borrower_id
            WHERE c.closed_on IS NULL AND c.stage = :stage AND c.max_dpd >= :min_dpd
              AND s.dpd > 0 AND s.outstanding > 0
              AND NOT EXISTS (SELECT FROM legal_action a WHERE a.borrower_id = c.borrower_id AND a.kind = 'recall'
                              AND a.status <> 'closed')
              AND NOT EXISTS (SELECT FROM hold h WHERE h.borrower_id = c.borrower_id AND h.kind = 'deceased'
                              AND h.released_at IS NULL AND (h.ends_on IS NULL OR h.ends_on > :today))
            GROUP BY c.borrower_id
        ), opened AS (
            INSERT INTO legal_action (borrower_id, kind, opened_on, opened_by, amount, reason, next_step)
            SELECT borrower_id, 'recall', :today, :by, amount, :reason, 'notice' FROM chosen
            RETURNING id, borrower_id
        )
        INSERT INTO legal_action_loan (action_id, loan_id)
        SELECT o.id, unnest(c.loans) FROM opened o JOIN chosen c USING (borrower_id)
        RETURNING action_id
    """)
    values = {"stage": stage, "min_dpd": min_dpd, "today": today, "by": by, "reason": reason}
    return len(set(session.execute(statement, values).scalars()))


def count_recalls(session: Session, *, stage: str, min_dpd: int) -> int:
    """How many borrowers `insert_recalls` would choose, but for deceased ones."""
    statement = text("""
        SELECT count(DISTINCT c.borrower_id)
        FROM collection_case c JOIN loan_state s ON s.borrower_id = c.borrower_id
        WHERE c.closed_on IS NULL AND c.stage = :stage AND c.max_dpd >= :min_dpd AND s.dpd > 0 AND s.outstanding > 0
          AND NOT EXISTS (SELECT FROM legal_action a WHERE a.borrower_id = c.borrower_id AND a.kind = 'recall'
                          AND a.status <> 'closed')
    """)
    return int(session.execute(statement, {"stage": stage, "min_dpd": min_dpd}).scalar_one())


def batch(session: Session, batch_id: int) -> AnyRow | None:
    """One batch with its text."""
    statement = (
        select(
            LegalBatch.id,
            LegalBatch.kind,
            LegalBatch.how,
            LegalBatch.asked_by,
            LegalBatch.template_id,
            LegalTemplate.version,
            LegalTemplate.title,
            LegalTemplate.body,
        )
        .join(LegalTemplate, LegalTemplate.id == LegalBatch.template_id)
        .where(LegalBatch.id == batch_id)
    )
    return session.execute(statement).one_or_none()


def claim_items(session: Session, batch_id: int, limit: int) -> list[int]:
    """Some actions of a batch that wait, locked; another worker passes them over."""
    statement = (
        select(LegalBatchItem.action_id)
        .where(LegalBatchItem.batch_id == batch_id, LegalBatchItem.outcome == "waiting")
        .order_by(LegalBatchItem.action_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.execute(statement).scalars())


def settle_item(session: Session, batch_id: int, action_id: int, *, outcome: str, reason: str | None) -> None:
    """What became of an action in a batch."""
    session.execute(
        update(LegalBatchItem)
        .where(LegalBatchItem.batch_id == batch_id, LegalBatchItem.action_id == action_id)
        .values(outcome=outcome, reason=reason)
    )


def batches(session: Session, limit: int) -> Sequence[AnyRow]:
    """Batches, newest first, with how far each is."""
    statement = text("""
        SELECT b.id, b.kind, b.how, b.asked_at, u.name AS who, t.version,
               count(i.*) AS actions,
               count(i.*) FILTER (WHERE i.outcome = 'issued') AS issued,
               count(i.*) FILTER (WHERE i.outcome = 'refused') AS refused
        FROM (SELECT * FROM legal_batch ORDER BY id DESC LIMIT :limit) b
        JOIN legal_template t ON t.id = b.template_id
        LEFT JOIN app_user u ON u.id = b.asked_by
        LEFT JOIN legal_batch_item i ON i.batch_id = b.id
        GROUP BY b.id, b.kind, b.how, b.asked_at, u.name, t.version ORDER BY b.id DESC
    """)
    return session.execute(statement, {"limit": limit}).all()


def refused_items(session: Session, batch_id: int) -> Sequence[AnyRow]:
    """Actions that got no notice, with the reason."""
    statement = select(LegalBatchItem.action_id, LegalBatchItem.reason)
    return session.execute(
        statement.where(LegalBatchItem.batch_id == batch_id, LegalBatchItem.outcome == "refused").limit(1000)
    ).all()


def dispatch_rows(session: Session, batch_id: int) -> Sequence[AnyRow]:
    """The notices of a batch for the carrier, with the newest tracking number of each."""
    statement = text("""
        SELECT e.id AS event_id, e.action_id, e.on_date, b.name, b.external_id AS borrower_number, b.city, b.state,
               p.value_encrypted AS address, d.sha256, d.file_name,
               (SELECT t.tracking_number FROM legal_event t
                WHERE t.action_id = e.action_id AND t.kind = 'dispatched' AND t.refers_to = e.id
                ORDER BY t.id DESC LIMIT 1) AS tracking_number
        FROM legal_event e
        JOIN legal_action a ON a.id = e.action_id
        JOIN borrower b ON b.id = a.borrower_id
        LEFT JOIN document d ON d.id = e.document_id
        LEFT JOIN LATERAL (
            SELECT c.value_encrypted FROM contact_point c
            WHERE c.borrower_id = a.borrower_id AND c.kind = 'address' AND c.party_id IS NULL
            ORDER BY c.is_primary DESC, c.id LIMIT 1
        ) p ON true
        WHERE e.batch_id = :batch_id AND e.kind = 'notice_issued' ORDER BY e.action_id
    """)
    return session.execute(statement, {"batch_id": batch_id}).all()


def documents_of(session: Session, batch_id: int, *, skip: int, limit: int) -> Sequence[AnyRow]:
    """Notices of a batch with their bytes, by action."""
    statement = text("""
        SELECT e.action_id, d.file_name, d.content
        FROM legal_event e JOIN document d ON d.id = e.document_id
        WHERE e.batch_id = :batch_id AND e.kind = 'notice_issued'
        ORDER BY e.action_id OFFSET :skip LIMIT :limit
    """)
    return session.execute(statement, {"batch_id": batch_id, "skip": skip, "limit": limit}).all()


def insert_dispatches(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append the carrier's numbers."""
    if rows:
        session.execute(plain_insert(LegalEvent), list(rows))


# --- reminders ------------------------------------------------------------------------------------------------------

_ALERT = text("""
    INSERT INTO follow_up (borrower_id, due_at, action, note, request_key)
    SELECT a.borrower_id, :due_at, 'legal_step',
           'LEG-' || lpad(a.id::text, greatest(5, length(a.id::text)), '0') || ': '
               || CASE a.next_step WHEN 'notice' THEN 'notice' WHEN 'filing' THEN 'filing' ELSE 'hearing' END
               || ' by ' || to_char(a.next_by, 'FMDD Mon YYYY'),
           concat_ws(':', 'legal', a.id, a.next_step, a.next_by)
    FROM legal_action a
    WHERE a.status <> 'closed' AND a.next_step IN ('notice', 'filing', 'hearing')
      AND a.next_by >= :today AND a.next_by <= :until
    ON CONFLICT (request_key) DO NOTHING
    RETURNING borrower_id
""")


def insert_reminders(session: Session, *, today: date, until: date, due_at: datetime) -> list[int]:
    """Remind of clocks that run out soon, each once; borrowers that got a reminder."""
    values = {"today": today, "until": until, "due_at": due_at}
    return sorted(set(session.execute(_ALERT, values).scalars()))


def finish_reminders(session: Session, action_ids: Sequence[int]) -> None:
    """Mark reminders done of steps that are no longer the next ones of these actions."""
    statement = text("""
        UPDATE follow_up f SET done_at = now()
        FROM legal_action a
        WHERE a.id = ANY(CAST(:ids AS bigint[])) AND f.borrower_id = a.borrower_id AND f.action = 'legal_step'
          AND f.done_at IS NULL AND f.request_key LIKE 'legal:' || a.id || ':%'
          AND f.request_key <> concat_ws(':', 'legal', a.id, a.next_step, a.next_by)
    """)
    session.execute(statement, {"ids": list(action_ids)})
