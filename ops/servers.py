"""The servers that commands need: the configured ones, checked, or the embedded ones, started for as long as needed."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from db import embedded
from ops import preflight, schema
from settings import settings


def queue_address() -> str:
    """Address of the queue server: the configured one, else the embedded."""
    configured = settings().redis_url
    return configured.get_secret_value() if configured is not None else embedded.queue_url()


@contextmanager
def available(*, queue: bool = True, migrate: bool | None = None) -> Iterator[None]:
    """Within, the database (and the queue) can be used; those started here are stopped at the end.

    Args:
        queue: whether the queue is needed too.
        migrate: bring the schema up to date. Default: only that of an embedded database, which nobody else serves.

    Raises:
        NotReady: a configured server cannot be used, or its schema is not this release's.
        EmbeddedServerError: an embedded server cannot be started.
    """
    own_database, own_queue = settings().database_url is None, settings().redis_url is None
    home = settings().home
    if own_database or own_queue:
        preflight.data_folder(home)
        preflight.own_folder(home)
        if embedded.running_postgres(home) is None:  # who makes room must get at what runs
            preflight.disk(home)
    with (
        embedded.serving(home, database=own_database, queue=queue and own_queue)
        if own_database or own_queue
        else nullcontext()
    ):
        facts = preflight.database()
        if queue:
            preflight.queue(queue_address())
        if migrate or (migrate is None and own_database):
            schema.upgrade(facts)
        elif not schema.is_current(facts):
            raise preflight.NotReady("The database's schema is older than this release: run `manage.py migrate` first.")
        yield
