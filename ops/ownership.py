"""Whether the role that migrates can do it, asked before it changes anything."""

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine import database_url, owner_url
from db.queries import server
from ops.preflight import NotReady, reason, without_password
from settings import settings


def check(app: server.ServerFacts, *, is_to_migrate: bool) -> None:
    """The role that migrates reaches the application's database, and may migrate it.

    Where the address of no such role is set, the application's own role migrates: asked only if it has to.

    Args:
        app: what the application's role found.
        is_to_migrate: a migration is due.

    Raises:
        NotReady: it does not, or may not.
    """
    is_configured = settings().database_owner_url is not None
    if not is_configured and not is_to_migrate:
        return
    variable = "DATABASE_OWNER_URL" if is_configured else "DATABASE_URL"
    shown = without_password(owner_url())
    owner = _facts(shown, variable, app.role)
    if owner.identity != app.identity:
        raise NotReady(
            f"DATABASE_OWNER_URL is of another database ({shown}) than DATABASE_URL "
            f"({without_password(database_url())}): set both to the same one."
        )
    if not owner.may_migrate:
        raise NotReady(f"{_refusal(owner, shown, variable)}. Set DATABASE_OWNER_URL to a role that may.")
    if is_to_migrate and not owner.serves_app:
        raise NotReady(
            f"The role {app.role} of DATABASE_URL would have no rights in the schema that {owner.role} makes: "
            f'use the role recoup_app, or make {app.role} a member of it (GRANT recoup_app TO "{app.role}").'
        )


def _facts(shown: str, variable: str, app_role: str) -> server.OwnerFacts:
    engine = create_engine(owner_url(), poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return server.owner_facts(connection, app_role)
    except SQLAlchemyError as error:
        raise NotReady(
            f"The database {shown} cannot be used by the role that migrates it: {reason(error)} Check {variable}."
        ) from None


def _refusal(owner: server.OwnerFacts, shown: str, variable: str) -> str:
    if owner.schema_owner is None:
        return f"The role {owner.role} of {variable} may not make a schema in the database {shown}"
    return f"The role {owner.role} of {variable} may not change the schema of {shown}, which is {owner.schema_owner}'s"
