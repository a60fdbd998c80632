"""Users: creating, disabling, roles, passwords. Users are never deleted, since the audit trail points at them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import sessions as session_queries
from db.queries import users as queries
from services import audit, clock, passwords
from services.actors import SYSTEM, Actor, Permission, Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused

FIRST_ADMIN = "admin"
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class User:
    """A user as the users page shows one."""

    id: int
    username: str
    name: str
    email: str | None
    role: Role
    must_change_password: bool
    locked_until: datetime | None
    """Set only while the lock holds."""
    disabled_at: datetime | None
    last_sign_in_at: datetime | None
    created_at: datetime
    version: int
    open_sessions: int

    @property
    def state(self) -> str:
        """Active, Locked, Disabled, or Invited: a one-time password not yet changed."""
        if self.disabled_at is not None:
            return "Disabled"
        if self.locked_until is not None:
            return "Locked"
        return "Invited" if self.must_change_password else "Active"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user just created; the password is told once and stored nowhere."""

    id: int
    username: str
    one_time_password: str


def all_users(actor: Actor) -> tuple[User, ...]:
    """Every user by name.

    Raises:
        NotAllowed: the actor may not manage users.
    """
    actor.require(Permission.MANAGE_USERS)
    now = clock.now()
    with reading() as session:
        return tuple(_user(row, now) for row in queries.all_users(session, now=now))


def _user(row: Row[*tuple[Any, ...]], now: datetime) -> User:
    return User(
        id=row.id,
        username=row.username,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        must_change_password=row.must_change_password,
        locked_until=row.locked_until if row.locked_until and row.locked_until > now else None,
        disabled_at=row.disabled_at,
        last_sign_in_at=row.last_sign_in_at,
        created_at=row.created_at,
        version=row.version,
        open_sessions=row.open_sessions,
    )


def create(actor: Actor, *, username: str, name: str, role: Role, email: str | None = None) -> NewUser:
    """Add a user with a one-time password, which must be changed at the first sign-in.

    Raises:
        NotAllowed: the actor may not manage users.
        InvalidInput: user name, name or e-mail cannot be taken.
        Conflict: the user name is taken.
    """
    actor.require(Permission.MANAGE_USERS)
    values = _checked(username, name, email, role)
    password = passwords.one_time()
    with transaction() as session:
        return _create(session, actor, values, password)


def _create(session: Session, actor: Actor, values: dict[str, Any], password: str) -> NewUser:
    user_id = queries.insert_user(session, **values, password_hash=passwords.hashed(password))
    audit.record(
        session,
        actor,
        "user.created",
        subject=("app_user", user_id),
        summary=f"created user {values['username']} as {values['role']}",
        after=values,
    )
    return NewUser(user_id, values["username"], password)


def _checked(username: str, name: str, email: str | None, role: Role) -> dict[str, Any]:
    wrong: dict[str, str] = {}
    username, name, email = username.strip().lower(), name.strip(), (email or "").strip() or None
    if not _USERNAME.fullmatch(username):
        wrong["username"] = "A user name has 2 to 40 small letters, digits, dots, dashes or underscores."
    if not 1 <= len(name) <= 100 or not name.isprintable():
        wrong["name"] = "Give the person's name in one line, at most 100 characters."
    if email is not None and not _EMAIL.fullmatch(email):
        wrong["email"] = f"“{email}” is not an e-mail address."
    if role is Role.SYSTEM:
        wrong["role"] = "Choose one of the roles; the system's own is not given to people."
    if wrong:
        raise InvalidInput(wrong)
    return {"username": username, "name": name, "email": email, "role": role.value}


def create_first_admin() -> str | None:
    """Make the user 'admin' if there is no admin yet; its one-time password, told once, or None if there is one."""
    with transaction() as session:
        if queries.admin_exists(session):
            return None
        values = _checked(FIRST_ADMIN, "Administrator", None, Role.ADMIN)
        return _create(session, SYSTEM, values, passwords.one_time()).one_time_password


def reset_password(actor: Actor, user_id: int, *, version: int | None = None) -> str:
    """Give a user a new one-time password, unlock the account and end its sessions; the password, told once.

    Raises:
        NotAllowed: the actor may not manage users.
        NotFound: there is no such user.
        Conflict: the user was changed in the meantime.
    """
    actor.require(Permission.MANAGE_USERS)
    password = passwords.one_time()
    with transaction() as session:
        user = _locked(session, user_id, version)
        queries.change(
            session,
            user_id,
            password_hash=passwords.hashed(password),
            must_change_password=True,
            failed_attempts=0,
            locked_until=None,
        )
        ended = session_queries.revoke_of_user(session, user_id, now=clock.now())
        _record(session, actor, user, "user.password_reset", f"reset the password of {user.username}", sessions=ended)
    return password


