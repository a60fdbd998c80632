"""Statements of money taken in the field: receipts with gapless numbers, and the deposits that they go in with."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.visits import Deposit, Receipt, ReceiptSeries


def next_number(session: Session, year: str) -> int:
    """The next number of a financial year. Others wait until the transaction ends: no number is lost or given twice."""
    statement = insert(ReceiptSeries).values(year=year, last_number=1)
    counted = statement.on_conflict_do_update(
        index_elements=["year"], set_={"last_number": ReceiptSeries.last_number + 1}
    )
    return session.execute(counted.returning(ReceiptSeries.last_number)).scalar_one()


def insert_receipt(session: Session, **values: Any) -> int:
    """Add a receipt; its id."""
    return session.execute(insert(Receipt).values(**values).returning(Receipt.id)).scalar_one()


def by_request_key(session: Session, request_key: str) -> int | None:
    """The receipt that an earlier submit of the same form made."""
    return session.execute(select(Receipt.id).where(Receipt.request_key == request_key)).scalar_one_or_none()


def by_paper_number(session: Session, agent_id: int, paper_number: str) -> int | None:
    """The agent's receipt for a paper receipt."""
    statement = select(Receipt.id).where(Receipt.received_by == agent_id, Receipt.paper_number == paper_number)
    return session.execute(statement).scalar_one_or_none()


def lock(session: Session, receipt_id: int) -> AnyRow | None:
    """A receipt, locked for an act on it."""
    columns = (
        Receipt.id, Receipt.number, Receipt.borrower_id, Receipt.loan_id, Receipt.amount, Receipt.mode,
        Receipt.received_by, Receipt.deposit_id, Receipt.credited_on, Receipt.bounced_on, Receipt.cancelled_at,
        Receipt.cheque_number,
    )  # fmt: skip
    return session.execute(select(*columns).where(Receipt.id == receipt_id).with_for_update()).one_or_none()


def change(session: Session, receipt_ids: Sequence[int], **values: Any) -> None:
    """Set what became of receipts."""
    session.execute(update(Receipt).where(Receipt.id.in_(receipt_ids)).values(**values))


def lock_agent(session: Session, agent_id: int) -> None:
    """Until the transaction ends nobody else changes what this agent holds: limits and deposits count right."""
    session.execute(text("SELECT pg_advisory_xact_lock(72002034, hashint8(:agent))"), {"agent": agent_id})


def cash_of_day(session: Session, borrower_id: int, on: date) -> Decimal:
    """Cash taken from a borrower on a day."""
    statement = text("""
        SELECT coalesce(sum(amount), 0) FROM receipt
        WHERE borrower_id = :id AND received_on = :day AND mode = 'cash' AND cancelled_at IS NULL
    """)
    return Decimal(session.execute(statement, {"id": borrower_id, "day": on}).scalar_one())


def cash_in_hand(session: Session, agent_id: int) -> Decimal:
    """Cash that an agent holds."""
    statement = text("""
        SELECT coalesce(sum(amount), 0) FROM receipt
        WHERE received_by = :id AND mode = 'cash' AND deposit_id IS NULL AND cancelled_at IS NULL
    """)
    return Decimal(session.execute(statement, {"id": agent_id}).scalar_one())


_STANDING = """
    SELECT r.id, r.number, r.borrower_id, b.name AS borrower_name, b.external_id AS borrower_number, r.loan_id,
           l.external_id AS loan_number, r.visit_id, r.amount, r.mode, r.cheque_number, r.cheque_bank, r.cheque_on,
           r.paid_by, r.paper_number, r.received_at, r.received_on, r.received_by, u.name AS received_by_name,
           r.deposit_id, r.credited_on, r.bounced_on, r.cancelled_at, r.cancel_reason,
           CASE WHEN r.cancelled_at IS NOT NULL THEN 'cancelled' WHEN r.bounced_on IS NOT NULL THEN 'bounced'
                WHEN d.has_arrived THEN 'arrived' WHEN r.deposit_id IS NOT NULL THEN 'deposited' ELSE 'in_hand'
           END AS status
    FROM receipt r
    JOIN borrower b ON b.id = r.borrower_id
    JOIN loan l ON l.id = r.loan_id
    JOIN app_user u ON u.id = r.received_by
    LEFT JOIN deposit d ON d.id = r.deposit_id
"""


def receipt(session: Session, receipt_id: int) -> AnyRow | None:
    """One receipt as it stands."""
    return session.execute(text(f"{_STANDING} WHERE r.id = :id"), {"id": receipt_id}).one_or_none()


def in_hand(session: Session, agent_id: int) -> Sequence[AnyRow]:
    """What an agent holds, oldest first."""
    statement = text(
        f"{_STANDING} WHERE r.received_by = :id AND r.deposit_id IS NULL AND r.cancelled_at IS NULL ORDER BY r.id"
    )
    return session.execute(statement, {"id": agent_id}).all()


