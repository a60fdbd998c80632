"""Every setting of the product, read from the environment (prefix RECOUP_) or a `.env` file; nothing else reads them."""

import base64
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Configuration of one installation. With nothing set, servers start embedded and data lives beside the project."""

    model_config = SettingsConfigDict(
        env_prefix="RECOUP_",
        env_file=PROJECT / ".env",  # wherever a command is called from
        extra="ignore",
        hide_input_in_errors=True,  # addresses hold passwords
        env_ignore_empty=True,  # `DATABASE_URL=` in a file says that there is none, not that its address is empty
    )

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    """Postgres 16+ that the web and workers use. Unset: the embedded server."""

    database_owner_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_OWNER_URL")
    """The same database as the role that owns the schema, used by migrations only; set only with it. Unset: `database_url`."""

    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    """Redis 5+ or Valkey 7.2+ for the queue. Unset: the embedded server."""

    data_dir: Path | None = None
    """Where embedded servers, secrets and uploads live. Unset: `.recoup/` beside the project, or /var/lib/recoup as root."""

    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    """Address of the web app."""

    workers: int = Field(default=2, ge=1, le=64)
    """Worker processes that `run` starts."""

    secret_key: SecretStr | None = None
    """Key of session cookies. Unset: made once and kept in the data folder."""

    pii_keys: SecretStr | None = None
    """Comma-separated Fernet keys for personal data, newest first. Unset: made once and kept in the data folder."""

    signing_pkcs12: Path | None = None
    """PKCS#12 file of the lender's own key and certificate that sign documents. Unset: made once and kept in the data folder."""

    signing_password: SecretStr | None = None
    """Password of that file."""

    secure_cookies: bool = False
    """True when served over HTTPS: the session cookie is then sent over HTTPS only."""

    session_hours: int = Field(default=12, ge=1, le=24 * 7)
    session_idle_minutes: int = Field(default=60, ge=5)

    smtp_host: str | None = None
    """SMTP server of reminders. Unset: messages stay in the local outbox that the app shows."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = True
    smtp_from: str = "collections@localhost"

    upload_mb: int = Field(default=500, ge=1)
    """Largest browser upload. `manage.py import` takes files of any size."""

    statement_timeout_ms: int = Field(default=30_000, ge=1_000)
    """Longest statement of a page; background jobs set their own."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """The least that web, workers and cron log."""

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _is_of_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            is_ours = url is None or make_url(url.get_secret_value()).get_backend_name() in {"postgresql", "postgres"}
        except (ArgumentError, ValueError):  # its message may hold a part of the password
            is_ours = False
        return _required(url, "postgresql://user:password@host:5432/database", holds=is_ours)

    @field_validator("database_owner_url")
    @classmethod
    def _is_of_the_same(cls, url: SecretStr | None, known: ValidationInfo) -> SecretStr | None:
        """The embedded database has an owner of its own: this one would be of another."""
        if url is not None and "database_url" in known.data and known.data["database_url"] is None:
            msg = "it is set and DATABASE_URL is not: set both, or neither to use the embedded database"
            raise ValueError(msg)
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, url: SecretStr | None) -> SecretStr | None:
        from redis.connection import parse_url

        try:
            if url is not None:
                parse_url(url.get_secret_value())  # type: ignore[no-untyped-call]
        except ValueError:
            return _required(url, "redis://:password@host:6379/0", holds=False)
        return url

    @field_validator("pii_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        """A key that cannot be used would be found out by the first import, long after the start."""
        each = [] if keys is None else [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
        if keys is not None and (not each or any(_length(key) not in _KEY_BYTES for key in each)):
            msg = f"each key is {max(_KEY_BYTES)} bytes as URL-safe base64, several with a comma between them"
            raise ValueError(msg)
        return keys

    @field_validator("data_dir", "signing_pkcs12")
    @classmethod
    def _from_the_project(cls, path: Path | None) -> Path | None:
        """The same place for every process, wherever each is called from."""
        return None if path is None else PROJECT / path.expanduser()

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @property
    def home(self) -> Path:
        """The data folder, absolute. As root it is a place of the system, since Postgres must run as another user."""
        if self.data_dir is not None:
            return self.data_dir.resolve()
        return _default_home()


_KEY_BYTES = (16, 24, 32)


def _length(key: str) -> int:
    try:
        return len(base64.urlsafe_b64decode(key))
    except ValueError:
        return 0


def _required(url: SecretStr | None, example: str, *, holds: bool) -> SecretStr | None:
    if not holds:
        msg = f"this is no address such as {example} (in a password, write / @ : # ? % as %2F %40 %3A %23 %3F %25)"
        raise ValueError(msg)
    return url


def _default_home() -> Path:
    import os

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Path("/var/lib/recoup") if is_root else PROJECT / ".recoup"


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
