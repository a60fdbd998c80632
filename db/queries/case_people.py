"""Statements of the people of a case: who takes part beside its owner, now and before."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow


def of_borrower(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """Who has or had a role in the borrower's cases: those of now first, then the latest removed."""
    statement = text("""
        SELECT n.id, n.case_id, n.user_id, u.name, n.role, n.reason, n.added_at, a.name AS added_by_name,
               n.removed_at, r.name AS removed_by_name, n.remove_reason,
               n.removed_at IS NULL AND c.closed_on IS NULL AS takes_part
        FROM case_person n
        JOIN collection_case c ON c.id = n.case_id
        JOIN app_user u ON u.id = n.user_id
        LEFT JOIN app_user a ON a.id = n.added_by
        LEFT JOIN app_user r ON r.id = n.removed_by
        WHERE c.borrower_id = :borrower_id
        ORDER BY takes_part DESC, n.removed_at DESC NULLS FIRST, n.role, u.name
    """)
    return session.execute(statement, {"borrower_id": borrower_id}).all()


def roles(session: Session, borrower_id: int, user_id: int) -> frozenset[str]:
    """The roles that a user has, beside the owner's, in the borrower's open case, or in the last one closed."""
    statement = text("""
        SELECT n.role FROM case_person n
        WHERE n.user_id = :user_id AND n.removed_at IS NULL
          AND n.case_id = (SELECT c.id FROM collection_case c WHERE c.borrower_id = :borrower_id
                           ORDER BY c.closed_on DESC NULLS FIRST, c.id DESC LIMIT 1)
    """)
    return frozenset(session.scalars(statement, {"borrower_id": borrower_id, "user_id": user_id}))


def insert_person(
    session: Session, case_id: int, user_id: int, *, role: str, reason: str, added_by: int | None
) -> int | None:
    """Give a user a role in a case; the row's id, or None when they have it already."""
    statement = text("""
        INSERT INTO case_person (case_id, user_id, role, reason, added_by)
        VALUES (:case_id, :user_id, :role, :reason, :added_by)
        ON CONFLICT (user_id, case_id, role) WHERE removed_at IS NULL DO NOTHING
        RETURNING id
    """)
    values = {"case_id": case_id, "user_id": user_id, "role": role, "reason": reason, "added_by": added_by}
    return session.execute(statement, values).scalar_one_or_none()


def by_id(session: Session, person_id: int) -> AnyRow | None:
    """Someone's role in a case, with the borrower."""
    statement = text("""
        SELECT n.id, n.case_id, c.borrower_id, n.user_id, u.name, n.role, n.removed_at
        FROM case_person n JOIN collection_case c ON c.id = n.case_id JOIN app_user u ON u.id = n.user_id
        WHERE n.id = :id
    """)
    return session.execute(statement, {"id": person_id}).one_or_none()


def end(session: Session, person_id: int, *, reason: str, removed_by: int | None) -> bool:
    """End someone's role; False when it had ended already."""
    statement = text("""
        UPDATE case_person SET removed_at = now(), removed_by = :by, remove_reason = :reason
        WHERE id = :id AND removed_at IS NULL RETURNING id
    """)
    return session.execute(statement, {"id": person_id, "by": removed_by, "reason": reason}).first() is not None
