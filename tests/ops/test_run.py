"""`manage.py run`: one command starts everything, nothing survives it, and every kill is repaired."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import SimpleNamespace

import psutil
import pytest

from db import embedded
from ops.preflight import NotReady
from ops.processes import MARK
from ops.servers import available
from ops.supervisor import Supervisor
from tests.conftest import _environment, wait_until

pytestmark = pytest.mark.kill

PROJECT = Path(__file__).parent.parent.parent


class Product:
    """A running product with a data folder and a port of its own."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="recoup-run-", dir="/tmp"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = self.home / "out.log"
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        return kept | {"RECOUP_DATA_DIR": str(self.home), "RECOUP_PORT": str(self.port), "RECOUP_WORKERS": "1"} | more

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.seen = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"], cwd=PROJECT, env=self.environment(), stdout=log, stderr=log
            )
        wait_until(lambda: self.process.poll() is not None or "runs at http" in self.printed(), 60, "the start")
        assert self.process.poll() is None, self.printed()
        wait_until(self.answers, 10, "the web app's answer")

    def printed(self) -> str:
        """What it printed since the last start."""
        return self.log.read_text()[self.seen :]

    def answers(self) -> bool:
        address = f"http://127.0.0.1:{self.port}/_stcore/health"
        with suppress(OSError), urllib.request.urlopen(address, timeout=1) as response:
            return bool(response.status == 200)
        return False

    def supervised(self, command: str = "") -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                ours = process.environ().get(MARK) == str(self.home) and process.status() != psutil.STATUS_ZOMBIE
                if ours and command in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def refused(self, *arguments: str, **environment: str) -> str:
        """What a second process says that must not start."""
        command = [sys.executable, "manage.py", *(arguments or ["run"])]
        ended = subprocess.run(
            command,
            check=False,
            cwd=PROJECT,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        return ended.stderr

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in self.supervised():
            process.kill()
        embedded.stop(self.home)
        shutil.rmtree(self.home)


@pytest.fixture(scope="module")
def product():
    running = Product()
    yield running
    running.end()


def test_everything_starts_and_the_first_sign_in_is_printed(product):
    product.start()
    assert "one-time password" in product.printed()
    assert all(product.supervised(part) for part in ("web.py", "manage.py worker", "manage.py cron"))


def test_second_start_from_the_same_folder_is_refused(product):
    assert f"already runs from {product.home} (process {product.process.pid})" in product.refused()


def test_command_beside_a_running_product_leaves_its_servers_running(product):
    before = embedded.running_postgres(product.home)
    command = [sys.executable, "manage.py", "jobs", "list"]
    subprocess.run(command, check=True, cwd=PROJECT, env=product.environment(), capture_output=True, timeout=60)
    assert embedded.running_postgres(product.home) == before


def test_commands_reach_a_running_product_whose_disk_is_full(product, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=0))
    embedded_ones = {"DATABASE_URL": "", "DATABASE_OWNER_URL": ""}
    with _environment(**embedded_ones, RECOUP_DATA_DIR=str(product.home)), available(queue=False):
        pass
    stopped = _environment(**embedded_ones, RECOUP_DATA_DIR=str(tmp_path))
    with stopped, pytest.raises(NotReady, match="is full"), available(queue=False):
        pass


def test_killed_worker_is_started_again(product):
    killed = {worker.pid for worker in product.supervised("manage.py worker")}
    for pid in killed:
        psutil.Process(pid).kill()
    wait_until(lambda: bool({each.pid for each in product.supervised("manage.py worker")} - killed), 15, "the restart")


def test_killed_servers_are_started_again(product):
    database, queue = embedded.running_postgres(product.home), embedded.running_valkey(product.home)
    psutil.Process(database.pid).kill()
    psutil.Process(queue.pid).kill()

    def is_back() -> bool:
        now = embedded.running_postgres(product.home), embedded.running_valkey(product.home)
        return all(now) and now[0].pid != database.pid and now[1].pid != queue.pid

    wait_until(is_back, 20, "the restart of both servers")
    assert embedded.running_postgres(product.home).port == database.port


def test_start_after_a_killed_supervisor_cleans_up_and_keeps_the_data(product):
    product.process.kill()
    product.process.wait()
    orphans = {process.pid for process in product.supervised()}
    assert orphans
    product.start()
    assert not orphans & {process.pid for process in product.supervised()}
    assert "one-time password" not in product.printed()  # the admin is still there


