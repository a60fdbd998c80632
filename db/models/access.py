"""Who may sign in: users, their sessions, teams."""

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, Instant


class Team(Base):
    """A group of agents under a leader."""

    __tablename__ = "team"
    __table_args__ = (UniqueConstraint("name"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]


class AppUser(Base):
    """Someone who may sign in. Users are disabled, never deleted: the audit trail points at them."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'leader', 'analyst', 'agent', 'auditor')", name="role"),
        Index("uq_app_user_username", text("lower(username)"), unique=True),
    )
    id: Mapped[Id]
    username: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    role: Mapped[str]
    team_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("team.id"))
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(server_default=text("true"))
    failed_attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Wrong passwords since the last right one."""
    locked_until: Mapped[Instant | None]
    disabled_at: Mapped[Instant | None]
    last_sign_in_at: Mapped[Instant | None]
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class UserSession(Base):
    """One sign-in. The browser holds a random token; only its hash is stored."""

    __tablename__ = "user_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "user_id"))
    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    seen_at: Mapped[Instant] = mapped_column(server_default=func.now())
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None] = mapped_column(Text)


class SignInFailure(Base):
    """A sign-in that failed, by where it came from: many names tried from one address are refused for a while."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "address", "at"),)
    id: Mapped[Id]
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    address: Mapped[str]
