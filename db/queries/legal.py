"""Statements of legal actions: facts in and out, the derived columns, rules, texts and settings."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.legal import (
    LegalAction,
    LegalActionLoan,
    LegalEvent,
    LegalReturnReason,
    LegalRule,
    LegalSettings,
    LegalTemplate,
)

# --- rules, texts, settings -----------------------------------------------------------------------------------------


def rules(session: Session) -> Sequence[AnyRow]:
    """All rows of rules, the newest of a day last."""
    statement = select(
        LegalRule.id,
        LegalRule.kind,
        LegalRule.clock,
        LegalRule.length,
        LegalRule.unit,
        LegalRule.effective_from,
        LegalRule.source,
    )
    return session.execute(statement.order_by(LegalRule.effective_from, LegalRule.id)).all()


def insert_rule(session: Session, **values: Any) -> int:
    """Append a length; its id."""
    return session.execute(plain_insert(LegalRule).values(**values).returning(LegalRule.id)).scalar_one()


def return_reasons(session: Session) -> Sequence[AnyRow]:
    """Why instruments come back."""
    statement = select(
        LegalReturnReason.code,
        LegalReturnReason.label,
        LegalReturnReason.allows,
        LegalReturnReason.words,
        LegalReturnReason.source,
    )
    return session.execute(statement.order_by(LegalReturnReason.position)).all()


def templates(session: Session, kind: str | None = None) -> Sequence[AnyRow]:
    """Versions of texts, newest first."""
    statement = select(
        LegalTemplate.id,
        LegalTemplate.kind,
        LegalTemplate.version,
        LegalTemplate.title,
        LegalTemplate.body,
        LegalTemplate.reason,
        LegalTemplate.created_at,
        AppUser.name.label("who"),
    ).outerjoin(AppUser, AppUser.id == LegalTemplate.created_by)
    if kind is not None:
        statement = statement.where(LegalTemplate.kind == kind)
    return session.execute(statement.order_by(LegalTemplate.kind, LegalTemplate.version.desc())).all()


def insert_template(session: Session, **values: Any) -> int | None:
    """Append a version; None when another took its number."""
    statement = insert(LegalTemplate).values(**values)
    return session.execute(
        statement.on_conflict_do_nothing(index_elements=["kind", "version"]).returning(LegalTemplate.id)
    ).scalar_one_or_none()


def settings(session: Session) -> AnyRow:
    """How this lender handles legal actions."""
    return session.execute(select(LegalSettings.hold_kinds, LegalSettings.alert_days)).one()


def set_settings(session: Session, **values: Any) -> None:
    """Change them."""
    session.execute(update(LegalSettings).values(**values))


# --- facts ----------------------------------------------------------------------------------------------------------


def insert_action(session: Session, loan_ids: Sequence[int], **values: Any) -> int | None:
    """Open an action; its id, or None when one with the same request key is there."""
    action_id = session.execute(
        insert(LegalAction)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(LegalAction.id)
    ).scalar_one_or_none()
    if action_id is not None:
        rows = [{"action_id": action_id, "loan_id": loan_id} for loan_id in loan_ids]
        session.execute(plain_insert(LegalActionLoan), rows)
    return action_id


def insert_event(session: Session, *, words: str | None = None, **values: Any) -> int | None:
    """Append an act; its id, or None when one with the same request key is there."""
    statement = insert(LegalEvent).values(text_=words, **values)
    return session.execute(
        statement.on_conflict_do_nothing(index_elements=["request_key"]).returning(LegalEvent.id)
    ).scalar_one_or_none()


def insert_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append acts of several actions."""
    if rows:
        session.execute(plain_insert(LegalEvent), list(rows))


def by_request_key(session: Session, request_key: str) -> int | None:
    """The action that an earlier submit of the same form opened."""
    return session.execute(select(LegalAction.id).where(LegalAction.request_key == request_key)).scalar_one_or_none()


def has_event(session: Session, request_key: str) -> bool:
    """Whether an earlier submit of the same form made an act."""
    return session.execute(select(LegalEvent.id).where(LegalEvent.request_key == request_key)).first() is not None


