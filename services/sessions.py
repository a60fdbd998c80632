"""Signing in and out. The browser holds a random token, the store only its hash; every page run checks it here.

Signing in makes a ticket, good once and for a minute; the web server exchanges it for the token, which it sets as a
cookie that scripts cannot read. So the token itself is never in a page, an address or a log.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import sessions as queries
from db.queries import users as user_queries
from services import audit, clock, passwords
from services.actors import SYSTEM, Actor, Role
from services.errors import NotAllowed
from settings import settings

FAILURES_BEFORE_LOCK = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
FAILURES_OF_ADDRESS = 50
"""Within `FIRST_LOCK`, over all names: an office behind one address stays below it, a list of names does not."""
TICKET_LIFE = timedelta(seconds=60)
KEPT_AFTER_END = timedelta(days=90)
SEEN_EVERY = timedelta(minutes=1)
"""How often activity is written down; the idle limit is exact to this."""

log = structlog.get_logger()


class SignInRefused(NotAllowed):
    """Wrong name, wrong password, disabled or locked: the four are not told apart, so that names cannot be probed."""

    def __init__(self) -> None:
        super().__init__(
            "User name and password do not match, or the account is locked. After five wrong passwords it is locked "
            "for 15 minutes, then longer; an admin can unlock it."
        )


class TooManyFailures(NotAllowed):
    """Too many sign-ins failed from one address, whatever the names."""

    def __init__(self) -> None:
        super().__init__("Too many sign-ins failed from your network. Wait 15 minutes, then try again.")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose run this is."""

    actor: Actor
    username: str
    must_change_password: bool
    """Until then nothing else is offered."""


def sign_in(username: str, password: str, *, address: str | None = None, user_agent: str | None = None) -> str:
    """Check a password and open a session; the ticket to `exchange` for its token within a minute.

    1. Refuse an address from which too many names were tried.
    2. Lock the user's row, so that guesses made at once are counted one by one.
    3. Compare the password, or spend the same time where there is no such user.
    4. Right: forget the failures, open the session. Wrong: count, and lock at every fifth failure.

    Raises:
        SignInRefused: name and password do not match, or the user is disabled or locked.
        TooManyFailures: too many sign-ins failed from this address.
    """
    now = clock.now()
    _refuse_busy_address(address, now)
    with transaction() as session:
        is_name = "\0" not in username  # the store has no such text, and would not be asked for it
        user = user_queries.with_username_locked(session, username.strip()) if is_name else None
        is_right = passwords.matches(user.password_hash if user else None, password)
        if user is None:
            log.warning("user.sign_in_unknown", address=address)
            ticket = None
        elif user.disabled_at is not None or (user.locked_until is not None and user.locked_until > now):
            _record(session, user, "user.sign_in_refused", "was refused: the account is disabled or locked", address)
            ticket = None
        elif not is_right:
            _count_failure(session, user, now=now, address=address)
            ticket = None
        else:
            ticket = _open(session, user, password, now=now, address=address, user_agent=user_agent)
        if ticket is None and address is not None:
            queries.note_failure(session, address, now=now, forget_before=now - FIRST_LOCK)
    if ticket is None:  # outside of the transaction: the failure stays counted
        raise SignInRefused
    return ticket


def _refuse_busy_address(address: str | None, now: datetime) -> None:
    if address is None:  # the same machine
        return
    with reading() as session:
        failures = queries.failures_from(session, address, since=now - FIRST_LOCK)
    if failures >= FAILURES_OF_ADDRESS:
        log.warning("user.sign_in_address_refused", address=address, failures=failures)
        raise TooManyFailures


