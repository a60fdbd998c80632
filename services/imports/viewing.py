"""Looking at batches: one, all of them, what a file's columns probably are, and how background work goes."""

from dataclasses import dataclass
from pathlib import Path

from db.engine import reading
from db.queries.imports import batches as queries
from services.actors import Actor, Permission
from services.imports import files, mapping, profiles
from services.imports.batches import BatchSummary, loaded, summary_of
from services.imports.errors import FileUnreadable
from services.imports.fields import Kind
from services.imports.mapping import Proposal
from services.imports.profiles import Profile


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


def has_file(actor: Actor, batch_id: int) -> bool:
    """Whether the file of the batch is still there to be read.

    Raises:
        NotAllowed, NotFound.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
    return row.file_path is not None and Path(row.file_path).exists()


def existing(path: str | None) -> Path:
    """The batch's file.

    Raises:
        FileUnreadable: it is not there any more.
    """
    if path is None or not Path(path).exists():
        raise FileUnreadable("The file is gone: upload it again.")
    return Path(path)


def proposals(actor: Actor, batch_id: int) -> list[Proposal]:
    """The file's columns with samples and what each probably is; the batch's own mapping wins.

    Raises:
        NotAllowed, NotFound, FileUnreadable.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
    look = files.look(existing(row.file_path))
    return mapping.propose(Kind(row.kind), look.headers, look.samples)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a draft's file is read, as far as nobody was asked."""

    encoding: str | None
    """None: a workbook."""
    separator: str | None
    sheets_left_out: list[str]
    """Sheets of the workbook that hold rows and are not read."""
    shipped_profile: Profile | None
    """The profile of the product by which its columns are read."""


_ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def manner(actor: Actor, batch_id: int) -> Manner:
    """How the batch's file is read.

    Raises:
        NotAllowed, NotFound, FileUnreadable.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        row = loaded(session, batch_id)
    path = existing(row.file_path)
    batch, sheets = summary_of(row), files.sheets(path)
    dialect = None if sheets else files.look(path).dialect
    suiting = [p for p in profiles.shipped() if p.kind is batch.kind and p.suits(batch.headers)]
    return Manner(
        encoding=_ENCODINGS[dialect.encoding] if dialect else None,
        separator=_SEPARATORS[dialect.separator] if dialect else None,
        sheets_left_out=sheets[1:],
        shipped_profile=next((p for p in suiting if profiles.fitted(p, batch.headers) == batch.mapping), None),
    )


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
