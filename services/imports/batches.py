"""A batch from its upload to its end: its value, and the steps that a person takes.

uploaded -> staging -> checked -> committing -> committed -> undoing -> undone; failed and discarded on the way. The
steps that take long are jobs; each may be killed and done again.
"""

import hashlib
import shutil
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import after_commit, transaction
from db.queries.imports import batches as queries
from db.queries.imports import staging as staging_queries
from db.queries.imports.plan import Plan
from services import audit, jobs, lender
from services.actors import Actor, Permission
from services.errors import Conflict, NotFound
from services.imports import files, mapping, profiles
from services.imports.fields import Kind
from settings import settings

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A batch as screens and commands show it."""

    id: int
    kind: Kind
    status: str
    file_name: str
    file_bytes: int
    mapping: dict[str, str]
    options: dict[str, Any]
    counts: dict[str, int]
    report: dict[str, Any]
    error: str | None
    profile_id: int | None
    """The profile by which it is read, as it was found or saved."""
    profile_name: str | None
    created_by: str | None
    created_at: datetime
    committed_at: datetime | None
    undone_at: datetime | None
    headers: tuple[str, ...]

    @property
    def is_draft(self) -> bool:
        """Whether it can still be committed or given up."""
        return self.status in ("uploaded", "staging", "checked", "failed", "committing")


def summary_of(row: AnyRow) -> BatchSummary:
    """A row of the store as the value that leaves services."""
    return BatchSummary(
        id=row.id,
        kind=Kind(row.kind),
        status=row.status,
        file_name=row.file_name,
        file_bytes=row.file_bytes,
        mapping=row.mapping or {},
        options={k: v for k, v in row.options.items() if not k.startswith("_")},
        counts=row.counts,
        report=row.report,
        error=row.error,
        profile_id=row.profile_id,
        profile_name=row.profile_name,
        created_by=row.created_by_name,
        created_at=row.created_at,
        committed_at=row.committed_at,
        undone_at=row.undone_at,
        headers=tuple(row.options.get("_headers", ())),
    )


def loaded(session: Session, batch_id: int, *, is_locked: bool = False) -> AnyRow:
    """The batch's row.

    Raises:
        NotFound: there is none.
    """
    row = queries.batch(session, batch_id, is_locked=is_locked)
    if row is None:
        raise NotFound("There is no such import.")
    return row


def plan_of(row: AnyRow) -> Plan:
    """The batch's row as statements see it."""
    summary = summary_of(row)
    return mapping.plan_of(summary.id, summary.kind, summary.headers, summary.mapping, summary.options)


def keep_upload(stream: IO[bytes], file_name: str) -> Path:
    """Write an upload to the disk in chunks, readable by the product alone; where it lies."""
    folder = settings().home / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{uuid4().hex}{Path(file_name).suffix[:8]}"
    with target.open("xb") as copy:
        target.chmod(0o600)
        shutil.copyfileobj(stream, copy, _CHUNK)
    return target


def upload(actor: Actor, stream: IO[bytes], file_name: str, *, kind: Kind) -> BatchSummary:
    """Take a file in: keep it, read its header, propose its mapping.

    Raises:
        NotAllowed: the actor may not import.
        FileUnreadable: it is not a table; nothing is kept.
    """
    actor.require(Permission.IMPORT)
    kept = keep_upload(stream, file_name)
    try:
        return begin(actor, kept, file_name=file_name, kind=kind)
    except Exception:
        kept.unlink(missing_ok=True)
        raise


def begin(actor: Actor, path: Path, *, file_name: str, kind: Kind) -> BatchSummary:
    """A batch for a file on this machine, with a mapping from the profile that suits, or else proposed.

    Raises:
        NotAllowed, FileUnreadable.
    """
    actor.require(Permission.IMPORT)
    look = files.look(path)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    with transaction() as session:
        profile = profiles.suiting(session, kind, look.headers)
        proposed = {p.header: p.target for p in mapping.propose(kind, look.headers, look.samples) if p.target}
        batch_id = queries.add(
            session,
            kind=kind.value,
            file_name=Path(file_name).name[:200],
            file_path=str(path),
            file_bytes=path.stat().st_size,
            file_sha256=digest,
            profile_id=profile.id if profile else None,
            mapping=profiles.fitted(profile, look.headers) if profile else proposed,
            options={**(profile.options if profile else {}), "_headers": look.headers},
            created_by=actor.id,
        )
        audit.record(
            session,
            actor,
            "import.uploaded",
            subject=("import", batch_id),
            summary=f"uploaded a file to import as {kind.value.replace('_', ' ')}",
            after={"bytes": path.stat().st_size, "sha256": digest.hex()},
        )
        return summary_of(loaded(session, batch_id))


