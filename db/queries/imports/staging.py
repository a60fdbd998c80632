"""The file as it is: streamed into unlogged tables, a row a line, cells in c1, c2, ...

Rows that are plainly written go into a table whose columns have types already, the others into one of text. `line` is
the row's number in the file, the header being 1. `fault` is set by the tolerant reader on rows with the wrong number of
cells, and `more` holds those beyond the header.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries.imports.plan import PLAIN_TYPES, Plan

_SEPARATORS = {"\t": r"E'\t'", ",": "','", ";": "';'", "|": "'|'"}


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """The driver's connection of the session's transaction: only it can COPY."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def create(session: Session, plan: Plan) -> None:
    """Make the empty tables, in place of those that an earlier attempt left."""
    drop(session, plan)
    positions, types = range(1, len(plan.headers) + 1), plan.plain_types
    typed = ", ".join(f"c{p} {PLAIN_TYPES[types[p]] if p in types else 'text'}" for p in positions)
    untyped = ", ".join(f"c{p} text" for p in positions)
    as_text = ", ".join(f"c{p}::text" for p in positions)
    all_cells = (
        f"SELECT line, {_named(positions)}, more FROM {plan.raw} "
        f"UNION ALL SELECT line, {as_text}, NULL FROM {plan.plain}"
    )
    line, unwatched = f"line bigint DEFAULT nextval('{plan.lines}')", "WITH (autovacuum_enabled = false)"
    for statement in (
        f"CREATE SEQUENCE {plan.lines} START WITH 2 CACHE 1000",
        f"CREATE UNLOGGED TABLE {plan.raw} ({untyped}, fault text, more jsonb, {line}) {unwatched}",
        f"CREATE UNLOGGED TABLE {plan.plain} ({typed}, {line}) {unwatched}",
        f"CREATE VIEW {plan.cells} AS {all_cells}",
    ):
        session.execute(text(statement))


def _named(positions: Iterable[int]) -> str:
    return ", ".join(f"c{position}" for position in positions)


def drop(session: Session, plan: Plan) -> None:
    """Remove all that is staged of the batch."""
    drop_relation(session, plan.typed)
    session.execute(text(f"DROP VIEW IF EXISTS {plan.cells}"))
    for table in (plan.raw, plan.plain, plan.points, plan.entries):
        session.execute(text(f"DROP TABLE IF EXISTS {table}"))
    session.execute(text(f"DROP SEQUENCE IF EXISTS {plan.lines}"))


def is_view(session: Session, relation: str) -> bool:
    """Whether it is a view and not a table; False also where there is neither."""
    statement = "SELECT count(*) > 0 FROM pg_class WHERE oid = to_regclass(:relation) AND relkind = 'v'"
    return bool(session.execute(text(statement), {"relation": relation}).scalar_one())


def drop_relation(session: Session, relation: str) -> None:
    """Remove a table or a view, if there is one of that name."""
    session.execute(text(f"DROP {'VIEW' if is_view(session, relation) else 'TABLE'} IF EXISTS {relation}"))


def copy_csv(session: Session, plan: Plan, chunks: Iterable[bytes], *, separator: str, is_plain: bool) -> int:
    """Stream rows of CSV text as it is, without header; how many.

    `is_plain`: all cells are plainly written.

    Raises:
        psycopg.Error: Postgres refused a row; the transaction (or savepoint) is lost.
    """
    cells = _named(range(1, len(plan.headers) + 1))
    options = f"FORMAT csv, DELIMITER {_SEPARATORS[separator]}, ENCODING 'UTF8'"
    if is_plain:  # a quoted cell without anything in it says no more than one without quotes
        return _copy(session, f"COPY {plan.plain} ({cells}) FROM STDIN ({options}, FORCE_NULL ({cells}))", chunks)
    return _copy(session, f"COPY {plan.raw} ({cells}) FROM STDIN ({options})", chunks)


def copy_rows(session: Session, plan: Plan, chunks: Iterable[bytes]) -> int:
    """Stream rows that were read and written anew, without header; how many rows.

    Each has its line, its fault, the cells beyond the header as a JSON list, then the others.
    """
    cells = _named(range(1, len(plan.headers) + 1))
    order = f"COPY {plan.raw} (line, fault, more, {cells}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
    return _copy(session, order, chunks)


def _copy(session: Session, order: str, chunks: Iterable[bytes]) -> int:
    with raw_connection(session).cursor() as cursor:
        with cursor.copy(order.encode()) as copy:
            for chunk in chunks:
                copy.write(chunk)
        return cursor.rowcount


def tables(session: Session, plan: Plan) -> tuple[bool, bool]:
    """Whether there are rows of text, and plain ones."""
    row = session.execute(
        text(f"SELECT EXISTS (SELECT FROM {plan.raw}) AS raw, EXISTS (SELECT FROM {plan.plain}) AS plain")
    ).one()
    return row.raw, row.plain


def is_lost(session: Session, plan: Plan) -> bool:
    """Whether the staged rows are gone: a crash of the server empties tables that it keeps no log of.

    Rows that a version before this one staged in tables of other shapes count as gone, too.
    """
    has_tables = """
        SELECT to_regclass(:raw) IS NOT NULL AND to_regclass(:plain) IS NOT NULL AND (to_regclass(:points) IS NULL
            OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(:points) AND attname = 'id'))
    """
    named = {"raw": plan.raw, "plain": plan.plain, "points": plan.points}
    is_staged = session.execute(text(has_tables), named).scalar_one()
    return not is_staged or not any(tables(session, plan))
