"""What may import what, and what the test fixtures themselves promise."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from db.engine import reading, transaction

PROJECT = Path(__file__).parent.parent


def test_services_join_the_tests_transaction(session):
    with transaction() as inner:
        inner.execute(text("CREATE TEMPORARY TABLE seen (one int)"))
    with reading() as inner:
        assert inner.execute(text("SELECT count(*) FROM seen")).scalar_one() == 0


def test_nothing_of_another_test_is_seen(session):
    assert session.execute(text("SELECT to_regclass('seen')")).scalar_one() is None


def test_database_commits_for_real(database):
    with transaction() as one:
        one.execute(text("INSERT INTO team (id, name) VALUES (1, 'North')"))
    with reading() as other:
        assert other.execute(text("SELECT name FROM team")).scalar_one() == "North"
        assert other.execute(text("SELECT current_user")).scalar_one() == "recoup_app"


def test_cast_may_sign_in(session, ana, marek):
    assert session.execute(text("SELECT count(*) FROM app_user")).scalar_one() == 2


def test_queue_is_private_and_empty(queue_url):
    import redis

    with redis.Redis.from_url(queue_url) as client:
        assert client.dbsize() == 0


def test_layers_import_only_what_they_may():
    """The rules are in .importlinter; a new violation is named in the output."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    ended = subprocess.run(
        command, check=False, cwd=PROJECT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT)}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
