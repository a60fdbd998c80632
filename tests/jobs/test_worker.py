"""Worker and cron as processes: work is done once, its end is told in words, and a stop is a stop."""

import json
import signal
import socket
import time
import zlib

import psutil
import pytest
import redis
from sqlalchemy import text

from db.engine import transaction
from jobs import dispatch, queue
from jobs.queue import LONG, QUICK, connect, put, queues
from services import jobs
from tests.conftest import _environment, wait_until
from tests.processes import kill_parent, lease_ends, request, run_row, started, wait_for

pytestmark = pytest.mark.kill


@pytest.fixture
def quiet(database, queue_url):
    """A database and queue in which only what the test asks for runs."""
    with transaction() as session:
        session.execute(text("UPDATE schedule SET is_enabled = false"))


@pytest.fixture
def worker(quiet, tmp_path):
    with started("cron", tmp_path / "log"), started("worker", tmp_path / "log") as process:
        yield process


def planned(kind):
    with transaction() as session:
        return session.execute(text("SELECT count(*) FROM job_run WHERE kind = :k"), {"k": kind}).scalar_one()


def slow(tmp_path, steps=400):
    return request("test.slow", {"pid_file": str(tmp_path / "pid"), "steps": steps})


def test_ends_of_work(worker, tmp_path):
    done, refused, crashed, killed = (request(f"test.{name}") for name in ("quick", "refuse", "crash", "die"))
    wait_for(done, "done")
    assert run_row(done).result == {"done": True}
    wait_for(refused, "failed")
    assert (run_row(refused).error, run_row(refused).attempts) == ("The file is empty: upload another.", 1)
    wait_for(crashed, "failed")
    row = run_row(crashed)
    assert row.reference in row.error
    log = (tmp_path / "log").read_text()
    assert row.reference in log
    assert "ZeroDivisionError" in log
    assert "Meera" not in log + row.error
    # a child that dies is begun again at once, three times, and then given up with a sentence
    wait_for(killed, "failed", 30)
    assert (run_row(killed).attempts, "stopped 3 times" in run_row(killed).error) == (3, True)


def test_progress_of_running_work_is_seen_and_a_stop_gives_it_back(worker, tmp_path):
    run_id = slow(tmp_path)
    wait_until(lambda: run_row(run_id).progress_done > 5, 20)
    assert run_row(run_id).progress_note == "counting"
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=60)
    assert worker.returncode == 0
    row = run_row(run_id)
    assert (row.status, row.attempts, row.max_attempts) == ("queued", 1, 4)


def test_a_worker_killed_alone_takes_its_child_with_it_and_the_next_begins_again(worker, tmp_path):
    run_id = slow(tmp_path, steps=100)
    wait_until(lambda: run_row(run_id).progress_done > 5, 20)
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    kill_parent(worker)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10, "end of the child")
    assert run_row(run_id).status == "running"
    lease_ends(run_id)
    with started("worker", tmp_path / "log"):
        wait_for(run_id, "done", 40)
    assert run_row(run_id).attempts == 2


def test_work_asked_for_while_nothing_runs_is_done_later(quiet, queue_url, tmp_path):
    runs = [request("test.quick") for _ in range(6)]
    with started("cron", tmp_path / "log"), started("worker", tmp_path / "log"):
        for run_id in runs:
            wait_for(run_id, "done", 30)
    assert {run_row(run_id).attempts for run_id in runs} == {1}


def test_a_queue_that_forgot_everything_is_filled_again(quiet, queue_url, tmp_path):
    with started("cron", tmp_path / "log"):
        runs = [request("test.quick") for _ in range(5)]
        with redis.Redis.from_url(queue_url) as client:
            wait_until(lambda: client.llen(f"rq:queue:{QUICK}") == 5, 15)
            client.flushdb()
            wait_until(lambda: client.llen(f"rq:queue:{QUICK}") == 5, 15)
        with started("worker", tmp_path / "log"):
            for run_id in runs:
                wait_for(run_id, "done", 30)


def test_a_run_put_into_the_queue_twice_is_one_entry(database, queue_url):
    request("test.quick")
    request("close", {"business_date": "2025-06-15"})
    waiting, _seconds = jobs.due()
    with connect() as connection:
        assert (put(connection, waiting), put(connection, waiting)) == (2, 0)
        assert (connection.llen(f"rq:queue:{QUICK}"), connection.llen(f"rq:queue:{LONG}")) == (1, 1)
        data = zlib.decompress(connection.hget(f"rq:job:{waiting[0].id}-0", "data"))
        assert json.loads(data)[:3] == ["jobs.performing.perform", None, [waiting[0].id, 0]]


def test_a_run_that_a_worker_is_just_taking_is_not_put_there_again(quiet, queue_url, monkeypatch):
    run_id, dispatcher = request("test.quick"), dispatch.Dispatcher()
    with connect() as connection:
        entries = queues(connection)[QUICK]
        dispatcher.round(connection)
        assert entries.pop_job_id().startswith(f"{run_id}-")  # as a worker does, which then claims the run
        dispatcher.round(connection)
        assert entries.is_empty()
        monkeypatch.setattr(dispatch, "_TAKING_SECONDS", 0.0)  # the worker died before it did
        dispatcher.round(connection)
        assert not entries.is_empty()


def test_only_one_cron_leads_and_the_other_takes_over(database, queue_url, tmp_path):
    def leaders():
        with transaction() as session:
            statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 72002090 AND granted"
            return session.execute(text(statement + " AND database = (SELECT oid FROM pg_database"
                                        " WHERE datname = current_database())")).scalar_one()  # fmt: skip

    with started("cron", tmp_path / "one") as first, started("cron", tmp_path / "two") as second:
        wait_until(lambda: leaders() == 1, 15)
        time.sleep(0.5)
        assert leaders() == 1
        kill_parent(first)
        wait_until(lambda: leaders() == 1, 15)
        with transaction() as session:
            session.execute(text("DELETE FROM job_run"))
            session.execute(text("UPDATE schedule SET last_planned_at = NULL WHERE kind = 'audit.seal'"))
        wait_until(lambda: planned("audit.seal") > 0, 100, "planning by the second")
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=60) == 0


def test_a_queue_server_that_falls_silent_is_taken_for_dead(monkeypatch):
    monkeypatch.setattr(queue, "_SILENCE_SECONDS", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and never says a word
    address = f"redis://127.0.0.1:{silent.getsockname()[1]}"
    with silent, _environment(REDIS_URL=address), connect() as connection:
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            connection.llen("rq:queue:any")
        assert time.monotonic() - began < 5
