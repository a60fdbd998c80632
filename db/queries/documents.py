"""Statements of stored documents. Lists never read the bytes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.documents import Document

COLUMNS = (
    Document.id,
    Document.kind,
    Document.file_name,
    Document.media_type,
    Document.size,
    Document.sha256,
    Document.borrower_id,
    Document.subject_kind,
    Document.subject_id,
    Document.stored_at,
    AppUser.name.label("stored_by_name"),
)


def insert_document(session: Session, **values: Any) -> int:
    """Add a document; its id."""
    return session.execute(insert(Document).values(**values).returning(Document.id)).scalar_one()


def by_id(session: Session, document_id: int) -> AnyRow | None:
    """What is known of one document, without its bytes."""
    return session.execute(_documents().where(Document.id == document_id)).one_or_none()


def content(session: Session, document_id: int) -> bytes:
    """The bytes of a document that is there."""
    return session.execute(select(Document.content).where(Document.id == document_id)).scalar_one()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """A borrower's documents, newest first."""
    return _newest(session, _documents().where(Document.borrower_id == borrower_id), limit)


def of_subject(session: Session, kind: str, subject_id: int, *, limit: int) -> Sequence[AnyRow]:
    """The documents of one subject, newest first."""
    belongs = _documents().where(Document.subject_kind == kind, Document.subject_id == subject_id)
    return _newest(session, belongs, limit)


def _newest(session: Session, statement: Select[*tuple[Any, ...]], limit: int) -> Sequence[AnyRow]:
    return session.execute(statement.order_by(Document.id.desc()).limit(limit)).all()


def _documents() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).outerjoin(AppUser, AppUser.id == Document.stored_by)