def test_ctrl_c_stops_everything(product):
    product.process.send_signal(signal.SIGINT)
    assert product.process.wait(40) == 0, product.printed()[-2000:]
    assert not product.supervised()
    assert embedded.running_postgres(product.home) is None
    assert embedded.running_valkey(product.home) is None
    assert "Traceback" not in product.printed().rpartition("Stopping")[2]


def test_command_that_uses_the_servers_alone_stops_them(product):
    command = [sys.executable, "manage.py", "user", "list"]
    shown = subprocess.run(
        command, check=True, cwd=PROJECT, env=product.environment(), capture_output=True, text=True, timeout=60
    )
    assert "admin" in shown.stdout
    assert embedded.running_postgres(product.home) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_command_that_is_told_to_stop_leaves_no_server(product, number):
    command = [sys.executable, "manage.py", "demo", "--loans", "20000"]
    with product.log.open("ab") as log:
        loading = subprocess.Popen(command, cwd=PROJECT, env=product.environment(), stdout=log, stderr=log)
    wait_until(lambda: embedded.running_postgres(product.home) is not None, 20, "the server")
    loading.send_signal(number)
    assert loading.wait(30) == 128 + number
    assert embedded.running_postgres(product.home) is None


@pytest.mark.parametrize("is_ignored", [True, False])
def test_a_hangup_stops_what_was_not_started_with_nohup(is_ignored):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)
    handled = signal.signal(signal.SIGTERM, lambda *_: None)  # what comes after the end
    supervisor = Supervisor([])
    last = 1.5 if is_ignored else 60.0
    stops = [
        Timer(seconds, os.kill, (os.getpid(), number))
        for number, seconds in ((signal.SIGHUP, 0.5), (signal.SIGTERM, last))
    ]
    began = time.monotonic()
    try:
        for stop in stops:
            stop.start()
        supervisor.run()
        assert (time.monotonic() - began < last) != is_ignored
    finally:
        for stop in stops:
            stop.cancel()
            stop.join()
        signal.signal(signal.SIGTERM, handled)
        signal.signal(signal.SIGHUP, before)


def test_taken_port_is_one_line(product):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", product.port))
        other.listen()
        assert f"Port {product.port} on 127.0.0.1 cannot be used" in product.refused()
    assert embedded.running_postgres(product.home) is None


def test_unreachable_servers_are_one_line(product):
    assert "database 127.0.0.1:1/book cannot be used" in product.refused(
        DATABASE_URL="postgresql://a:b@127.0.0.1:1/book"
    )
    assert "queue server 127.0.0.1:1 cannot be used" in product.refused(REDIS_URL="redis://127.0.0.1:1")


def test_work_is_asked_for_while_the_queue_server_is_away(product):
    environment = product.environment(REDIS_URL="redis://127.0.0.1:1")
    command = [sys.executable, "manage.py", "jobs", "start", "score"]
    shown = subprocess.run(
        command, check=True, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "waits for a worker" in shown.stdout


def test_wrong_setting_is_one_line(product):
    assert "RECOUP_WORKERS" in product.refused(RECOUP_WORKERS="0")


def test_wrong_setting_of_the_web_server_alone_is_one_line(product):
    environment = product.environment(DATABASE_URL="postgresql://someone:hush@host:port/book")
    ended = subprocess.run(
        [sys.executable, "web.py"],
        check=False,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("recoup: A setting cannot be used: DATABASE_URL")
    assert len(ended.stderr.splitlines()) == 1
    assert "hush" not in ended.stderr


def test_address_that_is_none_is_one_line_without_its_password(product):
    for name in ("DATABASE_URL", "REDIS_URL"):
        told = product.refused("user", "list", **{name: "postgresql://someone:hush@host:port/book"})
        assert f"A setting cannot be used: {name}: this is no address such as" in told
        assert "hush" not in told


def test_folder_that_cannot_be_made_is_one_line(product):
    assert "/proc/demo cannot be used" in product.refused("demo", "--files", "/proc/demo")


def test_new_password_of_a_disabled_user_is_told_with_what_else_it_takes(product):
    def told(*arguments: str) -> str:
        command = [sys.executable, "manage.py", "user", *arguments]
        return subprocess.run(
            command, check=True, cwd=PROJECT, env=product.environment(), capture_output=True, text=True, timeout=60
        ).stdout

    told("add", "leaver", "--name", "Lea Ver", "--role", "agent")
    assert "enable leaver" not in told("reset", "leaver")
    told("disable", "leaver", "--reason", "left")
    assert "once `manage.py user enable leaver`" in told("reset", "LEAVER")


def test_unknown_user_is_one_line(product):
    assert "There is no user 'nobody'" in product.refused("user", "reset", "nobody")
