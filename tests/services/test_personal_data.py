"""Personal data at rest: whether the keys here are those that it was written with."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ops import running
from services import personal_data
from tests.builders import make_borrower, make_phone
from tests.conftest import _environment


@contextmanager
def keys(*held: str) -> Iterator[None]:
    """Within, the installation has these keys, newest first."""
    cached = (personal_data._keys, personal_data._ciphers, personal_data._index)
    for each in cached:
        each.cache_clear()
    with _environment(RECOUP_PII_KEYS=",".join(held)):
        yield
    for each in cached:
        each.cache_clear()


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_data_of_other_keys_is_noticed(session):
    old, new = new_key(), new_key()
    with keys(new):
        assert personal_data.is_readable()  # nothing is stored
    with keys(old):
        make_phone(session, make_borrower(session), "+919876543210")
        assert personal_data.is_readable()
    with keys(new):
        assert not personal_data.is_readable()
    with keys(new, old):
        make_phone(session, make_borrower(session), "+919876543211")
        assert personal_data.is_readable()
    with keys(old):
        assert not personal_data.is_readable()


def test_a_start_with_other_keys_says_so(session, monkeypatch, capsys):
    monkeypatch.setattr(running, "_first_steps", lambda **_: ["an address"])
    assert running._prepare(demo=False) == ["an address"]
    with keys(new_key()):
        make_phone(session, make_borrower(session), "+919876543210")
    with keys(new_key()):
        warning, _address = running._prepare(demo=False)
    assert "written with other keys than those here" in warning
    assert "written with other keys" in capsys.readouterr().out
