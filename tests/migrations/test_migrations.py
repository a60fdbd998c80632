"""Migrations: from nothing to the newest, without drift from the models, and back again."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import db.models  # noqa: F401 - registers every model
from components.screens import PROJECT
from db.base import Base


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
