"""Migrations: from nothing to the newest, without drift from the models, and back again."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from components.screens import PROJECT


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
