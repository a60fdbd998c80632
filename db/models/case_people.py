"""Who takes part in a case beside its owner."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class CasePerson(Base):
    """Someone with a role in a case, from being added to being removed. Rows stay as its history."""

    __tablename__ = "case_person"
    __table_args__ = (
        CheckConstraint("role IN ('field', 'legal', 'watcher')", name="role"),
        CheckConstraint("(removed_at IS NULL) = (remove_reason IS NULL)", name="removal_has_a_reason"),
        Index(None, "case_id"),
        # a user's own list, and that nobody has a role in a case twice
        Index(
            "uq_case_person_now",
            "user_id",
            "case_id",
            "role",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
    )
    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("collection_case.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    role: Mapped[str]
    """field, legal or watcher; the owner stands in the case itself."""
    reason: Mapped[str]
    added_at: Mapped[Instant] = mapped_column(server_default=text("now()"))
    added_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    removed_at: Mapped[Instant | None]
    removed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    remove_reason: Mapped[str | None]
