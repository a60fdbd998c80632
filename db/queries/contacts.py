"""Statements of contacts with borrowers and the outcomes they may have."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.work import ContactAttempt, Disposition, Promise

DISPOSITION_COLUMNS = (
    Disposition.code,
    Disposition.label,
    Disposition.is_right_party,
    Disposition.is_connected,
    Disposition.requires,
    Disposition.next_action,
)


def dispositions(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    """The outcomes in use, the usual ones first."""
    statement = select(*DISPOSITION_COLUMNS).where(Disposition.is_active).order_by(Disposition.position)
    return session.execute(statement).all()


def disposition(session: Session, code: str) -> Row[*tuple[Any, ...]] | None:
    """One outcome, if it is in use."""
    statement = select(*DISPOSITION_COLUMNS).where(Disposition.code == code, Disposition.is_active)
    return session.execute(statement).one_or_none()


def insert_contact(session: Session, **values: Any) -> int | None:
    """Insert a contact; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(ContactAttempt)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(ContactAttempt.id)
    ).scalar_one_or_none()


CONTACT_COLUMNS = (
    ContactAttempt.id,
    ContactAttempt.borrower_id,
    ContactAttempt.at,
    ContactAttempt.channel,
    ContactAttempt.direction,
    ContactAttempt.person,
    ContactAttempt.outcome,
    Disposition.label.label("outcome_label"),
    ContactAttempt.note,
    ContactAttempt.next_action,
    ContactAttempt.next_action_on,
    ContactAttempt.override_reason,
    AppUser.name.label("recorded_by_name"),
    select(Promise.id)
    .where(Promise.contact_attempt_id == ContactAttempt.id)
    .limit(1)
    .scalar_subquery()
    .label("promise_id"),
)


def by_request_key(session: Session, request_key: str) -> Row[*tuple[Any, ...]] | None:
    """The contact that an earlier submit of the same form made."""
    return session.execute(_contacts().where(ContactAttempt.request_key == request_key)).one_or_none()


def by_id(session: Session, contact_id: int) -> Row[*tuple[Any, ...]]:
    """One contact."""
    return session.execute(_contacts().where(ContactAttempt.id == contact_id)).one()


def latest(session: Session, borrower_id: int, *, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The borrower's last contacts, newest first."""
    statement = _contacts().where(ContactAttempt.borrower_id == borrower_id)
    return session.execute(statement.order_by(ContactAttempt.at.desc(), ContactAttempt.id.desc()).limit(limit)).all()


def _contacts() -> Select[*tuple[Any, ...]]:
    return (
        select(*CONTACT_COLUMNS)
        .join(Disposition, Disposition.code == ContactAttempt.outcome)
        .outerjoin(AppUser, AppUser.id == ContactAttempt.recorded_by)
    )


def day_of(session: Session, user_id: int, since: datetime) -> Row[int, int]:
    """Contacts that a user recorded since a moment, and how many of them reached the right party."""
    return session.execute(
        select(func.count(), func.count().filter(Disposition.is_right_party))
        .select_from(ContactAttempt)
        .join(Disposition, Disposition.code == ContactAttempt.outcome)
        .where(ContactAttempt.recorded_by == user_id, ContactAttempt.at >= since)
    ).one()
