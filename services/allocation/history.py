"""The history of allocation: who was given which case, when, by whom or which rule, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.engine import reading
from db.queries import allocation_rules as queries
from services.actors import Actor, Permission

KINDS: Final = {
    "by_hand": "By hand",
    "by_rule": "By rule",
    "complaint": "Recalled: complaint",
    "agency_breach": "Recalled: agency breach",
    "papers": "Recalled: papers expired",
    "other": "Recalled",
}
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Change:
    """A case that changed hands."""

    id: int
    at: datetime
    case_id: int
    borrower_id: int
    number: str
    """The lender's number of the borrower."""
    borrower: str
    owner: str | None
    """Who has it from then; None: nobody."""
    allocated_by: str | None
    kind: str
    reason: str

    @property
    def how(self) -> str:
        """The kind in words."""
        return KINDS.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of the history, the latest first."""

    rows: tuple[Change, ...]
    next_after: int | None


def history(actor: Actor, *, after: int | None = None, kind: str | None = None) -> HistoryPage:
    """A page of the changes of hands of all cases.

    Args:
        actor: who looks.
        after: the last row of the page before.
        kind: only of this kind.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        rows = queries.history(session, before=after, kind=kind, limit=PAGE + 1)
    shown = tuple(Change(**row._mapping) for row in rows[:PAGE])  # noqa: SLF001 - SQLAlchemy's public name
    return HistoryPage(shown, shown[-1].id if len(rows) > PAGE else None)