def _open(
    session: Session,
    user: Row[*tuple[Any, ...]],
    password: str,
    *,
    now: datetime,
    address: str | None,
    user_agent: str | None,
) -> str:
    ticket = secrets.token_urlsafe(32)
    queries.delete_over(session, user.id, before=now - KEPT_AFTER_END)
    session_id = queries.insert_session(
        session,
        user_id=user.id,
        token_hash=_ticket_hash(ticket),
        created_at=now,
        seen_at=now,
        expires_at=now + TICKET_LIFE,
        address=address,
        user_agent=(user_agent or "")[:300] or None,
    )
    after: dict[str, Any] = {"failed_attempts": 0, "locked_until": None, "last_sign_in_at": now}
    if passwords.is_outdated(user.password_hash):
        after["password_hash"] = passwords.hashed(password)
    user_queries.note_attempt(session, user.id, **after)
    actor = Actor(user.id, user.name, Role(user.role), session_id)
    audit.record(
        session,
        actor,
        "user.signed_in",
        subject=("app_user", user.id),
        summary="signed in",
        after={"address": address, "session": session_id},
    )
    return ticket


def _count_failure(session: Session, user: Row[*tuple[Any, ...]], *, now: datetime, address: str | None) -> None:
    failures = user.failed_attempts + 1
    locks, is_lock_due = divmod(failures, FAILURES_BEFORE_LOCK)
    locked_until = now + min(FIRST_LOCK * 2 ** (locks - 1), LONGEST_LOCK) if is_lock_due == 0 else None
    user_queries.note_attempt(session, user.id, failed_attempts=min(failures, 30_000), locked_until=locked_until)
    if locked_until is None:
        _record(session, user, "user.sign_in_failed", "failed to sign in: wrong password", address)
    else:
        summary = f"was locked out after {failures} wrong passwords, until {locked_until:%-d %b %Y %H:%M} UTC"
        _record(session, user, "user.locked", summary, address)


def _record(session: Session, user: Row[*tuple[Any, ...]], action: str, summary: str, address: str | None) -> None:
    """Record what happened at the door. Nobody is signed in, so the system says it of the user."""
    audit.record(
        session,
        SYSTEM,
        action,
        subject=("app_user", user.id),
        summary=f"noted that {user.username} {summary}",
        after={"address": address},
    )


def exchange(ticket: str) -> str | None:
    """The token of the session that the ticket opened; None if the ticket is used, too old or made up."""
    now = clock.now()
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=settings().session_hours)
    with transaction() as session:
        opened = queries.exchange(
            session, _ticket_hash(ticket), token_hash=_token_hash(token), now=now, expires_at=expires_at
        )
    return token if opened is not None else None


def check(token: str, *, counts_as_activity: bool = True) -> SignedIn | None:
    """Who holds the token, if its session is open, not idle too long, and its user enabled; asked on every run.

    Args:
        token: what the browser sent.
        counts_as_activity: False for panels that refresh by themselves: they must not keep a session alive.
    """
    now = clock.now()
    idle = timedelta(minutes=settings().session_idle_minutes)
    with reading() as session:
        row = queries.open_with_hash(session, _token_hash(token), now=now, seen_since=now - idle)
    if row is None:
        return None
    if counts_as_activity and now - row.seen_at > SEEN_EVERY:
        with transaction() as session:
            queries.note_seen(session, row.id, now=now)
    actor = Actor(row.user_id, row.name, Role(row.role), row.id)
    return SignedIn(actor, row.username, row.must_change_password)


def sign_out(token: str) -> None:
    """End the session: from now on its token opens nothing, wherever it was copied to."""
    with transaction() as session:
        ended = queries.revoke_with_hash(session, _token_hash(token), now=clock.now())
        if ended is not None:
            actor = Actor(ended.user_id, ended.name, Role(ended.role), ended.id)
            audit.record(session, actor, "user.signed_out", subject=("app_user", ended.user_id), summary="signed out")


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(b"session:" + token.encode()).digest()


def _ticket_hash(ticket: str) -> bytes:
    """Another prefix than a token's: a ticket seen in an address is no token."""
    return hashlib.sha256(b"ticket:" + ticket.encode()).digest()
