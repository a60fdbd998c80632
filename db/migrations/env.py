"""Alembic's entry: runs migrations as the schema's owner, with limits on locks so that a deploy cannot stall the book."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from db import models
from db.engine import owner_url


def include_object(obj, name, type_, reflected, compare_to):
    """Partitions are made by the day-end close and staging tables by imports: neither belongs to the models."""
    if type_ == "table" and reflected and (name.startswith("loan_snapshot_2") or name == "loan_snapshot_default"):
        return False
    return True


def run() -> None:
    """Upgrade over a connection handed in (tests) or one of the owner's."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    url = context.config.attributes.get("url") or owner_url()
    with create_engine(url, poolclass=NullPool).connect() as connection:
        _migrate(connection)
        connection.commit()


def _migrate(connection) -> None:
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(
        text("SELECT pg_advisory_lock(72002001)")
    )  # two hosts that start at once migrate one after the other
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        include_object=include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(72002001)"))


run()
