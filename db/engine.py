"""Connections and units of work: `transaction()` writes, `reading()` cannot. One engine a process, made lazily."""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session

from settings import settings

_test_connection: ContextVar[Connection | None] = ContextVar("test_connection", default=None)


def database_url() -> str:
    """Address of the store as SQLAlchemy writes it: the configured server, else the embedded one."""
    configured = settings().database_url
    if configured is not None:
        return _with_driver(configured.get_secret_value())
    from db.embedded import connection_url

    return _with_driver(connection_url(role="app"))


def owner_url() -> str:
    """Address of the store as the role that owns the schema; migrations only."""
    configured = settings().database_owner_url or settings().database_url
    if configured is not None:
        return _with_driver(configured.get_secret_value())
    from db.embedded import connection_url

    return _with_driver(connection_url(role="owner"))


def for_tools(*, owner: bool) -> str:
    """Address of the store as psql and pg_dump read it."""
    url = make_url(owner_url() if owner else database_url())
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _with_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@cache
def _engine_of(_pid: int, url: str) -> Engine:
    made = create_engine(
        url,
        pool_size=20,  # kept open: making one takes longer than most of what is asked over it
        max_overflow=10,
        pool_recycle=1800,
        connect_args={
            "application_name": "recoup",
            "connect_timeout": 10,
            "options": f"-c statement_timeout={settings().statement_timeout_ms} -c timezone=UTC",
        },
    )
    _replace_dead_connections(made)
    return made


_TRUSTED_SECONDS = 5.0
"""A connection that rested longer is asked whether it is alive before it is used."""


def _replace_dead_connections(engine: Engine) -> None:
    """Have the pool make a connection anew where the server has closed it, without a question before each use.

    Nothing is to be read from a resting connection unless the server ended it; one that was lost without a word
    (a firewall's doing) is found out by asking, after a rest.
    """

    def used(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    def check(connection: Any, record: Any, _proxy: Any) -> None:
        is_rested = time.monotonic() - record.info["used_at"] > _TRUSTED_SECONDS
        waiting = select.poll()
        try:
            waiting.register(connection.fileno(), select.POLLIN)  # a connection closed here has no file any more
            if is_rested or waiting.poll(0):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the server closed the connection") from error

    event.listen(engine, "connect", used)
    event.listen(engine, "checkin", used)
    event.listen(engine, "checkout", check)


def engine() -> Engine:
    """The engine of this process. A forked worker gets its own, since connections must not cross a fork."""
    return _engine_of(os.getpid(), database_url())


@contextmanager
def _session(*, reads_only: bool = False) -> Iterator[Session]:
    joined = _test_connection.get()
    if joined is not None:
        made = Session(joined, expire_on_commit=False, join_transaction_mode="create_savepoint")
    else:
        made = Session(engine().execution_options(**_VIEW) if reads_only else engine(), expire_on_commit=False)
    with made as session:
        yield session


_VIEW: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Said as the transaction begins, which saves a statement each."""


@contextmanager
def transaction(*, statement_timeout_ms: int | None = None) -> Iterator[Session]:
    """One unit of work: commits once, then runs what waits for the commit (see `after_commit`).

    Args:
        statement_timeout_ms: longest single statement; 0 for none (background work). Default: the page's limit.
    """
    with _session() as session:
        with session.begin():
            if statement_timeout_ms is not None:
                session.execute(
                    text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(statement_timeout_ms)}
                )
            yield session
        for run in session.info.pop("after_commit", []):
            run()


@contextmanager
def reading(*, statement_timeout_ms: int | None = None) -> Iterator[Session]:
    """A read-only, repeatable view of the store: a stray write fails loudly, several reads agree with each other."""
    with _session(reads_only=True) as session, session.begin():
        if statement_timeout_ms is not None:
            session.execute(
                text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(statement_timeout_ms)}
            )
        yield session


def after_commit(session: Session, run: Callable[[], None]) -> None:
    """Register what must happen only once the facts are safe, such as waking a worker."""
    session.info.setdefault("after_commit", []).append(run)


@contextmanager
def bind_for_tests(connection: Connection) -> Iterator[None]:
    """Within, every transaction is a savepoint on `connection`, so that a test can roll back all that happened."""
    token = _test_connection.set(connection)
    try:
        yield
    finally:
        _test_connection.reset(token)
