"""The processes of the product: how each is started. Operators with a supervisor of their own run the same commands."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from settings import settings

PROJECT = Path(__file__).resolve().parent.parent
MARK = "RECOUP_SUPERVISED_FROM"
"""Environment variable of every supervised process, naming the data folder: so that a next start finds what a killed
supervisor left behind."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def all_processes() -> list[Process]:
    """Web, workers and cron, as the settings name them."""
    workers = [
        Process(f"worker.{number}", _manage("worker"), _environment()) for number in range(1, settings().workers + 1)
    ]
    return [web(), *workers, Process("cron", _manage("cron"), _environment())]


def web() -> Process:
    """The web application: Streamlit within the server of `web.py`, which takes address and port from the settings."""
    return Process("web", (sys.executable, str(PROJECT / "web.py")), _environment())


def address() -> str:
    """Where a browser finds the web application."""
    host = "localhost" if settings().host in {"0.0.0.0", "::", "127.0.0.1"} else settings().host  # noqa: S104
    return f"http://{host}:{settings().port}"


def _manage(command: str) -> tuple[str, ...]:
    return (sys.executable, str(PROJECT / "manage.py"), command)


def _environment() -> dict[str, str]:
    return os.environ | {MARK: str(settings().home), "PYTHONUNBUFFERED": "1"}
