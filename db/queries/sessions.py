"""Statements about sign-ins: opening, checking on every run, revoking."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.orm import Session

from db.models.access import AppUser, SignInFailure, UserSession


def insert_session(session: Session, **values: Any) -> int:
    """Open a session; the id."""
    return session.execute(insert(UserSession).values(**values).returning(UserSession.id)).scalar_one()


def open_with_hash(
    session: Session, token_hash: bytes, *, now: datetime, seen_since: datetime
) -> Row[*tuple[Any, ...]] | None:
    """The session with that token and its user: not revoked, not expired, seen since, its user not disabled."""
    statement = (
        select(
            UserSession.id,
            UserSession.user_id,
            UserSession.seen_at,
            AppUser.username,
            AppUser.name,
            AppUser.role,
            AppUser.must_change_password,
        )
        .join(AppUser, AppUser.id == UserSession.user_id)
        .where(
            UserSession.token_hash == token_hash,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
            UserSession.seen_at > seen_since,
            AppUser.disabled_at.is_(None),
        )
    )
    return session.execute(statement).one_or_none()


def exchange(
    session: Session, ticket_hash: bytes, *, token_hash: bytes, now: datetime, expires_at: datetime
) -> int | None:
    """Replace a ticket that is still good by the session's token, once; the session's id, or None."""
    statement = (
        update(UserSession)
        .where(
            UserSession.token_hash == ticket_hash,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
        )
        .values(token_hash=token_hash, expires_at=expires_at, seen_at=now)
        .returning(UserSession.id)
    )
    return session.execute(statement).scalar_one_or_none()


def note_seen(session: Session, session_id: int, *, now: datetime) -> None:
    """Push the idle limit back."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=now))


def revoke_with_hash(session: Session, token_hash: bytes, *, now: datetime) -> Row[*tuple[Any, ...]] | None:
    """End the session with that token; its id and user, or None if it was over already."""
    statement = (
        update(UserSession)
        .where(
            UserSession.token_hash == token_hash, UserSession.revoked_at.is_(None), AppUser.id == UserSession.user_id
        )
        .values(revoked_at=now)
        .returning(UserSession.id, UserSession.user_id, AppUser.name, AppUser.role)
    )
    return session.execute(statement).one_or_none()


def revoke_of_user(session: Session, user_id: int, *, now: datetime, keep: int | None = None) -> int:
    """End a user's open sessions, all but `keep`; how many."""
    statement = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now
    )
    if keep is not None:
        statement = statement.where(UserSession.id != keep)
    ended = session.execute(statement.values(revoked_at=now).returning(UserSession.id))
    return len(ended.all())


def delete_over(session: Session, user_id: int, *, before: datetime) -> int:
    """Forget a user's sessions that were over before a moment; how many. The trail keeps who signed in when."""
    ended = func.coalesce(UserSession.revoked_at, UserSession.expires_at)
    statement = delete(UserSession).where(UserSession.user_id == user_id, ended < before).returning(UserSession.id)
    return len(session.execute(statement).all())


def failures_from(session: Session, address: str, *, since: datetime) -> int:
    """How many sign-ins failed from an address since a moment."""
    statement = select(func.count()).where(SignInFailure.address == address, SignInFailure.at > since)
    return session.execute(statement).scalar_one()


def note_failure(session: Session, address: str, *, now: datetime, forget_before: datetime) -> None:
    """Count a failure of an address, and forget its old ones."""
    session.execute(delete(SignInFailure).where(SignInFailure.address == address, SignInFailure.at < forget_before))
    session.execute(insert(SignInFailure).values(address=address, at=now))
