"""The table of jobs: which function does which kind of work. Whoever adds a kind adds its line here."""

from collections.abc import Callable
from typing import Any

from jobs import allocation, approvals, cleaning, closing, imports, legal, reminders, reports, scoring, sealing, stages
from services.jobs import Progress

Job = Callable[[int, dict[str, Any], Progress], dict[str, Any] | None]
"""(run id, arguments, progress) -> counts to show, or None. It may run twice, and be killed at any point."""

JOBS: dict[str, Job] = {
    "allocate": allocation.run,
    "approvals.escalate": approvals.escalate,
    "audit.seal": sealing.run,
    "close": closing.close,
    "derive.batch": closing.derive_batch,
    "import.check": imports.check,
    "import.commit": imports.commit,
    "import.undo": imports.undo,
    "jobs.clean": cleaning.clean,
    "legal.alert": legal.alert,
    "legal.notices": legal.notices,
    "reminders.plan": reminders.plan,
    "reminders.send": reminders.send,
    "report.produce": reports.produce,
    "restate": closing.restate,
    "score": scoring.run,
    "stages.apply": stages.apply,
}
