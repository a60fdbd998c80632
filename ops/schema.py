"""The database's schema: which version it has, whether it is whole, and bringing it up to date."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from db.engine import owner_url
from db.queries.server import ServerFacts
from ops import ownership, preflight
from ops.preflight import NotReady

_PROJECT = Path(__file__).resolve().parent.parent


def upgrade(facts: ServerFacts | None = None) -> bool:
    """Bring the schema to this release, then check that it is whole.

    Returns:
        Whether anything was done.

    Raises:
        NotReady: the schema is newer than this release, of something else, or incomplete; the role that migrates
            cannot; or the upgrade failed.
    """
    before = facts or preflight.database()
    is_done = is_current(before)
    ownership.check(before, is_to_migrate=not is_done)
    if is_done:
        return False
    try:
        logging.getLogger("alembic").setLevel(logging.WARNING)
        command.upgrade(_config(), "head")
    except (SQLAlchemyError, CommandError) as error:
        stays = before.revisions[0] if before.revisions else "none"
        raise NotReady(
            f"The database could not be migrated and stays at schema version {stays}: {preflight.reason(error)}"
        ) from error
    if not is_current(preflight.database()):
        raise NotReady(
            "The database was migrated but is not at this release's schema version: is another release migrating it?"
        )
    return True


def is_current(facts: ServerFacts) -> bool:
    """Whether the schema is this release's, and whole.

    Returns:
        False where it is older, or where the database is empty: `upgrade` mends that.

    Raises:
        NotReady: an upgrade cannot mend it.
    """
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    if len(facts.revisions) > 1:
        raise NotReady(
            f"The database claims several schema versions ({', '.join(facts.revisions)}): restore it from a backup."
        )
    if not facts.revisions:
        if facts.tables - {"alembic_version"}:
            raise NotReady(
                "The database has tables but no schema version: it is not Recoup's, or was restored only in part. "
                "Use an empty database, or restore a whole backup."
            )
        return False
    if facts.revisions[0] not in known:
        raise NotReady(
            f"The database's schema (version {facts.revisions[0]}) is newer than this release: update Recoup, "
            "or use the release that last ran on it."
        )
    if facts.revisions[0] not in scripts.get_heads():
        return False
    _require_whole(facts)
    return True


def _require_whole(facts: ServerFacts) -> None:
    from db.models import metadata

    missing = sorted(name for name in metadata.tables if "." not in name and name not in facts.tables)
    if missing:
        raise NotReady(
            f"The database's schema is incomplete: {', '.join(missing[:3])}{' and others' if missing[3:] else ''} "
            "missing. Was a backup restored only in part? Restore a whole one."
        )


def _config() -> Config:
    config = Config(_PROJECT / "alembic.ini")
    config.attributes["url"] = owner_url()
    return config
