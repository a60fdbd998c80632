"""The history of allocation: who was given which case, when, by whom or which rule, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.engine import reading
from db.queries import allocation_rules as queries
from services.actors import Actor, Permission
from services.exports import Field

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


EXPORTED_AT_MOST: Final = 100_000
EXPORT_FIELDS: Final = (
    Field("at", "When"),
    Field("number", "Customer no."),
    Field("owner", "Given to"),
    Field("how", "How"),
    Field("reason", "Reason"),
    Field("allocated_by", "By"),
)


def export_history(actor: Actor, *, kind: str | None = None) -> tuple[Change, ...]:
    """The latest changes of hands for a file, at most `EXPORTED_AT_MOST`.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    return history(actor, kind=kind, limit=EXPORTED_AT_MOST).rows


def history(actor: Actor, *, after: int | None = None, kind: str | None = None, limit: int = PAGE) -> HistoryPage:
    """A page of the changes of hands of all cases.

    Args:
        actor: who looks.
        after: the last row of the page before.
        kind: only of this kind.
        limit: changes of a page.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        rows = queries.history(session, before=after, kind=kind, limit=limit + 1)
    shown = tuple(Change(**row._mapping) for row in rows[:limit])  # noqa: SLF001 - SQLAlchemy's public name
    return HistoryPage(shown, shown[-1].id if len(rows) > limit else None)
