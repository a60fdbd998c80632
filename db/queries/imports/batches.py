"""Batches and profiles: what came in, how far it is, how its columns were read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.imports import ImportBatch, ImportProfile, ImportRejectedRow
from db.models.jobs import JobRun

_COLUMNS = (
    ImportBatch.id, ImportBatch.kind, ImportBatch.status, ImportBatch.file_name, ImportBatch.file_path,
    ImportBatch.file_bytes, ImportBatch.file_sha256, ImportBatch.profile_id, ImportBatch.mapping, ImportBatch.options,
    ImportBatch.counts, ImportBatch.report, ImportBatch.error, ImportBatch.created_at, ImportBatch.committed_at,
    ImportBatch.undone_at,
)  # fmt: skip


def add(session: Session, **values: Any) -> int:
    """A new batch; its id."""
    return session.execute(insert(ImportBatch).values(**values).returning(ImportBatch.id)).scalar_one()


def batch(session: Session, batch_id: int, *, is_locked: bool = False) -> AnyRow | None:
    """One batch with who uploaded it."""
    statement = (
        select(*_COLUMNS, AppUser.name.label("created_by_name"), ImportProfile.name.label("profile_name"))
        .outerjoin(AppUser, AppUser.id == ImportBatch.created_by)
        .outerjoin(ImportProfile, ImportProfile.id == ImportBatch.profile_id)
        .where(ImportBatch.id == batch_id)
    )
    if is_locked:
        statement = statement.with_for_update(of=ImportBatch)
    return session.execute(statement).one_or_none()


def history(session: Session, *, before: int | None, limit: int) -> list[AnyRow]:
    """Batches, the newest first, those with a smaller id than `before`."""
    statement = (
        select(*_COLUMNS, AppUser.name.label("created_by_name"), ImportProfile.name.label("profile_name"))
        .outerjoin(AppUser, AppUser.id == ImportBatch.created_by)
        .outerjoin(ImportProfile, ImportProfile.id == ImportBatch.profile_id)
        .where(ImportBatch.status != "discarded")
        .order_by(ImportBatch.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(ImportBatch.id < before)
    return list(session.execute(statement))


def change(session: Session, batch_id: int, **values: Any) -> None:
    """Write columns of a batch."""
    session.execute(update(ImportBatch).where(ImportBatch.id == batch_id).values(**values))


def move(session: Session, batch_id: int, *, from_: Sequence[str], to: str, **values: Any) -> bool:
    """Change the status only if it is one of `from_`; whether it was."""
    statement = (
        update(ImportBatch)
        .where(ImportBatch.id == batch_id, ImportBatch.status.in_(from_))
        .values(status=to, **values)
        .returning(ImportBatch.id)
    )
    return session.execute(statement).one_or_none() is not None


def committed_before(session: Session, sha256: bytes, kind: str, *, than: int) -> int | None:
    """The batch that committed the same bytes as the same kind, if one did."""
    statement = select(func.max(ImportBatch.id)).where(
        ImportBatch.file_sha256 == sha256,
        ImportBatch.kind == kind,
        ImportBatch.status == "committed",
        ImportBatch.id != than,
    )
    return session.execute(statement).scalar_one_or_none()


def commits_in_turn(session: Session) -> None:
    """Wait until no other import is being committed or undone; held until this transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(72002010)"))


def forget_rejected(session: Session, batch_id: int) -> None:
    """Remove the rejected rows of a batch."""
    session.execute(delete(ImportRejectedRow).where(ImportRejectedRow.batch_id == batch_id))


def forget_rejected_before(session: Session, moment: datetime) -> int:
    """Remove the rejected rows of batches committed before a moment; how many rows."""
    old = select(ImportBatch.id).where(ImportBatch.committed_at < moment)
    gone = delete(ImportRejectedRow).where(ImportRejectedRow.batch_id.in_(old)).returning(ImportRejectedRow.line)
    return len(session.execute(gone).all())


def latest_job(session: Session, batch_id: int) -> AnyRow | None:
    """The newest piece of background work of a batch."""
    statement = (
        select(
            JobRun.id,
            JobRun.kind,
            JobRun.status,
            JobRun.progress_done,
            JobRun.progress_total,
            JobRun.progress_note,
            JobRun.error,
        )
        .where(JobRun.kind.in_(("import.check", "import.commit", "import.undo")))
        .where(JobRun.arguments["batch_id"].as_integer() == batch_id)
        .order_by(JobRun.id.desc())
        .limit(1)
    )
    return session.execute(statement).one_or_none()


# --- profiles -----------------------------------------------------------------------------------------------------


def profiles(session: Session) -> list[AnyRow]:
    """All saved profiles by name."""
    columns = (ImportProfile.id, ImportProfile.name, ImportProfile.kind, ImportProfile.header_fingerprint)
    return list(
        session.execute(select(*columns, ImportProfile.mapping, ImportProfile.options).order_by(ImportProfile.name))
    )


def save_profile(session: Session, **values: Any) -> int:
    """Add a profile, or replace the one of that name; its id."""
    statement = upsert(ImportProfile).values(**values)
    replaced = {name: statement.excluded[name] for name in ("kind", "header_fingerprint", "mapping", "options")}
    return session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=replaced).returning(ImportProfile.id)
    ).scalar_one()
