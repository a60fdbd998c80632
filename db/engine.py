"""Connections and units of work: `transaction()` writes, `reading()` cannot. One engine a process, made lazily."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

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


def _with_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@cache
def _engine_of(_pid: int, url: str) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=20,  # kept open: making one takes longer than most of what is asked over it
        max_overflow=10,
        pool_recycle=1800,
        connect_args={
            "application_name": "recoup",
            "connect_timeout": 10,
            "options": f"-c statement_timeout={settings().statement_timeout_ms} -c timezone=UTC",
        },
    )


def engine() -> Engine:
    """The engine of this process. A forked worker gets its own, since connections must not cross a fork."""
    return _engine_of(os.getpid(), database_url())


@contextmanager
def _session() -> Iterator[Session]:
    joined = _test_connection.get()
    if joined is not None:
        factory = sessionmaker(joined, expire_on_commit=False, join_transaction_mode="create_savepoint")
    else:
        factory = sessionmaker(engine(), expire_on_commit=False)
    with factory() as session:
        yield session


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
    with _session() as session, session.begin():
        if _test_connection.get() is None:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
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