def of_deposit(session: Session, deposit_id: int) -> Sequence[AnyRow]:
    """The receipts of a deposit."""
    return session.execute(text(f"{_STANDING} WHERE r.deposit_id = :id ORDER BY r.id"), {"id": deposit_id}).all()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """A borrower's receipts, newest first."""
    statement = text(f"{_STANDING} WHERE r.borrower_id = :id ORDER BY r.id DESC LIMIT :limit")
    return session.execute(statement, {"id": borrower_id, "limit": limit}).all()


def listed(session: Session, *, first: date, last: date, agent_id: int | None, limit: int) -> Sequence[AnyRow]:
    """Receipts of some days (both included), of one agent or all, newest first."""
    of_agent = "" if agent_id is None else "AND r.received_by = :agent"
    statement = text(
        f"{_STANDING} WHERE r.received_on BETWEEN :first AND :last {of_agent} ORDER BY r.id DESC LIMIT :limit"
    )
    values: dict[str, Any] = {"first": first, "last": last, "limit": limit}
    return session.execute(statement, values | ({} if agent_id is None else {"agent": agent_id})).all()


def held_by_agents(session: Session) -> Sequence[AnyRow]:
    """By agent: cash and cheques in hand, and since when."""
    statement = text("""
        SELECT r.received_by AS agent_id, u.name AS agent_name,
               coalesce(sum(r.amount) FILTER (WHERE r.mode = 'cash'), 0) AS cash,
               coalesce(sum(r.amount) FILTER (WHERE r.mode = 'cheque'), 0) AS cheques,
               count(*) AS receipts, min(r.received_on) AS oldest_on
        FROM receipt r JOIN app_user u ON u.id = r.received_by
        WHERE r.deposit_id IS NULL AND r.cancelled_at IS NULL
        GROUP BY r.received_by, u.name ORDER BY min(r.received_on), u.name
    """)
    return session.execute(statement).all()


def insert_deposit(session: Session, **values: Any) -> int:
    """Add a deposit; its id."""
    return session.execute(insert(Deposit).values(**values).returning(Deposit.id)).scalar_one()


def deposit_by_request_key(session: Session, request_key: str) -> int | None:
    """The deposit that an earlier submit of the same form made."""
    return session.execute(select(Deposit.id).where(Deposit.request_key == request_key)).scalar_one_or_none()


def decide(
    session: Session, deposit_id: int, *, has_arrived: bool, at: datetime, by: int | None, reason: str | None
) -> bool:
    """Set whether a deposit arrived; False when that is said already."""
    done = (
        update(Deposit)
        .where(Deposit.id == deposit_id, Deposit.decided_at.is_(None))
        .values(has_arrived=has_arrived, decided_at=at, decided_by=by, decision_reason=reason)
        .returning(Deposit.id)
    )
    return session.execute(done).first() is not None


_DEPOSITS = """
    SELECT d.id, d.agent_id, u.name AS agent_name, d.deposited_on, d.amount, d.expected_amount, d.difference_reason,
           d.account, d.reference, d.recorded_at, d.decided_at, w.name AS decided_by_name, d.has_arrived,
           d.decision_reason, (SELECT count(*) FROM receipt r WHERE r.deposit_id = d.id) AS receipts,
           o.id AS slip_id, o.file_name AS slip_name,
           CASE WHEN d.has_arrived IS NULL THEN 'open' WHEN d.has_arrived THEN 'arrived' ELSE 'refused' END AS status
    FROM deposit d JOIN app_user u ON u.id = d.agent_id LEFT JOIN app_user w ON w.id = d.decided_by
    LEFT JOIN LATERAL (
        SELECT id, file_name FROM document WHERE subject_kind = 'deposit' AND subject_id = d.id ORDER BY id DESC LIMIT 1
    ) o ON true
"""


def deposit(session: Session, deposit_id: int) -> AnyRow | None:
    """One deposit as it stands."""
    return session.execute(text(f"{_DEPOSITS} WHERE d.id = :id"), {"id": deposit_id}).one_or_none()


def deposits(session: Session, *, agent_id: int | None, is_open: bool, limit: int) -> Sequence[AnyRow]:
    """Deposits of one agent or all, those that wait or any, newest first."""
    parts = ["true", *(["d.agent_id = :agent"] if agent_id is not None else []), *(["d.decided_at IS NULL"] if is_open else [])]  # fmt: skip # noqa: E501
    statement = text(f"{_DEPOSITS} WHERE {' AND '.join(parts)} ORDER BY d.id DESC LIMIT :limit")
    return session.execute(statement, {"limit": limit} | ({} if agent_id is None else {"agent": agent_id})).all()
