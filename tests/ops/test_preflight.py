"""What is wrong before a start is told in one sentence."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest
import structlog
from pydantic import ValidationError

from db import secrets
from db.queries.server import ServerFacts
from ops import logs, preflight, schema
from ops.preflight import NotReady
from settings import PROJECT, Settings
from tests.conftest import _environment


def by_owner(database, statement: str) -> None:
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as connection:
        connection.execute(statement)


def test_taken_port_is_told():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(NotReady, match=r"Port \d+ on 127.0.0.1 cannot be used \(Address already in use\)"):
            preflight.port("127.0.0.1", other.getsockname()[1])


def test_free_port_passes():
    preflight.port("127.0.0.1", 0)


def test_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**6))
    with pytest.raises(NotReady, match="is full"):
        preflight.disk(tmp_path / "not" / "yet")


def test_nearly_full_disk_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**9))
    assert "nearly full" in preflight.disk(tmp_path)


def test_data_folder_below_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotReady, match="cannot be written"):
        preflight.data_folder(tmp_path / "file" / "home")


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_shared_folder_with_other_things_is_not_taken(tmp_path, mode):
    (tmp_path / "theirs").touch()
    tmp_path.chmod(mode)
    with pytest.raises(NotReady, match=f"other things .* such as {tmp_path}/recoup"):
        preflight.own_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_with_their_things_is_not_taken(tmp_path):
    (tmp_path / "theirs").touch()
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(NotReady, match="other things"):
        preflight.own_folder(tmp_path)


@pytest.mark.parametrize("held", [None, "lost+found", "servers.json", "postgres"])
def test_new_disk_and_earlier_data_folder_pass(tmp_path, held):
    tmp_path.chmod(0o755)
    if held:
        (tmp_path / held).mkdir()
        (tmp_path / "notes").touch() if held == "servers.json" else None
    preflight.own_folder(tmp_path)
    preflight.own_folder(tmp_path / "not" / "yet")


def test_folder_beneath_a_closed_one_is_told(tmp_path, monkeypatch):
    def closed(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "exists", closed)
    for check in (preflight.data_folder, preflight.disk):
        with pytest.raises(NotReady, match="cannot be written: set RECOUP_DATA_DIR"):
            check(tmp_path / "home")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "garbage"),
        ("DATABASE_URL", "postgresql://someone:hush@host:port/book"),
        ("DATABASE_OWNER_URL", "mysql://someone:hush@host/book"),
        ("REDIS_URL", "garbage"),
        ("REDIS_URL", "redis://:hush@host:port/0"),
        ("RECOUP_PORT", "0"),
        ("RECOUP_PORT", "65536"),
        ("RECOUP_PII_KEYS", "hush"),
        ("RECOUP_PII_KEYS", ","),
        ("RECOUP_LOG_LEVEL", "hush"),
    ],
)
def test_setting_that_cannot_be_used_is_told_without_its_value(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [item["loc"][0] for item in refused.value.errors()] in ([name], [name.removeprefix("RECOUP_").lower()])
    assert "hu" not in str(refused.value)


def test_addresses_of_every_usual_form_pass(monkeypatch):
    for url in ("postgres://a:b@host/book", "postgresql+psycopg://a@[::1]:5432/book", "postgresql:///book?host=/run"):
        monkeypatch.setenv("DATABASE_URL", url)
        assert Settings().database_url.get_secret_value() == url
    for url in ("redis://host", "rediss://:p%40ss@host:6379/1", "unix:///run/valkey.sock"):
        monkeypatch.setenv("REDIS_URL", url)
        assert Settings().redis_url.get_secret_value() == url


def test_empty_variable_is_no_setting(monkeypatch):
    for name in (
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "REDIS_URL",
        "RECOUP_DATA_DIR",
        "RECOUP_PII_KEYS",
        "RECOUP_PORT",
        "RECOUP_HOST",
    ):
        monkeypatch.setenv(name, "")
    read = Settings()
    assert (read.database_url, read.redis_url, read.data_dir, read.pii_keys) == (None, None, None, None)
    assert (read.port, read.host) == (8501, "127.0.0.1")


def test_paths_and_the_file_of_settings_do_not_depend_on_where_a_command_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOUP_DATA_DIR", "data")
    monkeypatch.setenv("RECOUP_SIGNING_PKCS12", "~/lender.p12")
    assert Settings().home == PROJECT / "data"
    assert Settings().signing_pkcs12 == Path.home() / "lender.p12"

    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(PROJECT / "settings.py", project)
    (project / ".env").write_text("RECOUP_PORT=8765\n")
    shown = subprocess.run(
        [sys.executable, "-c", "from settings import settings; print(settings().port)"],
        check=True,
        env={name: value for name, value in os.environ.items() if name != "RECOUP_PORT"} | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "8765\n"


def test_unreachable_database_is_told_without_its_password():
    with pytest.raises(NotReady) as refused:
        preflight.database("postgresql+psycopg://someone:hush@127.0.0.1:1/book")
    assert "127.0.0.1:1/book" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_wrong_password_is_told_without_it(database):
    url = database.url.replace("recoup_app:", "recoup_app:wrong")
    with pytest.raises(NotReady, match="password authentication failed") as refused:
        preflight.database(url)
    assert url.split(":")[2].split("@")[0] not in str(refused.value)


def test_unreachable_queue_is_told():
    with pytest.raises(NotReady, match=r"queue server 127.0.0.1:1/0 cannot be used"):
        preflight.queue("redis://:hush@127.0.0.1:1/0")


def test_queue_that_answers_passes(queue_url):
    preflight.queue(queue_url)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"version": 15}, "Postgres 15; Recoup needs 16"),
        ({"encoding": "SQL_ASCII"}, "encoded in SQL_ASCII"),
        ({"is_standby": True}, "read-only standby"),
    ],
)
def test_unsupported_database_is_told(changed, told):
    sound = {"version": 18, "encoding": "UTF8", "is_standby": False, "tables": frozenset(), "revisions": ()}
    preflight.require_supported(ServerFacts(**sound), "here")
    with pytest.raises(NotReady, match=told):
        preflight.require_supported(ServerFacts(**(sound | changed)), "here")


def test_empty_database_is_migrated_once(empty_database):
    assert schema.upgrade()
    assert not schema.upgrade()


def test_newer_schema_is_told(database):
    by_owner(database, "UPDATE alembic_version SET version_num = 'from_the_future'")
    with pytest.raises(NotReady, match=r"from_the_future\) is newer than this release"):
        schema.upgrade()


def test_half_restored_schema_is_told(database):
    by_owner(database, "DROP TABLE loan_state CASCADE")
    with pytest.raises(NotReady, match="incomplete: loan_state missing"):
        schema.upgrade()


def test_database_of_something_else_is_told(empty_database):
    by_owner(empty_database, "CREATE TABLE theirs (one int)")
    with pytest.raises(NotReady, match="tables but no schema version"):
        schema.upgrade()


def test_failed_migration_leaves_the_schema_as_it_was(empty_database):
    by_owner(empty_database, "CREATE SCHEMA staging")  # the first migration makes it too
    with pytest.raises(NotReady, match=r"stays at schema version none: .*staging"):
        schema.upgrade()
    assert preflight.database().tables <= {"alembic_version"}


def test_a_signing_key_that_cannot_be_used_is_one_sentence_at_the_start(tmp_path):
    for nothing in ({}, {"RECOUP_SIGNING_PKCS12": ""}):
        with _environment(**nothing):
            preflight.signing_key()
    wrong = tmp_path / "lender.p12"
    wrong.write_bytes(b"no key")
    with _environment(RECOUP_SIGNING_PKCS12=str(wrong)), pytest.raises(NotReady, match="cannot be opened"):
        preflight.signing_key()


def test_threads_that_need_a_secret_at_once_agree_on_one_value(tmp_path):
    started = threading.Barrier(8)

    def make() -> str:
        started.wait(5)
        return uuid4().hex * 200

    with _environment(RECOUP_DATA_DIR=str(tmp_path)), ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: secrets.signing_identity(make), range(8)))
    assert len(set(kept)) == 1
    assert len(kept[0]) == 6400


def test_log_level_leaves_out_what_is_below_it(capsys):
    try:
        with _environment(RECOUP_LOG_LEVEL="warning"):
            logs.configure()
        structlog.get_logger("tests").info("said.quietly")
        structlog.get_logger("tests").warning("said.loudly")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().out
    assert "said.loudly" in told
    assert "said.quietly" not in told