def is_taken(session: Session, presentation_id: int) -> bool:
    """Whether an action that is not closed is about this presentation."""
    statement = select(LegalAction.id).where(
        LegalAction.presentation_id == presentation_id, LegalAction.status != "closed"
    )
    return session.execute(statement).first() is not None


def any_at_all(session: Session) -> bool:
    """Whether any action was ever opened."""
    return session.execute(select(LegalAction.id).limit(1)).first() is not None


def lock_borrower(session: Session, borrower_id: int) -> None:
    """Let openings for a borrower come one after the other."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(72002023, CAST(:id % 2147483647 AS integer))"), {"id": borrower_id}
    )


def lock(session: Session, action_ids: Sequence[int]) -> Sequence[AnyRow]:
    """Actions for an act on them: the next act waits until this transaction ends."""
    statement = (
        select(LegalAction.id, LegalAction.borrower_id, LegalAction.hold_id)
        .where(LegalAction.id.in_(action_ids))
        .order_by(LegalAction.id)
        .with_for_update()
    )
    return session.execute(statement).all()


def set_hold(session: Session, action_id: int, hold_id: int) -> None:
    """The stop on contact that ends with the action."""
    session.execute(update(LegalAction).where(LegalAction.id == action_id).values(hold_id=hold_id))


# --- what is derived ------------------------------------------------------------------------------------------------

_FACTS = text("""
    SELECT a.id, a.kind, a.opened_on, a.amount, a.memo_on, a.borrower_id
    FROM legal_action a WHERE a.id = ANY(CAST(:ids AS bigint[]))
""")
_EVENTS = text("""
    SELECT e.action_id, e.id, e.kind, e.on_date, e.refers_to, e.how, e.amount, e.is_recoverable
    FROM legal_event e WHERE e.action_id = ANY(CAST(:ids AS bigint[])) ORDER BY e.id
""")
_PAYMENTS = text("""
    SELECT a.id AS action_id, y.paid_on, y.amount
    FROM legal_action a
    JOIN legal_action_loan n ON n.action_id = a.id
    CROSS JOIN LATERAL (
        SELECT m.paid_on, greatest(m.amount - coalesce((
                   SELECT sum(r.amount) FROM payment r
                   WHERE r.kind = 'reversal' AND r.loan_id = m.loan_id AND r.reverses_reference = m.reference
               ), 0), 0) AS amount
        FROM payment m
        WHERE m.loan_id = n.loan_id AND m.kind = 'payment' AND m.paid_on >= coalesce(a.memo_on, a.opened_on)
        OFFSET 0
    ) y
    WHERE a.id = ANY(CAST(:ids AS bigint[])) AND a.kind IN ('s138', 's25', 'recall')
