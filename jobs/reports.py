"""Reports in the background."""

from datetime import date
from typing import Any

from services import reports
from services.actors import SYSTEM
from services.jobs import Progress
from services.reports import ReportKind


def produce(run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Produce the reports asked for, or all, of the newest closed day."""
    asked = arguments.get("business_date")
    made = reports.produce(
        SYSTEM,
        run_id,
        up_to=date.fromisoformat(asked) if asked else None,
        kinds=[ReportKind(kind) for kind in arguments.get("kinds", list(ReportKind))],
        asked_by=arguments.get("asked_by"),
        progress=progress,
    )
    return {"reports": made}
