"""Statements of the hours that borrowers asked to avoid."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.windows import ContactWindow

COLUMNS = (
    ContactWindow.id,
    ContactWindow.borrower_id,
    ContactWindow.weekdays,
    ContactWindow.from_time,
    ContactWindow.to_time,
    ContactWindow.channels,
    ContactWindow.starts_on,
    ContactWindow.ends_on,
    ContactWindow.note,
    AppUser.name.label("recorded_by_name"),
)


def insert_window(session: Session, **values: Any) -> int | None:
    """Insert a request; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(ContactWindow)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(ContactWindow.id)
    ).scalar_one_or_none()


def current(session: Session, borrower_id: int, *, today: date) -> Sequence[AnyRow]:
    """Those of a borrower that hold or are yet to hold, oldest first."""
    return session.execute(
        select(*COLUMNS)
        .outerjoin(AppUser, AppUser.id == ContactWindow.recorded_by)
        .where(
            ContactWindow.borrower_id == borrower_id,
            ContactWindow.ended_on.is_(None),
            or_(ContactWindow.ends_on.is_(None), ContactWindow.ends_on > today),
        )
        .order_by(ContactWindow.id)
    ).all()


def by_id(session: Session, window_id: int) -> AnyRow | None:
    """One that is not ended."""
    return session.execute(
        select(*COLUMNS)
        .outerjoin(AppUser, AppUser.id == ContactWindow.recorded_by)
        .where(ContactWindow.id == window_id, ContactWindow.ended_on.is_(None))
    ).one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """Id and borrower of what an earlier submit of the same form recorded."""
    statement = select(ContactWindow.id, ContactWindow.borrower_id).where(ContactWindow.request_key == request_key)
    return session.execute(statement).one_or_none()


def end(session: Session, window_id: int, *, on: date, by: int | None, reason: str) -> bool:
    """End one; False when it ended already."""
    statement = (
        update(ContactWindow)
        .where(ContactWindow.id == window_id, ContactWindow.ended_on.is_(None))
        .values(ended_on=on, ended_by=by, end_reason=reason)
        .returning(ContactWindow.id)
    )
    return session.execute(statement).first() is not None
