"""The tables, one module an area. Import `db.models` to have them all registered on the metadata."""

from db.base import Base
from db.models import (
    access,
    allocation,
    approvals,
    audit,
    case_people,
    documents,
    grievances,
    hardship,
    imports,
    jobs,
    legal,
    messages,
    owes,
    performance,
    plans,
    settlements,
    stages,
    stands,
    visits,
    windows,
    work,
)

metadata = Base.metadata

__all__ = [
    "Base",
    "access",
    "allocation",
    "approvals",
    "audit",
    "case_people",
    "documents",
    "grievances",
    "hardship",
    "imports",
    "jobs",
    "legal",
    "messages",
    "metadata",
    "owes",
    "performance",
    "plans",
    "settlements",
    "stages",
    "stands",
    "visits",
    "windows",
    "work",
]
