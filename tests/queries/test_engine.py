"""Connections: reads cannot write and agree with each other; a connection that the server ended is made anew."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import engine as module
from db.engine import reading, transaction

_RENAME = text("UPDATE lender SET name = :name")
_PROCESS = text("SELECT pg_backend_pid()")


def test_what_reads_cannot_write_and_sees_one_moment(database):
    with reading() as session:
        before = session.execute(text("SELECT data_version FROM lender")).scalar_one()
        with transaction() as other:
            other.execute(text("UPDATE lender SET data_version = data_version + 1"))
        assert session.execute(text("SELECT data_version FROM lender")).scalar_one() == before
    with pytest.raises(DBAPIError, match="read-only"), reading() as session:
        session.execute(_RENAME, {"name": "Other"})


def test_a_connection_that_read_writes_again(database):
    with reading() as session:
        process = session.execute(_PROCESS).scalar_one()
    with transaction() as session:
        assert session.execute(_PROCESS).scalar_one() == process
        assert session.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
        session.execute(_RENAME, {"name": "Other"})


@pytest.fixture
def ended(database) -> int:
    """The server's process of a connection that rests in the pool and was ended by the server."""
    with reading() as session:
        process = session.execute(_PROCESS).scalar_one()
    with psycopg.connect(database.superuser_url.replace("+psycopg", ""), autocommit=True) as operator:
        gone = operator.execute("SELECT pg_terminate_backend(%s, 2000)", (process,)).fetchone()
    assert gone == (True,)
    return int(process)


def test_a_connection_that_the_server_ended_is_replaced_unnoticed(ended):
    with transaction() as session:
        assert session.execute(_PROCESS).scalar_one() != ended


def test_a_connection_that_rested_is_asked_first(database, monkeypatch):
    with reading() as session:
        session.execute(_PROCESS)
    asked = []
    dialect = module.engine().dialect
    ping = dialect.do_ping

    def noted(connection: Any) -> bool:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(dialect, "do_ping", noted)
    with reading() as session:
        session.execute(_PROCESS)
    assert not asked
    monkeypatch.setattr(module, "_TRUSTED_SECONDS", -1.0)
    with reading() as session:
        session.execute(_PROCESS)
    assert asked


def test_a_connection_that_was_closed_here_is_replaced_unnoticed(database):
    with reading() as session:
        process = session.execute(_PROCESS).scalar_one()
        held = session.connection().connection.driver_connection
    held.close()
    with reading() as session:
        assert session.execute(_PROCESS).scalar_one() != process
