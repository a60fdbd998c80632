"""Files that came in: the batch, its findings, its profile, what it changed (so that it can be undone)."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class ImportProfile(Base):
    """A named mapping of a file's columns to fields, found again by the fingerprint of the header."""

    __tablename__ = "import_profile"
    __table_args__ = (UniqueConstraint("name"), Index(None, "header_fingerprint"))
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    header_fingerprint: Mapped[str]
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Date order, decimal sign, units and constants that the file does not say itself."""
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class ImportBatch(Base):
    """One file and how far it has come. The state machine is in services/imports."""

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(
            "status IN ('uploaded', 'staging', 'staged', 'checked', 'committing', 'committed', 'undoing', 'undone', 'failed', 'discarded')",
            name="status",
        ),
        CheckConstraint("kind IN ('loan_book', 'schedule', 'payments', 'contacts', 'snapshot')", name="kind"),
        Index(None, "created_at"),
        Index(None, "file_sha256"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(Text, server_default="uploaded")
    file_name: Mapped[str]
    file_path: Mapped[str | None]
    file_bytes: Mapped[int]
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    profile_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("import_profile.id"))
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """rows, accepted, rejected, new, changed, unchanged, missing."""
    report: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Findings per rule with count and first rows."""
    error: Mapped[str | None]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    committed_at: Mapped[Instant | None]
    undone_at: Mapped[Instant | None]


class ImportRejectedRow(Base):
    """A row that was not taken, as it stood in the file, with the reasons. Personal data: removed with the batch's file."""

    __tablename__ = "import_rejected_row"
    batch_id: Mapped[int] = mapped_column(Integer, ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Row number in the file, the header being 1."""
    reasons: Mapped[str]
    cells: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportChange(Base):
    """A row that a batch changed, as it was before: what undo restores."""

    __tablename__ = "import_change"
    __table_args__ = (Index(None, "batch_id", "entity", "entity_id"),)
    id: Mapped[Id]
    batch_id: Mapped[int] = mapped_column(Integer, ForeignKey("import_batch.id", ondelete="CASCADE"))
    entity: Mapped[str]
    entity_id: Mapped[int]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
