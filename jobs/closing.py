"""The day-end close, and what follows late facts, in the background."""

import os
from datetime import date
from typing import Any

from db.engine import transaction
from services import closing, jobs, restating
from services.actors import SYSTEM
from services.jobs import Progress

_WORKERS = min(os.cpu_count() or 1, 4)


def close(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Close the business date, then forget day-ends of loans that are old."""
    day = date.fromisoformat(arguments["business_date"])
    summary = closing.close(SYSTEM, day, progress=progress, workers=_WORKERS)
    closing.forget_dailies(SYSTEM, day)
    _then_score()
    return {"loans": summary.loans, "changed": summary.changed, "restated": summary.restated}


def derive_batch(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Let state follow an import."""
    counts = restating.derive_batch(SYSTEM, int(arguments["batch_id"]), progress=progress, workers=_WORKERS)
    _then_score()
    return counts


def restate(_run_id: int, _arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Restate closed days for late facts."""
    return restating.restate(SYSTEM, progress=progress)


def _then_score() -> None:
    """Scores read what the close wrote; a score that waits already will see it too."""
    with transaction() as session:
        jobs.request_once(session, "score", {})
