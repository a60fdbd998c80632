"""Shared fixtures: a real Postgres and a real queue, a database of its own for each worker, and the cast.

- `session`: a session in a transaction that is rolled back; services called in the test join it.
- `database`: a database of the test's own, for tests that need real commits, threads or processes.
- `queue_url`: an emptied queue of the worker's own.
- `ana` (agent), `marek` (leader), `ada` (auditor), `adam` (admin), `anil` (analyst): users who may sign in, as actors.
- `frozen_clock`: sets the only clock.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import hypothesis
import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from db import embedded, embedded_postgres, embedded_state, embedded_valkey
from db.embedded_account import ended
from db.engine import _engine_of, bind_for_tests
from db.models.access import AppUser
from services import clock
from services.actors import Actor, Role
from settings import settings

hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", derandomize=False, deadline=None, print_blob=True)
_HOME = "RECOUP_TEST_HOME"
_PREFIX = "recoup-test-"
_TEMPLATE = "recoup_template"


# --- properties: the same examples each time, unless a search is asked for -----------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--examples 20` searches twenty times as far as usual, from another seed each time."""
    parser.addoption("--examples", type=int, metavar="TIMES", help="look for counter-examples TIMES as far, at random")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the properties more examples where a search is asked for."""
    for test in (getattr(item, "obj", None) for item in items):
        if config.option.examples and hasattr(test, "hypothesis"):
            usual = test._hypothesis_internal_use_settings
            more = hypothesis.settings(usual, max_examples=usual.max_examples * config.option.examples)
            test._hypothesis_internal_use_settings = more


# --- servers: started by the first who needs them, stopped when the run ends -------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Choose how examples are found, and the folder of this run's servers; workers of xdist inherit the choice."""
    hypothesis.settings.load_profile("search" if config.option.examples else "steady")
    if hasattr(config, "workerinput"):
        return
    _remove_leftovers()
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp" if Path("/tmp").is_dir() else None))
    (home / "owner").write_text(str(os.getpid()))
    os.environ[_HOME] = str(home)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, also after failures and Ctrl-C."""
    if not hasattr(config, "workerinput") and _HOME in os.environ:
        _remove(Path(os.environ.pop(_HOME)))


def _remove(home: Path) -> None:
    if (postgres := embedded.running_postgres(home)) is not None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(postgres.pid)
            process.send_signal(signal.SIGQUIT)  # nothing in it is worth a checkpoint
            ended(process, 10)
    embedded.stop_valkey(home)
    shutil.rmtree(home, ignore_errors=True)


def _remove_leftovers() -> None:
    """Servers of earlier runs that were killed."""
    for home in Path("/tmp").glob(f"{_PREFIX}*"):
        try:
            owner = int((home / "owner").read_text())
            is_mine = home.stat().st_uid == os.geteuid()
        except (OSError, ValueError):
            continue
        if is_mine and not psutil.pid_exists(owner):
            _remove(home)


@pytest.fixture(scope="session")
def servers() -> Path:
    """The folder of this run's servers, running, with a migrated template database in them."""
    home = Path(os.environ[_HOME])
    try:
        embedded.ensure_postgres(home, durable=False)
        embedded.ensure_valkey(home, durable=False)
    except embedded.EmbeddedServerError as error:
        pytest.exit(f"Tests need the embedded servers: {error}", returncode=3)
    with embedded_state.locked(home, "template"):
        if not (home / "template").exists():
            _make_template(home)
            (home / "template").touch()
    return home


def _make_template(home: Path) -> None:
    from alembic import command
    from alembic.config import Config

    _create_database(home, _TEMPLATE)
    config = Config(Path(__file__).parent.parent / "alembic.ini")
    config.attributes["url"] = _sqlalchemy_url(home, "owner", _TEMPLATE)
    command.upgrade(config, "head")


