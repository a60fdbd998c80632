"""The tables, one module an area. Import `db.models` to have them all registered on the metadata."""

from db.base import Base
from db.models import access, approvals, audit, documents, imports, jobs, messages, owes, performance, stands, work

metadata = Base.metadata

__all__ = [
    "Base",
    "access",
    "approvals",
    "audit",
    "documents",
    "imports",
    "jobs",
    "messages",
    "metadata",
    "owes",
    "performance",
    "stands",
    "work",
]
