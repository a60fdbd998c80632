"""The tables, one module an area. Import `db.models` to have them all registered on the metadata."""

from db.base import Base
from db.models import access, allocation, audit, grievances, imports, jobs, messages, owes, stands, work

metadata = Base.metadata

__all__ = [
    "Base",
    "access",
    "allocation",
    "audit",
    "grievances",
    "imports",
    "jobs",
    "messages",
    "metadata",
    "owes",
    "stands",
    "work",
]
