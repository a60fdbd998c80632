"""Keys that an installation makes once and keeps in its data folder, unless the environment gives them."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from settings import settings


def pii_keys() -> list[str]:
    """Keys for personal data, newest first: 32 bytes each, URL-safe base64."""
    configured = settings().pii_keys
    if configured is not None:
        return [key.strip() for key in configured.get_secret_value().split(",") if key.strip()]
    return [_kept("pii_key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())]


def secret_key() -> str:
    """Key that signs session cookies."""
    configured = settings().secret_key
    if configured is not None:
        return configured.get_secret_value()
    return _kept("secret_key", lambda: secrets.token_urlsafe(48))


def signing_identity(make: Callable[[], str]) -> str:
    """Key and certificate that sign documents, as PEM; made by `make` where there is none yet."""
    return _kept("document_signer.pem", make)


def _kept(name: str, make: Callable[[], str]) -> str:
    """Read a secret's file, or write it first; two processes that start at once agree on one value."""
    folder = settings().home / "secrets"
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, make())
    return path.read_text().strip()


def _write_once(path: Path, value: str) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # threads of one process may be here at once
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
    try:
        os.link(draft, path)  # fails when the other process was first: its value stands
    except FileExistsError:
        return
    finally:
        draft.unlink()
