"""Allocation: who is given which cases, by hand, by rule, and taken back; and who may be given any."""

from services.allocation.assigning import (
    Spread,
    Unallocated,
    Worker,
    allocate,
    allocate_matching,
    divide,
    spread,
    unallocated,
    workers,
)
from services.allocation.recalling import RecallKind, recall

__all__ = [
    "RecallKind",
    "Spread",
    "Unallocated",
    "Worker",
    "allocate",
    "allocate_matching",
    "divide",
    "recall",
    "spread",
    "unallocated",
    "workers",
]