def change_role(actor: Actor, user_id: int, role: Role, *, version: int | None = None) -> None:
    """Give a user another role, in force from their next click.

    Raises:
        NotAllowed: the actor may not manage users, or the user is the actor.
        InvalidInput: the role is not one for people.
        NotFound: there is no such user.
        Refused: the user is the last admin.
        Conflict: the user was changed in the meantime.
    """
    actor.require(Permission.MANAGE_USERS)
    if role is Role.SYSTEM:
        raise InvalidInput({"role": "Choose one of the roles; the system's own is not given to people."})
    with transaction() as session:
        admins = queries.enabled_admins_locked(session)
        user = _locked(session, user_id, version)
        if user.role == role:
            return
        _refuse_self(actor, user_id, "change your own role")
        if role is not Role.ADMIN:
            _refuse_last_admin(admins, user_id)
        queries.change(session, user_id, role=role.value)
        audit.record(
            session,
            actor,
            "user.role_changed",
            subject=("app_user", user_id),
            summary=f"changed the role of {user.username} from {user.role} to {role}",
            before={"role": user.role},
            after={"role": role.value},
        )


def disable(actor: Actor, user_id: int, *, reason: str, version: int | None = None) -> None:
    """Keep a user from signing in and end their sessions; what they did stays.

    Raises:
        NotAllowed: the actor may not manage users, or the user is the actor.
        InvalidInput: no reason is given.
        NotFound: there is no such user.
        Refused: the user is the last admin.
        Conflict: the user was changed in the meantime.
    """
    actor.require(Permission.MANAGE_USERS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the user is disabled; it is kept in the audit trail."})
    now = clock.now()
    with transaction() as session:
        admins = queries.enabled_admins_locked(session)
        user = _locked(session, user_id, version)
        if user.disabled_at is not None:
            return
        _refuse_last_admin(admins, user_id)
        _refuse_self(actor, user_id, "disable yourself")
        queries.change(session, user_id, disabled_at=now)
        ended = session_queries.revoke_of_user(session, user_id, now=now)
        _record(
            session,
            actor,
            user,
            "user.disabled",
            f"disabled user {user.username}",
            sessions=ended,
            reason=reason.strip(),
        )


def enable(actor: Actor, user_id: int, *, version: int | None = None) -> None:
    """Let a disabled user sign in again, with the password they had.

    Raises:
        NotAllowed: the actor may not manage users.
        NotFound: there is no such user.
        Conflict: the user was changed in the meantime.
    """
    actor.require(Permission.MANAGE_USERS)
    with transaction() as session:
        user = _locked(session, user_id, version)
        if user.disabled_at is None:
            return
        queries.change(session, user_id, disabled_at=None, failed_attempts=0, locked_until=None)
        _record(session, actor, user, "user.enabled", f"enabled user {user.username}")


def unlock(actor: Actor, user_id: int) -> None:
    """Lift the lock that wrong passwords left.

    Raises:
        NotAllowed: the actor may not manage users.
        NotFound: there is no such user.
    """
    actor.require(Permission.MANAGE_USERS)
    with transaction() as session:
        user = _locked(session, user_id, None)
        if user.failed_attempts == 0 and user.locked_until is None:
            return
        queries.note_attempt(session, user_id, failed_attempts=0, locked_until=None)
        _record(session, actor, user, "user.unlocked", f"unlocked user {user.username}")


def end_sessions(actor: Actor, user_id: int) -> int:
    """Sign a user out everywhere; how many sessions ended.

    Raises:
        NotAllowed: the actor may not manage users.
        NotFound: there is no such user.
    """
    actor.require(Permission.MANAGE_USERS)
    with transaction() as session:
        user = _locked(session, user_id, None)
        ended = session_queries.revoke_of_user(session, user_id, now=clock.now())
        _record(session, actor, user, "user.sessions_ended", f"signed {user.username} out everywhere", sessions=ended)
    return ended


def change_own_password(actor: Actor, *, current: str, new: str) -> None:
    """Change the actor's own password; their other sessions end, this one stays.

    Raises:
        NotAllowed: the current password is wrong.
        InvalidInput: the new password misses a rule, or is the current one.
        NotFound: the actor is not a user.
    """
    with transaction() as session:
        user = _locked(session, actor.id or 0, None)
        if not passwords.matches(user.password_hash, current):
            raise NotAllowed("The current password is not right; type it once more.")
        passwords.require_good(new, username=user.username)
        if new == current:
            raise InvalidInput({"password": "The new password is the current one; choose another."})
        queries.change(session, user.id, password_hash=passwords.hashed(new), must_change_password=False)
        session_queries.revoke_of_user(session, user.id, now=clock.now(), keep=actor.session_id)
        audit.record(
            session,
            actor,
            "user.password_changed",
            subject=("app_user", user.id),
            summary="changed their own password",
        )


def _locked(session: Session, user_id: int, version: int | None) -> Row[*tuple[Any, ...]]:
    user = queries.with_id(session, user_id, is_locked=True)
    if user is None:
        raise NotFound("There is no such user.")
    if version is not None and user.version != version:
        raise Conflict(f"{user.name} was changed by someone else in the meantime; look again and repeat what you want.")
    return user


def _refuse_self(actor: Actor, user_id: int, act: str) -> None:
    if actor.id == user_id:
        raise NotAllowed(f"You cannot {act}; ask another admin.")


def _refuse_last_admin(admins: list[int], user_id: int) -> None:
    if admins == [user_id]:
        raise Refused("This is the last admin who can sign in; make another user an admin first.")


def _record(
    session: Session,
    actor: Actor,
    user: Row[*tuple[Any, ...]],
    action: str,
    summary: str,
    *,
    sessions: int | None = None,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        actor,
        action,
        subject=("app_user", user.id),
        summary=summary,
        after={"sessions_ended": sessions} if sessions is not None else None,
        reason=reason,
    )
