"""Starting, watching and killing processes of the product in tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from sqlalchemy import text

from db.engine import transaction
from tests.conftest import wait_until

PROCESS = Path(__file__).parent / "jobs" / "process.py"


@contextmanager
def started(role: str, log: Path) -> Iterator[subprocess.Popen]:
    """A worker or cron process with the settings of this test; ended at the end, with its children."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, str(PROCESS), role], stdout=out, stderr=out, env=os.environ, start_new_session=True
        )
    try:
        yield process
    finally:
        kill_tree(process)


def kill_tree(process: subprocess.Popen) -> None:
    """kill -9 of a process and of its children."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def kill_parent(process: subprocess.Popen) -> None:
    """kill -9 of the worker alone, as the kernel or an operator does."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def request(kind: str, arguments: dict | None = None, **over) -> int:
    """Ask for work in a transaction of its own."""
    from services import jobs

    with transaction() as session:
        return jobs.request(session, kind, arguments or {}, **over)


def run_row(run_id: int):
    """The run as the database has it now."""
    with transaction() as session:
        return session.execute(text("SELECT * FROM job_run WHERE id = :id"), {"id": run_id}).one()


def lease_ends(run_id: int) -> None:
    """As if the worker had been silent for a minute."""
    with transaction() as session:
        session.execute(
            text("UPDATE job_run SET lease_until = now() - interval '1 second' WHERE id = :id AND status = 'running'"),
            {"id": run_id},
        )


def wait_for(run_id: int, status: str, seconds: float = 20) -> None:
    """Wait until a run has a status."""
    wait_until(lambda: run_row(run_id).status == status, seconds, f"run {run_id} {status}")
