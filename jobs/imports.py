"""Background steps of imports: check, commit, undo. Each may run twice; the batch's status says what is left to do."""

from typing import Any

from services import imports
from services.actors import Actor, Role
from services.jobs import Progress


def check(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Read a file and judge its rows."""
    return imports.check(_actor(arguments), arguments["batch_id"], progress=progress).counts


def commit(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the accepted rows of a checked file."""
    return imports.commit(_actor(arguments), arguments["batch_id"], progress=progress).counts


def undo(_run_id: int, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Take a committed import back."""
    return imports.undo(_actor(arguments), arguments["batch_id"], progress=progress).counts


def _actor(arguments: dict[str, Any]) -> Actor:
    """Who asked for it: the trail names them, not the worker."""
    return Actor(arguments["actor_id"], arguments["actor_name"], Role(arguments["actor_role"]))
