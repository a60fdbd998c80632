"""Legal notices by the batch, and reminders of clocks, in the background."""

from typing import Any

from services import legal
from services.actors import SYSTEM
from services.jobs import Progress


def notices(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Make the notices of a batch that are still to be made."""
    return {"notices": legal.produce(int(arguments["batch_id"]), progress)}


def alert(_run_id: int, _arguments: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Remind of clocks that run out soon."""
    return {"reminded": legal.alert(SYSTEM)}
