"""Looking at batches: one, all of them, what a file's columns probably are, and how background work goes."""

from dataclasses import dataclass
from pathlib import Path

from db.engine import reading
from db.queries.imports import batches as queries
from services.actors import Actor, Permission
from services.imports import files, mapping
from services.imports.batches import BatchSummary, loaded, summary_of
from services.imports.errors import FileUnreadable
from services.imports.fields import Kind
from services.imports.mapping import Proposal


def view(actor: Actor, batch_id: int) -> BatchSummary:
    """One batch.

    Raises:
        NotAllowed, NotFound.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        return summary_of(loaded(session, batch_id))


def history(actor: Actor, *, before: int | None = None, limit: int = 25) -> list[BatchSummary]:
    """Batches, the newest first."""
    actor.require(Permission.IMPORT)
    with reading() as session:
        return [summary_of(row) for row in queries.history(session, before=before, limit=limit)]


def proposals(actor: Actor, batch_id: int) -> list[Proposal]:
    """The file's columns with samples and what each probably is; the batch's own mapping wins.

    Raises:
        NotAllowed, NotFound, FileUnreadable.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
    if row.file_path is None:
        raise FileUnreadable("The file is gone: upload it again.")
    look = files.look(Path(row.file_path))
    return mapping.propose(Kind(row.kind), look.headers, look.samples)


def sheets_left_out(actor: Actor, batch_id: int) -> list[str]:
    """The sheets of the batch's workbook that hold rows and are not read; none of other files.

    Raises:
        NotAllowed, NotFound, FileUnreadable.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
    return files.sheets(Path(row.file_path))[1:] if row.file_path else []


def committed_earlier(actor: Actor, batch_id: int) -> int | None:
    """The batch that committed the very same file before, if one did."""
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
        return queries.committed_before(session, row.file_sha256, row.kind, than=row.id)


@dataclass(frozen=True, slots=True)
class Work:
    """The background work of a batch, as it goes."""

    job_id: int
    status: str
    done: int
    total: int | None
    note: str | None
    error: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing is waiting or running any more."""
        return self.status not in ("queued", "running")


def work_of(actor: Actor, batch_id: int) -> Work | None:
    """How the batch's background work goes; None when none was asked for."""
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = queries.latest_job(session, batch_id)
    if row is None:
        return None
    return Work(row.id, row.status, row.progress_done, row.progress_total, row.progress_note, row.error)
