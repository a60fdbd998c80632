"""Statements about users: who they are, their passwords' hashes, their lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.models.access import AppUser, UserSession
from services.errors import Conflict

_COLUMNS = (
    AppUser.id,
    AppUser.username,
    AppUser.name,
    AppUser.email,
    AppUser.role,
    AppUser.must_change_password,
    AppUser.failed_attempts,
    AppUser.locked_until,
    AppUser.disabled_at,
    AppUser.last_sign_in_at,
    AppUser.created_at,
    AppUser.version,
)


def all_users(session: Session, *, now: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    """Every user by name, with how many sessions are open at `now`."""
    is_open = and_(
        UserSession.user_id == AppUser.id,
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > now,
    )
    open_sessions = select(func.count()).where(is_open).scalar_subquery().label("open_sessions")
    return session.execute(select(*_COLUMNS, open_sessions).order_by(AppUser.name, AppUser.id)).all()


def with_id(session: Session, user_id: int, *, is_locked: bool = False) -> Row[*tuple[Any, ...]] | None:
    """One user; with `is_locked`, nobody else changes it before the transaction ends."""
    statement = select(*_COLUMNS, AppUser.password_hash).where(AppUser.id == user_id)
    if is_locked:
        statement = statement.with_for_update()
    return session.execute(statement).one_or_none()


def with_username_locked(session: Session, username: str) -> Row[*tuple[Any, ...]] | None:
    """The user of that name, any case; a second sign-in of the same user waits until this one is decided."""
    statement = (
        select(*_COLUMNS, AppUser.password_hash)
        .where(func.lower(AppUser.username) == username.lower())
        .with_for_update()
    )
    return session.execute(statement).one_or_none()


def enabled_admins_locked(session: Session) -> list[int]:
    """Ids of the admins who may sign in, locked in one order, so that two admins cannot remove each other at once."""
    statement = (
        select(AppUser.id)
        .where(AppUser.role == "admin", AppUser.disabled_at.is_(None))
        .order_by(AppUser.id)
        .with_for_update()
    )
    return list(session.execute(statement).scalars())


def insert_user(session: Session, **values: Any) -> int:
    """Add a user and return the id.

    Raises:
        Conflict: the user name is taken.
    """
    try:
        with session.begin_nested():
            return session.execute(insert(AppUser).values(**values).returning(AppUser.id)).scalar_one()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if diagnosis is not None and diagnosis.constraint_name == "uq_app_user_username":
            raise Conflict("That user name is taken; choose another.") from error
        raise


def change(session: Session, user_id: int, **values: Any) -> None:
    """Set columns of a user, and count the version up."""
    session.execute(update(AppUser).where(AppUser.id == user_id).values(**values, version=AppUser.version + 1))


def note_attempt(session: Session, user_id: int, **values: Any) -> None:
    """Set what sign-ins leave on a user; the version stays, since no form shows it."""
    session.execute(update(AppUser).where(AppUser.id == user_id).values(**values))


def admin_exists(session: Session) -> bool:
    """Whether there is any admin, enabled or not. Holds other first starts back until this one is decided."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("first_admin"))))
    return session.execute(select(AppUser.id).where(AppUser.role == "admin").limit(1)).first() is not None
