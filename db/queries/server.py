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
    role: str = ""
    """Whom we are there."""
    identity: str = ""
    """The same for two connections if they are to one database of one server, however it was addressed."""


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """What the role that migrates may do."""

    role: str
    identity: str
    """See `ServerFacts`."""
    schema_owner: str | None
    """Who made the schema that is there; None: there is none yet."""
    may_migrate: bool
    serves_app: bool
    """What it makes, the application may use."""


# any role may ask for it, unlike the server's own identifier
_IDENTITY = (
    "extract(epoch FROM pg_postmaster_start_time()) || '/'"
    " || (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def facts(connection: Connection) -> ServerFacts:
    """Ask the server. Needs no table of ours to exist."""
    version, encoding, is_standby, role, identity = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),"
            f" pg_is_in_recovery(), current_user, {_IDENTITY}"
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
    return ServerFacts(version, encoding, is_standby, tables, revisions, role, identity)


def owner_facts(connection: Connection, app_role: str) -> OwnerFacts:
    """Ask the server as the role that migrates; `app_role`: whom the application is there."""
    row = connection.execute(
        text(
            f"SELECT current_user AS role, {_IDENTITY} AS identity, pg_get_userbyid(made.relowner) AS schema_owner,"
            " CASE WHEN made.oid IS NOT NULL THEN pg_has_role(made.relowner, 'USAGE')"
            "  ELSE has_database_privilege(current_database(), 'CREATE')"
            "   AND coalesce(has_schema_privilege(to_regnamespace('public'), 'CREATE'), false) END AS may_migrate,"
            " pg_has_role(:app, current_user, 'USAGE')"
            "  OR coalesce(pg_has_role(:app, to_regrole('recoup_app'), 'USAGE'), false) AS serves_app"
            " FROM (SELECT to_regclass('public.alembic_version')) AS sought (oid)"
            " LEFT JOIN pg_class made ON made.oid = sought.oid"
        ),
        {"app": app_role},
    ).one()
    return OwnerFacts(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
