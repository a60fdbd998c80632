"""The queue server killed -9 and started again, empty: nothing lost, nothing twice."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from db import embedded_valkey
from settings import settings
from tests.conftest import wait_until
from tests.processes import request, run_row, started

pytestmark = pytest.mark.kill


@pytest.fixture
def valkey(monkeypatch, servers):
    """A queue server of the test's own that keeps nothing on disk."""
    home = Path(tempfile.mkdtemp(prefix="recoup-test-queue-", dir="/tmp"))
    (home / "owner").write_text(str(os.getpid()))  # swept up by the next run if this one is killed
    embedded_valkey.ensure_valkey(home, durable=False)
    monkeypatch.setenv("REDIS_URL", embedded_valkey.valkey_url(home))
    settings.cache_clear()
    yield home
    embedded_valkey.stop_valkey(home)
    monkeypatch.undo()
    settings.cache_clear()
    shutil.rmtree(home, ignore_errors=True)


def test_work_before_during_and_after_the_kill_is_done_once(quiet, valkey, tmp_path):
    with started("cron", tmp_path / "log"), started("worker", tmp_path / "log"):
        running = request("test.slow", {"pid_file": str(tmp_path / "pid"), "steps": 60})
        waiting = [request("test.quick") for _ in range(4)]
        wait_until(lambda: run_row(running).status == "running", 30, "the first")
        os.kill(embedded_valkey.running_valkey(valkey).pid, signal.SIGKILL)
        meanwhile = [request("test.quick") for _ in range(4)]
        wait_until(lambda: run_row(running).status == "done", 30, "the first, without the queue server")
        assert {run_row(run_id).status for run_id in waiting + meanwhile} == {"queued"}
        address = embedded_valkey.valkey_url(valkey)
        embedded_valkey.ensure_valkey(valkey, durable=False)
        assert embedded_valkey.valkey_url(valkey) == address
        afterwards = [request("test.quick") for _ in range(2)]
        for run_id in waiting + meanwhile + afterwards:
            wait_until(lambda run_id=run_id: run_row(run_id).status == "done", 40, f"run {run_id}")
    assert {run_row(run_id).attempts for run_id in [running, *waiting, *meanwhile, *afterwards]} == {1}


_NOTICED = {
    "cron": ("dispatch.unreachable", "cron.queue_unreachable"),
    "worker": ("could not connect to Redis", "worker.queue_unreachable"),  # while it listens; while a job ends
}


@pytest.mark.parametrize("role", ["cron", "worker"])
def test_a_stop_is_heard_while_the_queue_server_is_away(role, quiet, valkey, tmp_path):
    logs = {name: tmp_path / name for name in ("cron", "worker")}
    with started("cron", logs["cron"]) as other, started("worker", logs["worker"]) as worker:
        done = request("test.quick")
        wait_until(lambda: run_row(done).status == "done", 30, "both to be at work")
        process = {"cron": other, "worker": worker}[role]
        os.kill(embedded_valkey.running_valkey(valkey).pid, signal.SIGKILL)
        request("test.quick")  # something that cron would put there
        wait_until(lambda: any(sign in logs[role].read_text() for sign in _NOTICED[role]), 30, "its notice")
        seen = len(logs[role].read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert "Traceback" not in logs[role].read_text()[seen:]
