"""Checks before the start. Whatever is wrong becomes one sentence that says what to do."""

import errno
import os
import shutil
import socket
import stat
import time
from pathlib import Path

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from db.engine import database_url
from db.queries import server
from settings import settings

POSTGRES_AT_LEAST = 16
REDIS_AT_LEAST = 5
_MB = 1024 * 1024
_DISK_NEEDED_MB, _DISK_LOW_MB = 300, 2048
_MARKS = ("servers.json", "supervisor.lock", "users.lock", "secrets", "postgres")
"""What a folder holds that was a data folder before."""


class NotReady(Exception):
    """The product cannot start; the message is one sentence for the operator."""


def disk(folder: Path) -> str | None:
    """Room for the data.

    Returns:
        A warning where it is getting low.

    Raises:
        NotReady: there is too little to start.
    """
    free = shutil.disk_usage(_existing(folder)).free // _MB
    if free < _DISK_NEEDED_MB:
        raise NotReady(
            f"The disk of {folder} is full ({free} MB left, {_DISK_NEEDED_MB} MB needed): "
            "make room, or set RECOUP_DATA_DIR to another disk."
        )
    return f"The disk of {folder} is nearly full: {free} MB left." if free < _DISK_LOW_MB else None


def data_folder(folder: Path) -> None:
    """The data folder can be made and written.

    Raises:
        NotReady: it cannot.
    """
    existing = _existing(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise _not_writable(folder)


def own_folder(folder: Path) -> None:
    """The data folder is Recoup's alone, since embedded servers close it to everybody else.

    Raises:
        NotReady: it is a shared folder, or somebody's, with other things in it.
    """
    if not folder.exists() or any((folder / mark).exists() for mark in _MARKS):
        return
    found = folder.stat()
    is_private = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if not is_private and any(entry.name != "lost+found" for entry in folder.iterdir()):
        raise NotReady(
            f"The data folder {folder} holds other things and would be closed to everybody else: "
            f"set RECOUP_DATA_DIR to a folder of its own, such as {folder / 'recoup'}."
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    try:
        return next(path for path in (folder, *folder.parents) if path.exists())
    except PermissionError:
        raise _not_writable(folder) from None


def _not_writable(folder: Path) -> NotReady:
    return NotReady(f"The data folder {folder} cannot be written: set RECOUP_DATA_DIR to a folder you own.")


def signing_key() -> None:
    """The lender's own key that signs documents, where one is configured, can be used.

    Raises:
        NotReady: it cannot.
    """
    from services import signing

    configured = settings().signing_pkcs12
    if configured is None or not configured.name:
        return
    try:
        signing.identity()
    except signing.SigningKeyUnusable as error:
        raise NotReady(error.message) from None


def port(host: str, number: int, *, patience: float = 0.0) -> None:
    """The web address is free, or becomes so within `patience` seconds.

    Raises:
        NotReady: it is taken or not ours to use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(probe, host, number, until=time.monotonic() + patience)
        except PermissionError:
            raise NotReady(f"Port {number} needs root: set RECOUP_PORT to one above 1023.") from None
        except socket.gaierror:
            raise NotReady(f"{host} is no address of this machine: set RECOUP_HOST.") from None
        except OSError as error:
            raise NotReady(
                f"Port {number} on {host} cannot be used ({reason(error)}): "
                "stop the program that holds it, or choose another with RECOUP_PORT."
            ) from None


def _bind(probe: socket.socket, host: str, number: int, *, until: float) -> None:
    while True:
        try:
            return probe.bind((host, number))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                raise
        time.sleep(0.1)


def database(url: str | None = None) -> server.ServerFacts:
    """The database answers and is one that we support.

    Args:
        url: its address; default: the configured one.

    Raises:
        NotReady: it does not, or is not.
    """
    address = url or database_url()
    shown = without_password(address)
    engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            facts = server.facts(connection)
    except SQLAlchemyError as error:
        raise NotReady(f"The database {shown} cannot be used: {reason(error)} {_advice(error)}") from None
    require_supported(facts, shown)
    return facts


def _advice(error: SQLAlchemyError) -> str:
    if isinstance(getattr(error, "orig", None), InsufficientPrivilege):  # of tables that are there
        return "Check DATABASE_URL: its role must be recoup_app, or a member of it since before `manage.py migrate`."
    return "Check DATABASE_URL."


def require_supported(facts: server.ServerFacts, shown: str) -> None:
    """The database is of a version and kind that we can use.

    Raises:
        NotReady: it is not.
    """
    if facts.version < POSTGRES_AT_LEAST:
        raise NotReady(f"The database {shown} is Postgres {facts.version}; Recoup needs {POSTGRES_AT_LEAST} or newer.")
    if facts.encoding != "UTF8":
        raise NotReady(f"The database {shown} is encoded in {facts.encoding}: make one with ENCODING 'UTF8'.")
    if facts.is_standby:
        raise NotReady(f"The database {shown} is a read-only standby: set DATABASE_URL to its primary.")


def queue(url: str) -> None:
    """The queue server answers and is one that we support.

    Raises:
        NotReady: it does not, or is not.
    """
    import redis

    shown = without_password(url)
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            info = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        raise NotReady(f"The queue server {shown} cannot be used: {reason(error)} Check REDIS_URL.") from None
    version = str(info.get("redis_version", "0"))  # Valkey reports the Redis version that it is compatible with
    if int(version.split(".", maxsplit=1)[0]) < REDIS_AT_LEAST:
        raise NotReady(f"The queue server {shown} is Redis {version}; Recoup needs {REDIS_AT_LEAST} or newer.")


def without_password(url: str) -> str:
    """An address as it may be shown: 'host:5432/database'."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        return "address"
    return f"{parsed.host or 'local'}:{parsed.port or ''}/{parsed.database or ''}".replace(":/", "/").rstrip("/")


def reason(error: BaseException) -> str:
    """The first line of what went wrong, for a sentence of ours."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[0] if lines else type(cause).__name__).rstrip(".") + "."
