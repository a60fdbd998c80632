"""Allocation by rule in the background."""

from datetime import date
from typing import Any

from services import allocation
from services.actors import SYSTEM
from services.allocation import Scope
from services.jobs import Progress


def run(run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Run the rules: as someone asked, or by the timetable once the day before is closed."""
    if "business_date" in arguments:
        day = date.fromisoformat(arguments["business_date"])
        return allocation.daily(SYSTEM, day, job_run_id=run_id, progress=progress)
    scope, asked_by = Scope(arguments["scope"]), arguments.get("asked_by")
    return dict(allocation.perform(SYSTEM, scope, job_run_id=run_id, asked_by=asked_by, progress=progress))
