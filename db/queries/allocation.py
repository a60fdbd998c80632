"""Statements of allocation: who is given which cases, with its history."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.work import CollectionCase

WORKERS = ("agent", "leader")
"""Roles that may work cases."""


def worker_ids(session: Session) -> list[int]:
    """Users who may work cases, also those whose account is off now: they may have worked today."""
    return list(session.execute(select(AppUser.id).where(AppUser.role.in_(WORKERS))).scalars())


def workers(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    """Users who may be given cases, with how many open ones they have and what is overdue on them."""
    return session.execute(
        select(
            AppUser.id,
            AppUser.name,
            AppUser.role,
            func.count(CollectionCase.id).label("open_cases"),
            func.coalesce(func.sum(CollectionCase.overdue_amount), 0).label("overdue_amount"),
        )
        .outerjoin(
            CollectionCase,
            (CollectionCase.owner_id == AppUser.id) & CollectionCase.closed_on.is_(None),
        )
        .where(AppUser.role.in_(WORKERS), AppUser.disabled_at.is_(None))
        .group_by(AppUser.id)
        .order_by(AppUser.role, AppUser.name)
    ).all()


def other_loads(session: Session, owner_ids: Sequence[int], but_case_ids: Sequence[int]) -> dict[int, int]:
    """Open cases of each owner that are not among those given."""
    statement = text("""
        SELECT c.owner_id, count(*)
        FROM collection_case c
        LEFT JOIN unnest(CAST(:but AS bigint[])) AS b (id) ON b.id = c.id
        WHERE c.closed_on IS NULL AND c.owner_id = ANY(CAST(:owners AS bigint[])) AND b.id IS NULL
        GROUP BY c.owner_id
    """)
    rows = session.execute(statement, {"but": list(but_case_ids), "owners": list(owner_ids)})
    return {owner_id: number for owner_id, number in rows}  # noqa: C416 - mypy reads it


def assign(
    session: Session,
    case_ids: Sequence[int],
    owner_ids: Sequence[int | None],
    *,
    allocated_by: int | None,
    reason: str,
    kind: str = "by_hand",
) -> int:
    """Give each open case to the owner at the same place of the list (None: nobody), with history; how many changed.

    Who had a case open loses it: it is another's now.
    """
    statement = text("""
        WITH wanted AS (
            SELECT id, owner_id FROM unnest(CAST(:ids AS bigint[]), CAST(:owners AS bigint[])) AS w (id, owner_id)
        ), changed AS (
            UPDATE collection_case c
            SET owner_id = w.owner_id, held_by = NULL, held_until = NULL, version = c.version + 1
            FROM wanted w
            WHERE c.id = w.id AND c.closed_on IS NULL AND c.owner_id IS DISTINCT FROM w.owner_id
              -- while a complaint is open the case is given to nobody (IN-09)
              AND (w.owner_id IS NULL OR NOT EXISTS (
                  SELECT FROM complaint k WHERE k.borrower_id = c.borrower_id AND k.status <> 'closed'
              ))
            RETURNING c.id, c.owner_id
        )
        INSERT INTO allocation (case_id, owner_id, allocated_by, reason, kind)
        SELECT id, owner_id, :allocated_by, :reason, :kind FROM changed
        RETURNING case_id
    """)
    values = {
        "ids": list(case_ids),
        "owners": list(owner_ids),
        "allocated_by": allocated_by,
        "reason": reason,
        "kind": kind,
    }
    return len(session.execute(statement, values).all())


def with_open_complaint(session: Session, case_ids: Sequence[int]) -> int:
    """How many of these cases may be given to nobody, since a complaint of the borrower is not closed (IN-09)."""
    statement = text("""
        SELECT count(*) FROM collection_case c
        WHERE c.id = ANY(CAST(:ids AS bigint[]))
          AND EXISTS (SELECT FROM complaint k WHERE k.borrower_id = c.borrower_id AND k.status <> 'closed')
    """)
    return int(session.execute(statement, {"ids": list(case_ids)}).scalar_one())


def unallocated(session: Session) -> Row[*tuple[Any, ...]]:
    """Open cases that nobody has, and what is overdue on them."""
    return session.execute(
        select(
            func.count().label("cases"),
            func.coalesce(func.sum(CollectionCase.overdue_amount), 0).label("overdue_amount"),
        ).where(
            CollectionCase.closed_on.is_(None), CollectionCase.owner_id.is_(None), CollectionCase.stage != "pre_due"
        )
    ).one()
