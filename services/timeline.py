"""The timeline of a borrower: contacts, promises, payments, messages and changes in one order, newest first."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import timeline as queries
from services import cases, lender
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.holds import KINDS as HOLD_KINDS

PAGE = 40
KINDS: Final = {
    "contact": "Contacts",
    "promise": "Promises",
    "plan": "Plans",
    "settlement": "Settlements",
    "hardship": "Hardship",
    "payment": "Payments",
    "bounce": "Bounces",
    "message": "Messages",
    "allocation": "Allocations",
    "stage": "Stages",
    "status": "Holds and status",
    "follow_up": "Follow-ups",
    "complaint": "Complaints",
    "override": "Against the gate",
    "legal": "Legal",
    "visit": "Visits",
    "waiver": "Waivers",
    "receipt": "Receipts",
}
"""What can be filtered for, as screens say it."""

Cursor = tuple[datetime, str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened."""

    kind: str
    at: datetime
    id: int
    loan_id: int | None
    loan_number: str | None
    title: str
    detail: str | None
    amount: Decimal | None
    state: str | None
    who: str | None
    """Who did it; None: the borrower, the lender's systems, or Recoup itself."""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first."""

    entries: tuple[Entry, ...]
    next_before: Cursor | None
    """Pass as `before` for the next page; None when this is the last."""


def of(
    actor: Actor,
    borrower_id: int,
    *,
    kinds: Collection[str] = (),
    before: Cursor | None = None,
    limit: int = PAGE,
) -> Page:
    """A page of what happened with a borrower.

    Args:
        actor: who looks.
        borrower_id: whose.
        kinds: which kinds (keys of `KINDS`); empty: all.
        before: where the page before ended.
        limit: entries a page.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
        InvalidInput: a kind is unknown.
    """
    actor.require(Permission.VIEW_BORROWER)
    if unknown := set(kinds) - KINDS.keys():
        raise InvalidInput({"kinds": f"A timeline has no kind “{min(unknown)}”."})
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return _page(session, borrower_id, _with_overrides(kinds) or KINDS, before, limit)


def _with_overrides(kinds: Collection[str]) -> Collection[str]:
    """A contact against the gate is a contact, too."""
    return {*kinds, "override"} if "contact" in kinds else kinds


def _page(session: Session, borrower_id: int, kinds: Collection[str], before: Cursor | None, limit: int) -> Page:
    zone = lender.load(session).time_zone
    rows = queries.page(session, borrower_id, kinds, zone=zone, before=before, limit=limit + 1)
    entries = tuple(_worded(Entry(**row._mapping)) for row in rows[:limit])  # noqa: SLF001 - a public name
    last = entries[-1] if len(rows) > limit else None
    return Page(entries, (last.at, last.kind, last.id) if last else None)


def _worded(entry: Entry) -> Entry:
    """Changes of status and stage in the words of screens."""
    if entry.kind == "stage":
        before, _, after = entry.title.partition(" → ")
        return replace(
            entry, title=f"Stage {cases.ALL_STAGES.get(before, before)} → {cases.ALL_STAGES.get(after, after)}"
        )
    if entry.kind != "status":
        return entry
    kind, is_release, _ = entry.title.partition("_released")
    label = HOLD_KINDS.get(kind, kind.replace("_", " ").capitalize())
    title = f"Hold released: {label}" if is_release else f"Hold placed: {label}" if kind in HOLD_KINDS else label
    return replace(entry, title=title)
