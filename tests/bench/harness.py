"""What benchmarks stand on: one embedded server as the product starts it, generated books, clocks, results."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql

from db import embedded_postgres
from db.engine import _engine_of, transaction
from services import demo
from settings import PROJECT, settings

AS_OF = date(2026, 10, 31)
"""Business date of the generated books: a month-end."""
_TEMPLATE = "bench_template"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure."""

    name: str
    """What was measured, such as 'import loan book'."""
    seconds: float
    ratio: float | None = None
    """Of `seconds` to what it is measured against."""
    against: str | None = None
    """What that is, such as 'bare COPY of the same file'."""
    target: str | None = None
    """What was aimed for, in words."""
    is_met: bool | None = None
    detail: dict[str, float | int | str] = field(default_factory=dict)
    """Whatever else is worth keeping: rows, memory, percentiles."""


class Bench:
    """A size of book on a running embedded server, and the databases and files made for it."""

    def __init__(self, *, loans: int, home: Path, folder: Path, seed: int = demo.SEED) -> None:
        self.loans, self.home, self.folder, self.seed = loans, home, folder, seed
        self.as_of = AS_OF
        self.book_seconds = 0.0
        """How long it took to generate the book into the database."""

    @cached_property
    def files(self) -> dict[str, Path]:
        """The book as CSV files by kind of import; written when first asked for."""
        return demo.write_files(self.folder / f"files_{self.loans}", loans=self.loans, seed=self.seed, as_of=self.as_of)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Within, settings point at a migrated database without loans; its address. Dropped afterwards."""
        name = f"bench_{uuid4().hex[:8]}"
        self.make_database(name)
        try:
            with self.using(name) as url:
                yield url
        finally:
            self.drop_database(name)

    @contextmanager
    def using(self, name: str) -> Iterator[str]:
        """Within, settings point at a database of the server, as the application's role; its address."""
        wanted = {"DATABASE_URL": self.url(name), "DATABASE_OWNER_URL": self.url(name, "owner")}
        before = {key: os.environ.get(key) for key in wanted}
        os.environ.update(wanted)
        settings.cache_clear()
        try:
            yield wanted["DATABASE_URL"]
        finally:
            _engine_of(os.getpid(), _sqlalchemy(wanted["DATABASE_URL"])).dispose()
            _engine_of.cache_clear()
            for key, value in before.items():
                os.environ.pop(key, None)
                if value is not None:
                    os.environ[key] = value
            settings.cache_clear()

    def url(self, name: str, role: str = "app") -> str:
        """Address of a database of the server."""
        return embedded_postgres.postgres_url(self.home, role, name)

    def make_database(self, name: str) -> None:
        """Create a migrated database without loans."""
        if not self._exists(_TEMPLATE):
            self._create(_TEMPLATE, "template0")
            config = Config(PROJECT / "alembic.ini")
            config.attributes["url"] = _sqlalchemy(self.url(_TEMPLATE, "owner"))
            command.upgrade(config, "head")
        self._create(name, _TEMPLATE)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def book(self) -> Iterator[str]:
        """Within, settings point at the generated book of this size, made when first asked for; its address."""
        name = f"bench_book_{self.loans}"
        if not self._exists(name):
            self.make_database(name)
            with self.using(name):
                self.book_seconds = timed(self._fill)
            with self.superuser(name) as connection:
                connection.execute("VACUUM (ANALYZE)")
        with self.using(name) as url:
            yield url

    def _fill(self) -> None:
        with transaction(statement_timeout_ms=0) as session:
            demo.generate(session, loans=self.loans, seed=self.seed, as_of=self.as_of)

    @contextmanager
    def superuser(self, name: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection as the operator of the server, each statement on its own."""
        with psycopg.connect(self.url(name, "superuser"), autocommit=True) as connection:
            yield connection

    def _exists(self, name: str) -> bool:
        with self.superuser() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        return found is not None

    def _create(self, name: str, template: str) -> None:
        owner = sql.Identifier(embedded_postgres.OWNER)
        order = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        with self.superuser() as connection:
            connection.execute(order.format(sql.Identifier(name), owner, sql.Identifier(template)))

    def close(self) -> None:
        """Drop what was made for this size."""
        self.drop_database(f"bench_book_{self.loans}")
        shutil.rmtree(self.folder / f"files_{self.loans}", ignore_errors=True)


def _sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, by the wall clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
