"""Reminders in the background."""

from dataclasses import asdict
from typing import Any

from services import reminders
from services.actors import SYSTEM
from services.jobs import Progress


def plan(_run_id: int, _arguments: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Write what all rules ask for today to the outbox."""
    return asdict(reminders.plan(SYSTEM))


def send(_run_id: int, _arguments: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Send what is due."""
    return asdict(reminders.send_due(SYSTEM))
