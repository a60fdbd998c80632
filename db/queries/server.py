"""What a database server and its schema are, asked before anything is started on them."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A database server and one of its databases."""

    version: int
    """Major version of Postgres."""
    encoding: str
    is_standby: bool
    tables: frozenset[str]
    """Tables of the public schema."""
    revisions: tuple[str, ...]
    """Schema versions that the database claims; one, unless it was tampered with or is new."""


def facts(connection: Connection) -> ServerFacts:
    """Ask the server. Needs no table of ours to exist."""
    version, encoding, is_standby = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),"
            " pg_is_in_recovery()"
        )
    ).one()
    tables = frozenset(
        connection.execute(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
        ).scalars()
    )
    revisions: tuple[str, ...] = ()
    if "alembic_version" in tables:
        revisions = tuple(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    return ServerFacts(version, encoding, is_standby, tables, revisions)
