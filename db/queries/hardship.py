"""Statements of hardship: applications are inserted once; decision and withdrawal are set once; reviews are added."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert as insert_rows
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.hardship import Hardship, HardshipPolicy, HardshipReview

POLICY_COLUMNS = (
    HardshipPolicy.max_holiday_months,
    HardshipPolicy.max_months,
    HardshipPolicy.open_days,
    HardshipPolicy.review_days,
)


def policy(session: Session) -> AnyRow:
    """The limits of relief."""
    return session.execute(select(*POLICY_COLUMNS)).one()


def change_policy(session: Session, values: Mapping[str, int]) -> None:
    """Set the limits of relief."""
    session.execute(update(HardshipPolicy).values(**values))


def insert_hardship(session: Session, **values: Any) -> int | None:
    """Insert an application; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(Hardship).values(**values).on_conflict_do_nothing(index_elements=["request_key"]).returning(Hardship.id)
    ).scalar_one_or_none()


def decide(session: Session, hardship_id: int, **values: Any) -> bool:
    """Set the decision, with what follows from it; False when it does not wait any more."""
    return _moved(session, hardship_id, **values)


def withdraw(session: Session, hardship_id: int, *, on: date, reason: str) -> bool:
    """Take an application back; False when it does not wait any more."""
    return _moved(session, hardship_id, withdrawn_on=on, withdraw_reason=reason)


def _moved(session: Session, hardship_id: int, **values: Any) -> bool:
    statement = (
        update(Hardship)
        .where(Hardship.id == hardship_id, Hardship.decided_on.is_(None), Hardship.withdrawn_on.is_(None))
        .values(**values)
        .returning(Hardship.id)
    )
    return session.execute(statement).first() is not None


def insert_review(session: Session, **values: Any) -> None:
    """Add a review."""
    session.execute(insert_rows(HardshipReview).values(**values))


# the newest review decides; without one the date that was set when relief was asked for
_STANDING = """
    SELECT h.*, b.name AS borrower_name, b.external_id AS borrower_number, l.external_id AS loan_number,
           a.name AS applied_by_name, d.name AS decided_by_name,
           CASE WHEN r.outcome = 'end' THEN r.on_date END AS ended_on,
           CASE WHEN r.id IS NULL THEN h.review_on ELSE r.next_review_on END AS next_review_on,
           CASE WHEN h.withdrawn_on IS NOT NULL THEN 'withdrawn'
                WHEN h.is_granted IS NULL THEN 'waiting'
                WHEN NOT h.is_granted THEN 'refused'
                WHEN r.outcome = 'end' OR h.relief_until <= :today THEN 'ended'
                WHEN CASE WHEN r.id IS NULL THEN h.review_on ELSE r.next_review_on END <= :today THEN 'review_due'
                ELSE 'in_relief' END AS status
    FROM hardship h
    JOIN borrower b ON b.id = h.borrower_id
    LEFT JOIN loan l ON l.id = h.loan_id
    LEFT JOIN app_user a ON a.id = h.applied_by
    LEFT JOIN app_user d ON d.id = h.decided_by
    LEFT JOIN LATERAL (
        SELECT v.id, v.outcome, v.on_date, v.next_review_on FROM hardship_review v
        WHERE v.hardship_id = h.id AND v.on_date <= :today ORDER BY v.id DESC LIMIT 1
    ) r ON true
"""


def by_id(session: Session, hardship_id: int, *, today: date) -> AnyRow | None:
    """One application as it stands on a day."""
    statement = text(f"{_STANDING} WHERE h.id = :id")
    return session.execute(statement, {"id": hardship_id, "today": today}).one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """Id and borrower of the application that an earlier submit of the same form made."""
    statement = select(Hardship.id, Hardship.borrower_id).where(Hardship.request_key == request_key)
    return session.execute(statement).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, today: date, limit: int) -> Sequence[AnyRow]:
    """The borrower's applications, newest first."""
    statement = text(f"{_STANDING} WHERE h.borrower_id = :id ORDER BY h.id DESC LIMIT :limit")
    return session.execute(statement, {"id": borrower_id, "today": today, "limit": limit}).all()


def listed(session: Session, statuses: Sequence[str], *, today: date, limit: int) -> Sequence[AnyRow]:
    """Applications that stand so on a day: what waits longest, or is to be looked at first, comes first."""
    # those that ended long ago are read only when asked for
    recent = (
        ""
        if {"refused", "withdrawn", "ended"} & set(statuses)
        else ("WHERE (h.decided_on IS NULL AND h.withdrawn_on IS NULL) OR (h.is_granted AND h.relief_until > :today)")
    )
    statement = text(f"""
        SELECT s.* FROM ({_STANDING} {recent}) s WHERE s.status = ANY(CAST(:statuses AS text[]))
        ORDER BY CASE s.status WHEN 'waiting' THEN s.applied_on ELSE s.next_review_on END NULLS LAST, s.id
        LIMIT :limit
    """)
    return session.execute(statement, {"statuses": list(statuses), "today": today, "limit": limit}).all()


def reviews(session: Session, hardship_ids: Sequence[int]) -> Sequence[AnyRow]:
    """Reviews of applications, oldest first."""
    statement = text("""
        SELECT v.hardship_id, v.on_date, v.outcome, v.note, v.next_review_on, u.name AS by
        FROM hardship_review v LEFT JOIN app_user u ON u.id = v.reviewed_by
        WHERE v.hardship_id = ANY(CAST(:ids AS bigint[])) ORDER BY v.id
    """)
    return session.execute(statement, {"ids": list(hardship_ids)}).all()


def live_of(session: Session, borrower_id: int, *, today: date) -> AnyRow | None:
    """The borrower's application that waits, or relief that lasts."""
    statement = text(f"""
        SELECT s.id, s.status FROM ({_STANDING} WHERE h.borrower_id = :id) s
        WHERE s.status IN ('waiting', 'in_relief', 'review_due') LIMIT 1
    """)
    return session.execute(statement, {"id": borrower_id, "today": today}).one_or_none()
