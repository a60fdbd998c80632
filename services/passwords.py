"""Passwords: their hashes, their rules, and one-time passwords. No store, no session."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from services.errors import InvalidInput

SHORTEST = 12
LONGEST = 128
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
_hasher = PasswordHasher()  # argon2id, RFC 9106 second choice: 64 MiB, 3 passes
_at_once = BoundedSemaphore(4)  # each hash takes 64 MiB: a burst of sign-ins must not take the memory


@dataclass(frozen=True, slots=True)
class Rule:
    """What a password must be, as the screen says it, and whether the one typed is."""

    text: str
    is_met: bool


def _all_rules(username: str) -> tuple[tuple[str, Callable[[str], bool]], ...]:
    return (
        (f"at least {SHORTEST} characters", lambda typed: SHORTEST <= len(typed) <= LONGEST),
        ("a letter", lambda typed: any(letter.isalpha() for letter in typed)),
        ("a digit or a sign", lambda typed: any(not letter.isalpha() and not letter.isspace() for letter in typed)),
        (
            "not your user name in it",
            lambda typed: bool(typed) and (len(username) < 3 or username.lower() not in typed.lower()),
        ),
        ("at least 6 different characters", lambda typed: len(set(typed.lower())) >= 6),
    )


def rules(typed: str, *, username: str) -> tuple[Rule, ...]:
    """The rules for a new password, each with whether `typed` meets it."""
    return tuple(Rule(text, is_met(typed)) for text, is_met in _all_rules(username))


def require_good(typed: str, *, username: str) -> None:
    """Refuse a password that misses a rule.

    Raises:
        InvalidInput: which rules are missed.
    """
    missed = [rule.text for rule in rules(typed, username=username) if not rule.is_met]
    if missed:
        raise InvalidInput({"password": f"The password needs: {', '.join(missed)}."})


def one_time() -> str:
    """A random password of 80 bits that can be read out: four groups without letters that look alike."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def hashed(password: str) -> str:
    """The argon2id hash, with its parameters and salt."""
    with _at_once:
        return _hasher.hash(password)


def matches(stored_hash: str | None, password: str) -> bool:
    """Whether the password is the hashed one. Takes as long for no hash at all, so that names cannot be probed."""
    with _at_once:
        try:
            return _hasher.verify(stored_hash or _of_nobody(), password) and stored_hash is not None
        except (VerifyMismatchError, InvalidHashError):
            return False


@cache
def _of_nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))


def prepare() -> None:
    """Make the hash that unknown users are compared with, so that the first of them does not wait longer."""
    _of_nobody()


def is_outdated(stored_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored_hash)
