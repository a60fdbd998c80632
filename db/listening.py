"""A connection that leads and listens: Postgres lets one process hold the lead, and tells it of new work."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.engine import make_url

from db.engine import database_url

_CHANNEL = "recoup_jobs"
_LEAD = 72002090
"""Number of the advisory lock; Postgres frees it when the connection ends, however it ends."""


class Listener:
    """One connection, outside any pool and any transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def try_to_lead(self) -> bool:
        """Take the lead if nobody has it, and from then on hear of new work."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEAD,)).fetchone()
        if row is None or not row[0]:
            return False
        self._connection.execute(f"LISTEN {_CHANNEL}")
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until work is announced or the time is over; whether it was announced."""
        heard = list(self._connection.notifies(timeout=seconds, stop_after=1))
        return bool(heard)


@contextmanager
def listener() -> Iterator[Listener]:
    """A listener while its connection lives.

    Raises:
        psycopg.OperationalError: the server is not there, or went away.
    """
    url = make_url(database_url()).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(
        url, autocommit=True, application_name="recoup dispatcher", connect_timeout=10, keepalives_idle=30
    ) as connection:
        yield Listener(connection)
