"""Statements of follow-ups: dates on which a borrower is to be worked again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.work import FollowUp


def insert_follow_up(session: Session, **values: Any) -> int | None:
    """Insert a follow-up; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(FollowUp).values(**values).on_conflict_do_nothing(index_elements=["request_key"]).returning(FollowUp.id)
    ).scalar_one_or_none()


def finish(session: Session, borrower_id: int, *, ended_by: str, at: datetime) -> int:
    """Mark the borrower's open follow-ups done, since the borrower was worked or is to be worked at another time.

    Those that remind of a complaint stay: only its answer ends them.

    Args:
        session: the transaction of the act.
        borrower_id: whose.
        ended_by: contact or moved.
        at: when.
    """
    done = session.execute(
        update(FollowUp)
        .where(FollowUp.borrower_id == borrower_id, FollowUp.done_at.is_(None), FollowUp.complaint_id.is_(None))
        .values(done_at=at, ended_by=ended_by)
        .returning(FollowUp.id)
    )
    return len(done.all())


COLUMNS = (FollowUp.id, FollowUp.borrower_id, FollowUp.due_at, FollowUp.action, FollowUp.note)


def by_request_key(session: Session, request_key: str) -> Row[*tuple[Any, ...]] | None:
    """The follow-up that an earlier submit of the same form made."""
    return session.execute(select(*COLUMNS).where(FollowUp.request_key == request_key)).one_or_none()


def open_of(session: Session, borrower_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The borrower's open follow-ups, earliest first."""
    statement = select(*COLUMNS).where(FollowUp.borrower_id == borrower_id, FollowUp.done_at.is_(None))
    return session.execute(statement.order_by(FollowUp.due_at)).all()


def next_due(session: Session, borrower_ids: Sequence[int]) -> dict[int, datetime]:
    """The moment of the earliest open follow-up, by borrower."""
    rows = session.execute(
        select(FollowUp.borrower_id, func.min(FollowUp.due_at))
        .where(FollowUp.borrower_id.in_(borrower_ids), FollowUp.done_at.is_(None))
        .group_by(FollowUp.borrower_id)
    )
    return {borrower_id: due_at for borrower_id, due_at in rows}  # noqa: C416 - mypy reads it