""")


def facts(session: Session, action_ids: Sequence[int]) -> tuple[Sequence[AnyRow], Sequence[AnyRow], Sequence[AnyRow]]:
    """What actions were opened on, their events, and the payments on their loans since, less reversals."""
    values = {"ids": list(action_ids)}
    return (
        session.execute(_FACTS, values).all(),
        session.execute(_EVENTS, values).all(),
        session.execute(_PAYMENTS, values).all(),
    )


_COLUMNS = {
    "status": "text",
    "notice_by": "date",
    "notice_on": "date",
    "served_on": "date",
    "pay_by": "date",
    "file_from": "date",
    "file_by": "date",
    "filed_on": "date",
    "paid_amount": "numeric",
    "paid_on": "date",
    "hearing_on": "date",
    "next_step": "text",
    "next_by": "date",
    "expenses": "numeric",
    "recoverable": "numeric",
    "closed_on": "date",
    "close_reason": "text",
}
_WRITE = text(f"""
    UPDATE legal_action a SET {", ".join(f"{name} = s.{name}" for name in _COLUMNS)}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s
        (id bigint, {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
    WHERE a.id = s.id AND ({", ".join(f"a.{name}" for name in _COLUMNS)})
        IS DISTINCT FROM ({", ".join(f"s.{name}" for name in _COLUMNS)})
    RETURNING a.borrower_id
""")


def write(session: Session, states: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write what follows from the facts, where it changed; ids of the borrowers it touched."""
    rows = json.dumps(states, default=str)
    return sorted(set(session.execute(_WRITE, {"rows": rows}).scalars()))


def of_loans(session: Session, loan_ids: Sequence[int]) -> list[int]:
    """Actions on these loans whose state payments may change."""
    return list(
        session.execute(
            text(_ON_LOANS.format("n.loan_id = ANY(CAST(:ids AS bigint[]))")), {"ids": list(loan_ids)}
        ).scalars()
    )


def of_loan_range(session: Session, first: int, last: int) -> list[int]:
    """The same for a range of loans, both ids included."""
    statement = text(_ON_LOANS.format("n.loan_id BETWEEN :first AND :last"))
    return list(session.execute(statement, {"first": first, "last": last}).scalars())


_ON_LOANS = """
    SELECT DISTINCT n.action_id FROM legal_action_loan n JOIN legal_action a ON a.id = n.action_id
    WHERE {} AND a.kind IN ('s138', 's25', 'recall') AND (a.status <> 'closed' OR a.close_reason = 'paid')
"""


def open_of_kind(session: Session, kind: str) -> list[int]:
    """Actions of a kind that are not closed."""
    statement = select(LegalAction.id).where(LegalAction.kind == kind, LegalAction.status != "closed")
    return list(session.execute(statement).scalars())


# --- what is overdue of a bounce ------------------------------------------------------------------------------------


def bounces(session: Session, borrower_id: int, since: date) -> Sequence[AnyRow]:
    """Presentations of the borrower's loans that bounced since a day, newest first."""
    statement = text("""
        SELECT m.id, m.loan_id, l.external_id AS loan_number, m.reference, m.presented_on, m.amount, m.reason,
               EXISTS (SELECT FROM legal_action a WHERE a.presentation_id = m.id AND a.status <> 'closed') AS is_taken
        FROM loan l JOIN mandate_presentation m ON m.loan_id = l.id
        WHERE l.borrower_id = :borrower_id AND m.result = 'bounced' AND m.presented_on >= :since
        ORDER BY m.presented_on DESC, m.id DESC LIMIT 50
    """)
    return session.execute(statement, {"borrower_id": borrower_id, "since": since}).all()


def bounced_between(session: Session, first: date, last: date, words: Sequence[str]) -> Sequence[AnyRow]:
    """Presentations of all borrowers that bounced from one day to another for these reasons, one a borrower.

    Only of borrowers with an open case and a postal address: to them a notice can go.
    """
    statement = text("""
        SELECT DISTINCT ON (l.borrower_id) l.borrower_id, m.id, m.loan_id, m.reference, m.presented_on, m.amount,
               s.outstanding
        FROM mandate_presentation m
        JOIN loan l ON l.id = m.loan_id
        JOIN loan_state s ON s.loan_id = l.id
        JOIN collection_case c ON c.borrower_id = l.borrower_id AND c.closed_on IS NULL
        WHERE m.result = 'bounced' AND m.presented_on BETWEEN :first AND :last
          AND lower(m.reason) = ANY(CAST(:words AS text[]))
          AND EXISTS (SELECT FROM contact_point p WHERE p.borrower_id = l.borrower_id AND p.kind = 'address')
        ORDER BY l.borrower_id, m.presented_on DESC, m.id
    """)
    return session.execute(statement, {"first": first, "last": last, "words": list(words)}).all()


def loans_of(session: Session, borrower_id: int) -> dict[int, str]:
    """The borrower's loans that are not closed: number by id."""
    statement = text("SELECT id, external_id FROM loan WHERE borrower_id = :b AND closed_on IS NULL ORDER BY id")
    return {row.id: row.external_id for row in session.execute(statement, {"b": borrower_id})}


def hold_is_shared(session: Session, hold_id: int, action_id: int) -> bool:
    """Whether another action that is not closed stands on the same hold."""
    statement = select(func.count()).where(
        LegalAction.hold_id == hold_id, LegalAction.id != action_id, LegalAction.status != "closed"
    )
    return session.execute(statement).scalar_one() > 0
