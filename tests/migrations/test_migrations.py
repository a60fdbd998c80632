"""Migrations: from nothing to the newest, without drift from the models, and back again."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import ProgrammingError

import db.models  # noqa: F401 - registers every model
from components.screens import PROJECT
from db.base import Base
from services.actors import SYSTEM
from services.audit import verifying


@pytest.fixture
def config(empty_database):
    made = Config(PROJECT / "alembic.ini")
    made.attributes["url"] = empty_database.owner_url
    return made


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_there_is_one_newest_revision():
    assert len(ScriptDirectory.from_config(Config(PROJECT / "alembic.ini")).get_heads()) == 1


def test_the_models_say_what_the_migrations_make(config):
    command.upgrade(config, "head")
    command.check(config)  # raises when the two differ


def test_a_trail_that_an_earlier_release_sealed_stays_valid(config, empty_database):
    def add_and_seal(engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO audit_event (actor_name, actor_role, action, subject_type, subject_id, summary)"
                    " VALUES ('Ana', 'agent', 'promise.recorded', 'promise', '1', 'recorded a promise')"
                )
            )
            connection.execute(text("SELECT audit_seal_next()"))

    engine = create_engine(empty_database.owner_url)
    command.upgrade(config, "0042")
    for _ in range(2):
        add_and_seal(engine)
    command.upgrade(config, "head")
    add_and_seal(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT rule FROM audit_seal ORDER BY id")).scalars().all() == [1, 1, 2]
    found = verifying.verify(SYSTEM)
    assert (found.is_intact, found.seals, found.events) == (True, 3, 3), found.finding
    with pytest.raises(ProgrammingError, match="earlier releases cannot verify"):
        command.downgrade(config, "0042")
    engine.dispose()


def test_every_step_can_be_taken_back_and_again(config, empty_database):
    command.upgrade(config, "head")
    made = tables(empty_database.owner_url)
    command.downgrade(config, "base")
    assert tables(empty_database.owner_url) <= {"alembic_version"}
    command.upgrade(config, "head")
    assert tables(empty_database.owner_url) == made


def test_every_reference_without_a_foreign_key_has_its_checks(config, empty_database):
    command.upgrade(config, "head")
    engine = create_engine(empty_database.owner_url)
    with engine.connect() as connection:
        held = {
            (table, name)
            for table, name in connection.execute(
                text("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
            )
        }
    engine.dispose()
    named = [(table.name, column.name, column.info["refers"]) for table in Base.metadata.tables.values()
             for column in table.columns if "refers" in column.info]  # fmt: skip
    assert len(named) > 5
    for table, column, parent in named:
        assert {(table, f"{column}_found"), (parent, f"{parent}_unused"), (parent, f"{parent}_id_fixed")} <= held
        assert (table, f"{column}_fixed") in held or (table, f"{column}_found_again") in held
