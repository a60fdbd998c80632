"""Requests that waited too long go to the next level of authority."""

from typing import Any

from services import approvals
from services.actors import SYSTEM
from services.jobs import Progress


def escalate(_run_id: int, _arguments: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Move what is overdue at its level one level up."""
    return {"escalated": approvals.escalate_due(SYSTEM)}
