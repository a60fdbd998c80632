"""Statements of contacts with borrowers and the outcomes they may have. Maintaining outcomes: see dispositions."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.owes import ContactPoint, Lender, Party
from db.models.visits import AddressPlace
from db.models.work import ContactAttempt, Disposition, Promise

DISPOSITION_COLUMNS = (
    Disposition.code,
    Disposition.label,
    Disposition.is_right_party,
    Disposition.is_connected,
    Disposition.requires,
    Disposition.next_action,
    Disposition.channels,
    Disposition.direction,
    Disposition.hold_kind,
    Disposition.is_quick,
)


def _in_use(day: date) -> ColumnElement[bool]:
    is_on = or_(Disposition.active_to.is_(None), Disposition.active_to > day)
    return and_(Disposition.active_from <= day, is_on, Disposition.is_system.is_(False))


def dispositions(session: Session, day: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """The outcomes that people may choose on a day, the quick ones first, each part in its order."""
    statement = select(*DISPOSITION_COLUMNS).where(_in_use(day))
    return session.execute(statement.order_by(Disposition.is_quick.desc(), Disposition.position)).all()


def disposition(session: Session, code: str, day: date) -> Row[*tuple[Any, ...]] | None:
    """One outcome, if people may choose it on a day."""
    return session.execute(select(*DISPOSITION_COLUMNS).where(Disposition.code == code, _in_use(day))).one_or_none()


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
    .where(Promise.contact_attempt_id == ContactAttempt.id, Promise.part == 1)
    .limit(1)
    .scalar_subquery()
    .label("promise_id"),
    select(Party.name).where(Party.id == ContactAttempt.party_id).scalar_subquery().label("party_name"),
    ContactAttempt.recording_reference,
    ContactAttempt.no_recording_reason,
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


def recording_required(session: Session) -> bool:
    """Whether a call is recorded only with the reference of its recording."""
    return session.execute(select(Lender.recording_required)).scalar_one()


def set_recording_required(session: Session, *, is_required: bool) -> bool:
    """Change it; False when it is so already."""
    changed = session.execute(
        update(Lender)
        .where(Lender.recording_required.is_not(is_required))
        .values(recording_required=is_required)
        .returning(Lender.id)
    )
    return changed.first() is not None


def parties(session: Session, borrower_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Co-borrowers and guarantors of a borrower."""
    statement = select(Party.id, Party.role, Party.name).where(Party.borrower_id == borrower_id)
    return session.execute(statement.order_by(Party.role, Party.id)).all()


def contact_point(session: Session, contact_point_id: int) -> Row[*tuple[Any, ...]] | None:
    """Whose a contact point is, and of what kind."""
    columns = (ContactPoint.borrower_id, ContactPoint.party_id, ContactPoint.kind)
    return session.execute(select(*columns).where(ContactPoint.id == contact_point_id)).one_or_none()


def oldest_and_newest_values(session: Session) -> list[bytes]:
    """Two encrypted values that were written furthest apart; one or none where there are no two."""
    value = select(ContactPoint.value_encrypted)
    ends = (
        value.order_by(ContactPoint.id).limit(1).subquery(),
        value.order_by(ContactPoint.id.desc()).limit(1).subquery(),
    )
    return list(session.execute(select(ends[0]).union(select(ends[1]))).scalars())


def place_of(session: Session, contact_point_id: int | None) -> str | None:
    """What an address is, as far as it was said."""
    if contact_point_id is None:
        return None
    said = select(AddressPlace.place).where(AddressPlace.contact_point_id == contact_point_id)
    return session.execute(said.order_by(AddressPlace.id.desc()).limit(1)).scalar_one_or_none()