def set_reading(
    actor: Actor, batch_id: int, *, mapped: Mapping[str, str], options: Mapping[str, Any], profile_id: int | None = None
) -> None:
    """Say which column fills which field, and the options; the file is then to be checked (anew).

    Raises:
        NotAllowed, NotFound: not for the actor, or not there.
        InvalidInput: the mapping cannot be used.
        Conflict: the batch is past this step.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id, is_locked=True)
        headers = row.options["_headers"]
        chosen = {header: target for header, target in mapped.items() if target}
        mapping.checked(Kind(row.kind), headers, chosen, options)
        told = {"phone_country": lender.load(session).phone_country, **options}
        values = {"mapping": chosen, "options": {**told, "_headers": headers}, "profile_id": profile_id}
        if not queries.move(
            session, batch_id, from_=("uploaded", "checked", "failed"), to="uploaded", error=None, **values
        ):
            raise Conflict("This file is being worked on, or done: its columns cannot be changed any more.")


def map_months(
    actor: Actor, batch_id: int, *, measure: str, first_header: str, columns: int, first_month: date
) -> None:
    """Map neighbouring columns to a measure month by month, from the month of `first_month` on.

    Raises:
        NotAllowed, NotFound: not for the actor, or not there.
        InvalidInput: there are fewer columns from there on, or one of them fills another field.
        Conflict: the batch is past this step.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id, is_locked=True)
        headers = row.options["_headers"]
        start = headers.index(first_header)
        mapping.checked_months(Kind(row.kind), headers[start:], row.mapping or {}, measure=measure, columns=columns)
        mapped = {h: t for h, t in (row.mapping or {}).items() if not t.startswith(f"{measure}@") and t != measure}
        for offset, header in enumerate(headers[start : start + columns]):
            year, month = divmod(first_month.year * 12 + first_month.month - 1 + offset, 12)
            mapped[header] = f"{measure}@{date(year, month + 1, monthrange(year, month + 1)[1]).isoformat()}"
        if not queries.move(session, batch_id, from_=("uploaded", "checked", "failed"), to="uploaded", mapping=mapped):
            raise Conflict("This file is being worked on, or done: its columns cannot be changed any more.")


def request_check(actor: Actor, batch_id: int) -> None:
    """Ask for the file to be read and checked in the background.

    Raises:
        NotAllowed, NotFound, Conflict.
    """
    actor.require(Permission.IMPORT)
    _request(actor, batch_id, "import.check", from_=("uploaded", "checked", "failed"), to="staging")


def request_commit(actor: Actor, batch_id: int) -> None:
    """Ask for a checked file to be committed in the background.

    Raises:
        NotAllowed, NotFound, Conflict.
    """
    actor.require(Permission.IMPORT)
    _request(actor, batch_id, "import.commit", from_=("checked",), to="committing")


def request_undo(actor: Actor, batch_id: int) -> None:
    """Ask for a committed batch to be taken back in the background.

    Raises:
        NotAllowed, NotFound, Conflict.
    """
    actor.require(Permission.IMPORT)
    _request(actor, batch_id, "import.undo", from_=("committed",), to="undoing")


def _request(actor: Actor, batch_id: int, kind: str, *, from_: tuple[str, ...], to: str) -> None:
    with transaction() as session:
        loaded(session, batch_id, is_locked=True)
        if not queries.move(session, batch_id, from_=from_, to=to, error=None):
            raise Conflict("This import has moved on in the meantime: look at it again.")
        arguments = {
            "batch_id": batch_id,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "actor_role": actor.role.value,
        }
        jobs.request(session, kind, arguments, actor=actor)
        step = kind.partition(".")[2]
        audit.record(
            session,
            actor,
            f"import.{step}_requested",
            subject=("import", batch_id),
            summary=f"asked for import {batch_id} to {step}",
        )


def discard(actor: Actor, batch_id: int) -> None:
    """Give up a file that was not committed; its rows and the file itself are removed.

    Raises:
        NotAllowed, NotFound, Conflict.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id, is_locked=True)
        if not queries.move(session, batch_id, from_=("uploaded", "checked", "failed"), to="discarded"):
            raise Conflict("This import is being worked on, or done: it cannot be given up any more.")
        forget(session, row)
        audit.record(
            session, actor, "import.discarded", subject=("import", batch_id), summary=f"gave up import {batch_id}"
        )


def forget(session: Session, row: AnyRow, *, keep_rejected: bool = False) -> None:
    """Remove what holds the file's personal data: staging tables, rejected rows and, after the commit, the upload."""
    staging_queries.drop(session, plan_of(row))
    if not keep_rejected:
        queries.forget_rejected(session, row.id)
    if row.file_path is not None and is_upload(Path(row.file_path)):
        queries.change(session, row.id, file_path=None)
        after_commit(session, lambda: Path(row.file_path).unlink(missing_ok=True))


def is_upload(path: Path) -> bool:
    """Whether the file is a copy of ours, and not one that an operator keeps elsewhere."""
    return path.parent == settings().home / "uploads"
