"""An address of the role that migrates that will not do is told by its variable, before anything is changed."""

import psycopg
import pytest
from pydantic import ValidationError

from ops import ownership, preflight, schema
from ops.preflight import NotReady
from settings import Settings
from tests.conftest import _environment


def by_superuser(database, *statements: str) -> None:
    with psycopg.connect(database.superuser_url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def stranger(empty_database):
    """Name of a role without rights of its own."""
    name = f"stranger-{empty_database.name}"
    by_superuser(empty_database, f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'hush'")
    yield name
    by_superuser(empty_database, f'DROP ROLE "{name}"')


def stranger_at(database, name: str) -> str:
    return f"postgresql+psycopg://{name}:hush@{database.url.rpartition('@')[2]}"


def refused(**environment: str) -> str:
    with _environment(**environment), pytest.raises(NotReady) as found:
        schema.upgrade()
    told = str(found.value)
    assert "\n" not in told
    assert "hush" not in told
    return told


def test_wrong_password_or_server(empty_database):
    for url in (
        empty_database.owner_url.replace("recoup_owner:", "recoup_owner:hush"),
        "postgresql://recoup_owner:hush@127.0.0.1:1/book",
    ):
        told = refused(DATABASE_OWNER_URL=url)
        assert "cannot be used by the role that migrates it: connection failed" in told
        assert "DATABASE_OWNER_URL" in told
    assert not preflight.database().tables


def test_another_database_is_left_alone(empty_database, database):
    told = refused(DATABASE_URL=empty_database.url, DATABASE_OWNER_URL=database.owner_url)
    assert f"DATABASE_OWNER_URL is of another database (127.0.0.1:{database.owner_url.rpartition(':')[2]})" in told
    assert schema.is_current(preflight.database(database.url))


def test_role_that_may_not_migrate(empty_database, database, stranger):
    url = stranger_at(empty_database, stranger)
    told = refused(DATABASE_URL=empty_database.url, DATABASE_OWNER_URL=url)
    assert f"The role {stranger} of DATABASE_OWNER_URL may not make a schema" in told
    told = refused(DATABASE_URL=url, DATABASE_OWNER_URL="")
    assert f"The role {stranger} of DATABASE_URL may not make a schema" in told
    assert "Set DATABASE_OWNER_URL" in told
    told = refused(DATABASE_OWNER_URL=stranger_at(database, stranger))
    assert "may not change the schema of" in told
    assert "which is recoup_owner's" in told


def test_application_of_another_name_must_be_a_member_of_ours(empty_database, database, stranger):
    url = stranger_at(empty_database, stranger)
    with _environment(DATABASE_URL=url, DATABASE_OWNER_URL=empty_database.owner_url):
        with pytest.raises(NotReady, match=f'GRANT recoup_app TO "{stranger}"'):
            ownership.check(preflight.database(), is_to_migrate=True)
        by_superuser(empty_database, f'GRANT recoup_app TO "{stranger}"')
        ownership.check(preflight.database(), is_to_migrate=True)
    url = stranger_at(database, stranger)
    assert schema.is_current(preflight.database(url))
    by_superuser(database, f'REVOKE recoup_app FROM "{stranger}"')
    with pytest.raises(NotReady, match="its role must be recoup_app, or a member of it"):
        preflight.database(url)


def test_one_role_for_both_will_do(empty_database):
    with _environment(DATABASE_URL=empty_database.owner_url, DATABASE_OWNER_URL=""):
        ownership.check(preflight.database(), is_to_migrate=True)


def test_owner_of_a_database_that_is_not_configured(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://someone:hush@host/book")
    with pytest.raises(ValidationError, match="it is set and DATABASE_URL is not") as refused:
        Settings()
    assert "hush" not in str(refused.value)
