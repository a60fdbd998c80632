"""Risk scores in the background."""

from dataclasses import asdict
from datetime import date
from typing import Any

from services import scoring
from services.actors import SYSTEM
from services.jobs import Progress


def run(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Score the book as of the business date of the arguments, or the day that it stands as of."""
    asked = arguments.get("business_date")
    as_of = date.fromisoformat(asked) if asked else scoring.present_day()
    return asdict(scoring.score(SYSTEM, as_of, progress=progress))
