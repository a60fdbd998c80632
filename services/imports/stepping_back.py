"""The way out of a step whose background work failed for a reason that nobody foresaw: back to the step before it."""

from db.engine import transaction
from db.queries import jobs as job_queries
from db.queries.imports import batches as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import Conflict
from services.imports.batches import loaded

_BEFORE = {"staging": "failed", "committing": "checked", "undoing": "committed"}
"""Each step is one transaction at its heart: when it failed, nothing of it is there."""


def step_back(actor: Actor, batch_id: int) -> None:
    """Go back from a failed check, commit or undo; the failed work is not tried again after that.

    Raises:
        NotAllowed, NotFound.
        Conflict: the work waits, runs or is done.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id, is_locked=True)
        run = queries.latest_job(session, batch_id)
        if row.status not in _BEFORE or run is None or run.status not in ("failed", "cancelled"):
            raise Conflict("This import has moved on in the meantime: look at it again.")
        job_queries.cancel_waiting(session, run.id)
        queries.move(session, batch_id, from_=(row.status,), to=_BEFORE[row.status], error=run.error)
        audit.record(
            session,
            actor,
            "import.stepped_back",
            subject=("import", batch_id),
            summary=f"went back a step in import {batch_id}, whose work had failed",
        )
