"""What must be remembered of the embedded servers between starts: ports and passwords, in one file only we may read."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

STATE_FILE = "servers.json"


def load(home: Path) -> dict[str, Any]:
    """The remembered state; empty before the first start."""
    path = home / STATE_FILE
    try:
        return dict(_parsed(path, path.stat().st_mtime_ns))
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=8)
def _parsed(path: Path, _changed: int) -> dict[str, Any]:
    # Read on every transaction, so parsed once a change.
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def save(home: Path, **changes: Any) -> dict[str, Any]:
    """Merge changes into the state; a kill leaves the old file or the new one, never half."""
    state = load(home) | changes
    write_private(home / STATE_FILE, json.dumps(state, indent=1))
    return state


def write_private(path: Path, content: str) -> None:
    """Replace a file by one that only we may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def locked(home: Path, name: str = "servers") -> Iterator[None]:
    """One process at a time starts or stops servers of a data folder. The lock dies with its holder."""
    descriptor = os.open(home / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def new_password() -> str:
    """A password that needs no escaping in a URL."""
    return secrets.token_urlsafe(24)


def free_port(preferred: int | None = None) -> int:
    """A free port of the loopback address: the preferred one if it is free, so that addresses outlive a restart."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    msg = "no free port"
    raise OSError(msg)
