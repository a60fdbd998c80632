"""Files kept with a borrower: letters sent, evidence received. Appended, never changed."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class Document(Base):
    """One file, as bytes, with its fingerprint."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("size = octet_length(content)", name="size"),
        Index(None, "borrower_id", "id", postgresql_where=text("borrower_id IS NOT NULL")),
        Index("ix_document_subject", "subject_kind", "subject_id"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    """What it is, such as 'settlement_letter' or 'evidence'."""
    file_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    """Bytes."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    borrower_id: Mapped[int | None] = mapped_column(ForeignKey("borrower.id"))
    subject_kind: Mapped[str | None]
    subject_id: Mapped[int | None]
    """What it belongs to, such as ('settlement', 17)."""
    stored_at: Mapped[Instant] = mapped_column(server_default=func.now())
    stored_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    """None: Recoup itself."""
