"""Statements of holds: dated stops on contact, and the changes of status that go with them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, tuple_, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.grievances import Complaint
from db.models.owes import Borrower
from db.models.work import Hold, StatusChange


def insert_hold(session: Session, **values: Any) -> int | None:
    """Insert a hold; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(Hold).values(**values).on_conflict_do_nothing(index_elements=["request_key"]).returning(Hold.id)
    ).scalar_one_or_none()


def insert_status_change(
    session: Session, borrower_id: int, *, status: str, reason: str, changed_by: int | None
) -> None:
    """Keep the change of status as a fact."""
    session.execute(
        plain_insert(StatusChange).values(borrower_id=borrower_id, status=status, reason=reason, changed_by=changed_by)
    )


COLUMNS = (
    Hold.id,
    Hold.borrower_id,
    Hold.kind,
    Hold.reason,
    Hold.starts_on,
    Hold.ends_on,
    AppUser.name.label("created_by_name"),
)


def by_request_key(session: Session, request_key: str) -> Row[*tuple[Any, ...]] | None:
    """The hold that an earlier submit of the same form made."""
    return session.execute(_holds().where(Hold.request_key == request_key)).one_or_none()


def by_id(session: Session, hold_id: int) -> Row[*tuple[Any, ...]] | None:
    """One hold that was not released."""
    return session.execute(_holds().where(Hold.id == hold_id, Hold.released_at.is_(None))).one_or_none()


def active(session: Session, borrower_id: int, *, as_of: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """Holds that are in force or yet to start, earliest first."""
    return session.execute(
        _holds()
        .where(
            Hold.borrower_id == borrower_id,
            Hold.released_at.is_(None),
            or_(Hold.ends_on.is_(None), Hold.ends_on > as_of),
        )
        .order_by(Hold.starts_on, Hold.id)
    ).all()


HELD = (
    *COLUMNS,
    Borrower.external_id.label("borrower_number"),
    Borrower.name.label("borrower_name"),
    Complaint.id.label("complaint_id"),
)


def in_force(
    session: Session, *, as_of: date, kind: str | None, after: tuple[date | None, int] | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """A page of holds that are in force or yet to start, those that end first first, those without end last.

    Args:
        session: a transaction.
        as_of: business date.
        kind: only those of this kind.
        after: end and id of the last hold of the page before.
        limit: how many at most.
    """
    statement = (
        select(*HELD)
        .join(Borrower, Borrower.id == Hold.borrower_id)
        .outerjoin(AppUser, AppUser.id == Hold.created_by)
        .outerjoin(Complaint, (Complaint.hold_id == Hold.id) & (Complaint.status != "closed"))
        .where(*_is_in_force(as_of))
        .order_by(Hold.ends_on.asc().nulls_last(), Hold.id)
        .limit(limit)
    )
    if kind is not None:
        statement = statement.where(Hold.kind == kind)
    if after is not None and after[0] is None:
        statement = statement.where(Hold.ends_on.is_(None), Hold.id > after[1])
    elif after is not None:
        statement = statement.where(or_(tuple_(Hold.ends_on, Hold.id) > after, Hold.ends_on.is_(None)))
    return session.execute(statement).all()


def counts(session: Session, *, as_of: date) -> dict[str, int]:
    """Holds in force or yet to start, by kind."""
    rows = session.execute(
        select(Hold.kind, func.count().label("holds")).where(*_is_in_force(as_of)).group_by(Hold.kind)
    )
    return {row.kind: row.holds for row in rows}


def _is_in_force(as_of: date) -> tuple[ColumnElement[bool], ...]:
    return Hold.released_at.is_(None), or_(Hold.ends_on.is_(None), Hold.ends_on > as_of)


def _holds() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).outerjoin(AppUser, AppUser.id == Hold.created_by)


def release(session: Session, hold_id: int, *, reason: str, released_by: int | None) -> bool:
    """End a hold now; False when it was released already."""
    changed = session.execute(
        update(Hold)
        .where(Hold.id == hold_id, Hold.released_at.is_(None))
        .values(released_at=func.now(), released_by=released_by, release_reason=reason)
        .returning(Hold.id)
    ).first()
    return changed is not None


def complaint_of(session: Session, hold_id: int) -> int | None:
    """The complaint that opened a hold and is not closed: the hold ends with it."""
    return session.execute(
        select(Complaint.id).where(Complaint.hold_id == hold_id, Complaint.status != "closed")
    ).scalar_one_or_none()