@contextmanager
def _superuser(home: Path) -> Iterator[psycopg.Connection]:
    url = embedded_postgres.postgres_url(home, "superuser", "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _create_database(home: Path, name: str, template: str = "template0") -> None:
    order = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    with _superuser(home) as connection:
        connection.execute(
            order.format(sql.Identifier(name), sql.Identifier(embedded_postgres.OWNER), sql.Identifier(template))
        )


def _drop_database(home: Path, name: str) -> None:
    with _superuser(home) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _sqlalchemy_url(home: Path, role: str, database: str) -> str:
    url = embedded_postgres.postgres_url(home, role, database)
    return url.replace("postgresql://", "postgresql+psycopg://")


# --- settings: a test never sees the developer's own ------------------------------------------------------------


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Within, settings are read anew with these variables set."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("home")
    nowhere = "127.0.0.1:1/tests-must-ask-for-session-or-database"
    with _environment(
        RECOUP_DATA_DIR=str(folder),
        RECOUP_SECRET_KEY="a key for tests only, long enough",
        DATABASE_URL=f"postgresql://{nowhere}",
        DATABASE_OWNER_URL=f"postgresql://{nowhere}",
        REDIS_URL=f"redis://{nowhere}",
        RECOUP_SMTP_HOST="",
    ):
        yield


# --- databases ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Database:
    """Addresses of one database, by role."""

    name: str
    url: str
    """The application's role, as web and workers use it."""
    owner_url: str
    """The role that owns the schema."""
    superuser_url: str
    """The operator of the server: may do what the triggers and grants forbid others."""


@contextmanager
def _cloned(home: Path, name: str) -> Iterator[Database]:
    _create_database(home, name, _TEMPLATE)
    database = Database(
        name=name,
        url=_sqlalchemy_url(home, "app", name),
        owner_url=_sqlalchemy_url(home, "owner", name),
        superuser_url=_sqlalchemy_url(home, "superuser", name),
    )
    try:
        with _environment(DATABASE_URL=database.url, DATABASE_OWNER_URL=database.owner_url):
            yield database
    finally:
        _engine_of(os.getpid(), database.url).dispose()
        _engine_of.cache_clear()
        _drop_database(home, name)


@pytest.fixture(scope="session")
def _worker_database(servers: Path, _own_settings: None, worker_name: str) -> Iterator[Database]:
    name = f"test_{worker_name}"
    _create_database(servers, name, _TEMPLATE)
    yield Database(
        name=name,
        url=_sqlalchemy_url(servers, "app", name),
        owner_url=_sqlalchemy_url(servers, "owner", name),
        superuser_url=_sqlalchemy_url(servers, "superuser", name),
    )
    _drop_database(servers, name)


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Name of the xdist worker, or 'main' without xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def _worker_engine(_worker_database: Database) -> Iterator[Engine]:
    """One connection for all tests of the worker: a new one would have statements compiled and planned anew by each."""
    engine = create_engine(_worker_database.url, pool_size=1, connect_args={"options": "-c timezone=UTC"})
    yield engine
    engine.dispose()


@pytest.fixture
def session(_worker_database: Database, _worker_engine: Engine) -> Iterator[Session]:
    """A session as the application's role, rolled back at the end. `transaction()` and `reading()` join it."""
    with (
        _environment(DATABASE_URL=_worker_database.url, DATABASE_OWNER_URL=_worker_database.owner_url),
        _worker_engine.connect() as connection,
    ):
        outer = connection.begin()
        with (
            bind_for_tests(connection),
            Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as opened,
        ):
            yield opened
        outer.rollback()


@pytest.fixture
def database(servers: Path, _own_settings: None) -> Iterator[Database]:
    """A migrated, empty database of the test's own: commits are real. Settings point at it."""
    with _cloned(servers, f"test_{uuid4().hex[:12]}") as cloned:
        yield cloned


@pytest.fixture
def empty_database(servers: Path, _own_settings: None) -> Iterator[Database]:
    """A database before its first migration, for tests of migrations. Settings point at it."""
    name = f"test_{uuid4().hex[:12]}"
    _create_database(servers, name)
    urls = {role: _sqlalchemy_url(servers, role, name) for role in ("app", "owner", "superuser")}
    try:
        with _environment(DATABASE_URL=urls["app"], DATABASE_OWNER_URL=urls["owner"]):
            yield Database(name, url=urls["app"], owner_url=urls["owner"], superuser_url=urls["superuser"])
    finally:
        _drop_database(servers, name)


# --- queue -------------------------------------------------------------------------------------------------------


@pytest.fixture
def queue_url(servers: Path, worker_name: str, _own_settings: None) -> Iterator[str]:
    """Address of an emptied queue that no other worker uses. Settings point at it."""
    import redis

    number = int(worker_name.removeprefix("gw")) + 1 if worker_name.startswith("gw") else 0
    url = embedded_valkey.valkey_url(servers, number)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        with _environment(REDIS_URL=url):
            yield url
        client.flushdb()


# --- clock and cast ----------------------------------------------------------------------------------------------


@pytest.fixture
def frozen_clock() -> Iterator[Callable[[datetime], None]]:
    """Stands at 2025-06-16 05:30 UTC (11:00 in India, a Monday) until the test sets another moment."""
    held = clock._frozen.set(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))

    def set_to(moment: datetime) -> None:
        clock._frozen.set(moment.astimezone(UTC))

    yield set_to
    with suppress(ValueError):  # another context: the token is of no use there
        clock._frozen.reset(held)


def make_actor(session: Session, username: str, name: str, role: Role) -> Actor:
    """A user who may sign in (no password set: see the users' tests), as the actor that services take."""
    user = AppUser(
        username=username,
        name=name,
        role=role.value,
        password_hash="!",
        must_change_password=False,
    )
    session.add(user)
    session.flush()  # the actor needs the key
    return Actor(id=user.id, name=name, role=role)


@pytest.fixture
def ana(session: Session) -> Actor:
    """An agent."""
    return make_actor(session, "ana", "Ana Pereira", Role.AGENT)


@pytest.fixture
def marek(session: Session) -> Actor:
    """A leader."""
    return make_actor(session, "marek", "Marek Nowak", Role.LEADER)


@pytest.fixture
def ada(session: Session) -> Actor:
    """An auditor."""
    return make_actor(session, "ada", "Ada Byrne", Role.AUDITOR)


@pytest.fixture
def adam(session: Session) -> Actor:
    """An admin."""
    return make_actor(session, "adam", "Adam Okoye", Role.ADMIN)


@pytest.fixture
def anil(session: Session) -> Actor:
    """An analyst."""
    return make_actor(session, "anil", "Anil Kapoor", Role.ANALYST)


PATIENCE = 3
"""Times that tests name are ample on an idle machine; one that does other work gets so many times more."""


def wait_until(holds: Callable[[], bool], seconds: float = 10, what: str = "it") -> None:
    """Wait for something that another process does.

    Raises:
        AssertionError: it did not happen in time.
    """
    deadline = time.monotonic() + PATIENCE * seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE * seconds} s"
        time.sleep(0.05)
