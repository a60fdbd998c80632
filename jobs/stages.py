"""Stages of cases in the background."""

from typing import Any

from services import stages
from services.actors import SYSTEM
from services.jobs import Progress


def apply(_run_id: int, _arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Put open cases into the stages that the rules in force give them."""
    return stages.apply(SYSTEM, progress=progress)
