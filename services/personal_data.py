"""Personal data at rest: encryption, a blind index to find a value without decrypting any, and masks for screens.

AES-256-GCM with a fresh nonce a value (`cryptography`'s AESGCM). The first byte names the key, so that keys rotate:
new values use the newest key, old ones are read with the key that wrote them. The blind index is HMAC-SHA-256 of the
normalised value under a key derived from the oldest, which must be kept for as long as the index is.
"""

import base64
import hmac
import os
import re
from collections.abc import Iterable
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.errors import CollectionsError

_NONCE = 12


class PersonalDataUnreadable(CollectionsError):
    """A value was written with a key that this installation no longer has."""


@cache
def _keys() -> tuple[bytes, ...]:
    """The keys, oldest first: a key keeps its number when newer ones come."""
    from db.secrets import pii_keys

    return tuple(base64.urlsafe_b64decode(key) for key in reversed(pii_keys()))


@cache
def _ciphers() -> tuple[AESGCM, ...]:
    return tuple(AESGCM(key) for key in _keys())


@cache
def _index() -> "hmac.HMAC":
    """The keyed hash before any value: a copy of it takes half the time of beginning with the key."""
    return hmac.new(hmac.digest(_keys()[0], b"recoup blind index", "sha256"), digestmod="sha256")


def encrypt(value: str) -> bytes:
    """Encrypt a value under the newest key: key number, nonce, ciphertext with tag."""
    newest = len(_ciphers()) - 1
    nonce = os.urandom(_NONCE)
    return bytes([newest]) + nonce + _ciphers()[newest].encrypt(nonce, value.encode(), None)


def is_readable() -> bool:
    """Whether the keys here are those that what is stored was written with, as far as its oldest and newest say."""
    from db.engine import reading
    from db.queries.contacts import oldest_and_newest_values

    with reading() as session:
        values = oldest_and_newest_values(session)
    try:
        for value in values:
            decrypt(value)
    except PersonalDataUnreadable:
        return False
    return True


def encrypt_all(values: Iterable[str]) -> list[bytes]:
    """`encrypt` over many values, with one draw of randomness, for imports of a whole book."""
    texts = list(values)
    newest = len(_ciphers()) - 1
    cipher, prefix = _ciphers()[newest], bytes([newest])
    randomness = os.urandom(_NONCE * len(texts))
    sealed = []
    for position, value in enumerate(texts):
        nonce = randomness[position * _NONCE : (position + 1) * _NONCE]
        sealed.append(prefix + nonce + cipher.encrypt(nonce, value.encode(), None))
    return sealed


def decrypt(sealed: bytes) -> str:
    """The value in the clear.

    Raises:
        PersonalDataUnreadable: its key is missing, or the bytes were tampered with.
    """
    from cryptography.exceptions import InvalidTag

    try:
        cipher = _ciphers()[sealed[0]]
        return cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], None).decode()
    except (IndexError, InvalidTag):
        raise PersonalDataUnreadable(
            "This value cannot be read: its key is not on this server. Ask the operator to restore the data keys."
        ) from None


def blind_index(normalised: str) -> bytes:
    """The same value always gives the same 32 bytes, and the bytes tell nothing without the key."""
    keyed = _index().copy()
    keyed.update(normalised.encode())
    return keyed.digest()


def mask_phone(number: str) -> str:
    """'+919876543210' becomes '••••••3210'."""
    last = number[-4:]
    return "••••••" + (last if last.isdecimal() else re.sub(r"\D", "", number)[-4:])


def mask_email(address: str) -> str:
    """'meera@example.in' becomes 'm•••@example.in'."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}" if domain else "•••"


def mask_address(address: str) -> str:
    """Keeps the last part, normally the city or PIN code."""
    return "•••, " + address.rsplit(",", 1)[-1].strip() if "," in address else "•••"
