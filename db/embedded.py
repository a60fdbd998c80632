"""The embedded servers, used where no address is configured: Postgres for all that matters, Valkey for the queue."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.embedded_account import EmbeddedServerError, prepare_home, server_account
from db.embedded_postgres import (
    PostgresServer,
    ensure_postgres,
    postgres_url,
    running_postgres,
    stop_postgres,
)
from db.embedded_valkey import ValkeyServer, ensure_valkey, running_valkey, stop_valkey, valkey_url
from settings import settings

__all__ = [
    "EmbeddedServerError",
    "PostgresServer",
    "ValkeyServer",
    "connection_url",
    "ensure_postgres",
    "ensure_valkey",
    "queue_url",
    "running_postgres",
    "running_valkey",
    "serving",
    "stop",
    "stop_postgres",
    "stop_valkey",
]


def connection_url(home: Path | None = None, role: str = "app") -> str:
    """Address of the embedded database.

    Args:
        home: the data folder; default: the one in the settings.
        role: `app` (web and workers), `owner` (migrations) or `superuser` (repair).

    Raises:
        EmbeddedServerError: it was never started there.
    """
    return postgres_url(home or settings().home, role)


def queue_url(home: Path | None = None) -> str:
    """Address of the embedded queue server.

    Raises:
        EmbeddedServerError: it was never started there.
    """
    return valkey_url(home or settings().home)


def stop(home: Path) -> None:
    """Stop both servers of a data folder, the queue first."""
    try:
        stop_valkey(home)
    finally:
        stop_postgres(home)


@contextmanager
def serving(home: Path, *, database: bool = True, queue: bool = True) -> Iterator[None]:
    """Within, the servers run. Who leaves last of all processes stops them, also those that a killed one left running.

    Raises:
        EmbeddedServerError: one cannot start.
    """
    prepare_home(home, server_account())
    descriptor = os.open(home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            if database:
                ensure_postgres(home)
            if queue:
                ensure_valkey(home)
            yield
        finally:
            with suppress(BlockingIOError):  # someone else still uses them
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop(home)
