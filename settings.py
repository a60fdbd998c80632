"""Every setting of the product, read from the environment (prefix RECOUP_) or a `.env` file; nothing else reads them."""

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Configuration of one installation. With nothing set, servers start embedded and data lives beside the project."""

    model_config = SettingsConfigDict(env_prefix="RECOUP_", env_file=".env", extra="ignore")

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    """Postgres 16+ that the web and workers use. Unset: the embedded server."""

    database_owner_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_OWNER_URL")
    """The same database as the role that owns the schema, used by migrations only. Unset: `database_url`."""

    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    """Redis 5+ or Valkey 7.2+ for the queue. Unset: the embedded server."""

    data_dir: Path | None = None
    """Where embedded servers, secrets and uploads live. Unset: `.recoup/` beside the project, or /var/lib/recoup as root."""

    host: str = "127.0.0.1"
    port: int = 8501
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
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = True
    smtp_from: str = "collections@localhost"

    upload_mb: int = Field(default=500, ge=1)
    """Largest browser upload. `manage.py import` takes files of any size."""

    statement_timeout_ms: int = Field(default=30_000, ge=1_000)
    """Longest statement of a page; background jobs set their own."""

    log_level: str = "INFO"

    @property
    def home(self) -> Path:
        """The data folder, absolute. As root it is a place of the system, since Postgres must run as another user."""
        if self.data_dir is not None:
            return self.data_dir.resolve()
        return _default_home()


def _default_home() -> Path:
    import os

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Path("/var/lib/recoup") if is_root else PROJECT / ".recoup"


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
