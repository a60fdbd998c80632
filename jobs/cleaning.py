"""Forgetting what nobody asks for any more."""

from typing import Any

from services import jobs
from services.actors import SYSTEM
from services.imports import rejects
from services.jobs import Progress


def clean(_run_id: int, _arguments: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Remove records of old background work, and rows that imports rejected long ago."""
    return {"forgotten": jobs.forget_old(), "rejected_rows": rejects.forget_old(SYSTEM)}
