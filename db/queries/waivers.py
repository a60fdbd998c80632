"""Statements of waivers of charges: asked once, decided once, with the due dates that they lower."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert as insert_rows
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.waivers import ChargeWaiver, ChargeWaiverPart


def insert_waiver(session: Session, **values: Any) -> int | None:
    """Add a request; None when one waits for the loan, or has the same request key."""
    statement = insert(ChargeWaiver).values(**values).on_conflict_do_nothing().returning(ChargeWaiver.id)
    return session.execute(statement).scalar_one_or_none()


def decide(session: Session, waiver_id: int, **values: Any) -> bool:
    """Set the decision, or that it was withdrawn; False when it does not wait any more."""
    statement = (
        update(ChargeWaiver)
        .where(ChargeWaiver.id == waiver_id, ChargeWaiver.decided_on.is_(None), ChargeWaiver.withdrawn_on.is_(None))
        .values(**values)
        .returning(ChargeWaiver.id)
    )
    return session.execute(statement).first() is not None


def take_back(session: Session, waiver_id: int, *, on: date, by: int | None, reason: str) -> bool:
    """End a granted waiver: its charges are owed again; False when it is none, or ended already."""
    statement = (
        update(ChargeWaiver)
        .where(ChargeWaiver.id == waiver_id, ChargeWaiver.is_granted.is_(True), ChargeWaiver.taken_back_on.is_(None))
        .values(taken_back_on=on, taken_back_by=by, take_back_reason=reason)
        .returning(ChargeWaiver.id)
    )
    if session.execute(statement).first() is None:
        return False
    session.execute(update(ChargeWaiverPart).where(ChargeWaiverPart.waiver_id == waiver_id).values(taken_back_on=on))
    return True


def insert_parts(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add how much of which due date is waived."""
    session.execute(insert_rows(ChargeWaiverPart), list(rows))


def loan(session: Session, loan_id: int) -> AnyRow | None:
    """What a waiver is checked against: whose loan, and which charges fell due and are not paid."""
    statement = text("""
        SELECT l.external_id, l.borrower_id, l.source, s.status, s.overdue_charges, s.oldest_due_on
        FROM loan l JOIN loan_state s ON s.loan_id = l.id WHERE l.id = :id
    """)
    return session.execute(statement, {"id": loan_id}).one_or_none()


def charges(session: Session, loan_id: int, *, first: date, last: date) -> Sequence[AnyRow]:
    """Charges of due dates from the oldest unpaid one on, less what was waived of them: the oldest first."""
    statement = text("""
        SELECT i.number, i.charges - coalesce(w.amount, 0) AS charges
        FROM instalment i
        LEFT JOIN (
            SELECT number, sum(amount) AS amount FROM charge_waiver_part
            WHERE loan_id = :id AND taken_back_on IS NULL GROUP BY number
        ) w ON w.number = i.number
        WHERE i.loan_id = :id AND i.due_on BETWEEN :first AND :last AND i.charges > coalesce(w.amount, 0)
        ORDER BY i.due_on, i.number
    """)
    return session.execute(statement, {"id": loan_id, "first": first, "last": last}).all()


_STANDING = """
    SELECT w.id, w.borrower_id, w.loan_id, l.external_id AS loan_number, w.amount, w.reason, w.asked_on, w.asked_by,
           a.name AS asked_by_name, w.decided_on, d.name AS decided_by_name, w.taken_back_on, w.take_back_reason,
           CASE WHEN w.withdrawn_on IS NOT NULL THEN 'withdrawn' WHEN w.decided_on IS NULL THEN 'waiting'
                WHEN NOT w.is_granted THEN 'refused' WHEN w.taken_back_on IS NOT NULL THEN 'taken_back'
                ELSE 'granted' END AS status
    FROM charge_waiver w
    JOIN loan l ON l.id = w.loan_id
    LEFT JOIN app_user a ON a.id = w.asked_by
    LEFT JOIN app_user d ON d.id = w.decided_by
"""


def by_id(session: Session, waiver_id: int) -> AnyRow | None:
    """One waiver as it stands."""
    return session.execute(text(f"{_STANDING} WHERE w.id = :id"), {"id": waiver_id}).one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """The waiver that an earlier submit of the same form asked for."""
    statement = text(f"{_STANDING} WHERE w.request_key = :key")
    return session.execute(statement, {"key": request_key}).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """A borrower's waivers, newest first."""
    statement = text(f"{_STANDING} WHERE w.borrower_id = :id ORDER BY w.id DESC LIMIT :limit")
    return session.execute(statement, {"id": borrower_id, "limit": limit}).all()
