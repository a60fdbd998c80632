"""Settlements as they stand, with their parts: of a borrower, and lists for leaders and the board's report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import settlements as queries
from services import cases
from services.actors import Actor, Permission
from services.errors import NotFound
from services.settlements.values import STATUSES, Components, Part, Settlement, Worth

Listed = queries.Listed
MOST_LISTED = 5_000


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 20) -> list[Settlement]:
    """The borrower's settlements, newest first.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return load_of_borrower(session, borrower_id, limit=limit)


def load_of_borrower(session: Session, borrower_id: int, *, limit: int = 20) -> list[Settlement]:
    """The same in the caller's transaction, for an actor already let in."""
    return _settlements(session, queries.of_borrower(session, borrower_id, limit=limit))


def load(session: Session, settlement_id: int) -> Settlement:
    """One settlement, in the caller's transaction.

    Raises:
        NotFound: there is no such settlement.
    """
    row = queries.by_id(session, settlement_id)
    if row is None:
        raise NotFound("That settlement is not there.")
    return _settlements(session, [row])[0]


def _settlements(session: Session, rows: Sequence[AnyRow]) -> list[Settlement]:
    if not rows:
        return []
    parts: dict[int, list[Part]] = defaultdict(list)
    for row in queries.parts(session, [row.id for row in rows]):
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        parts[values.pop("settlement_id")].append(Part(**values))
    return [_settlement(row._mapping, tuple(parts[row.id])) for row in rows]  # noqa: SLF001


_WORTH = ("discount_percent", "present_value", "expected_percent", "expected_months", "expected_value")


def _settlement(row: Mapping[Any, Any], parts: tuple[Part, ...]) -> Settlement:
    values = dict(row)
    owed, waived = (
        Components(*(values.pop(f"{what}_{name}") for name in ("principal", "interest", "charges")))
        for what in ("owed", "waived")
    )
    worth = Worth(**{name: values.pop(name) for name in _WORTH})
    return Settlement(**values, owed=owed, waived=waived, worth=worth, parts=parts)


@dataclass(frozen=True, slots=True)
class Row:
    """A settlement in a list."""

    settlement: Settlement
    product: str
    next_on: date | None
    """Last day to accept, or date of the next part; None: nothing is awaited."""

    @property
    def status(self) -> str:
        """As screens say it."""
        return STATUSES[self.settlement.status]


@dataclass(frozen=True, slots=True)
class Sums:
    """Settlements of one status together."""

    status: str
    number: int
    owed: Decimal
    sacrifice: Decimal
    """What is waived."""
    amount: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with its sums by status, which count all that match."""

    rows: tuple[Row, ...]
    sums: tuple[Sums, ...]

    @property
    def number(self) -> int:
        """How many match."""
        return sum(each.number for each in self.sums)


def listing(actor: Actor, which: Listed, *, limit: int = MOST_LISTED) -> Listing:
    """Settlements that match: what runs out or falls due next first.

    Raises:
        NotAllowed: the actor may not see settlements of the whole book.
    """
    actor.require(Permission.VIEW_SETTLEMENTS)
    with reading() as session:
        rows = []
        for row in queries.listed(session, which, limit=limit):
            values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
            product, next_on, _ = values.pop("product"), values.pop("next_on"), values.pop("sacrifice")
            rows.append(Row(_settlement(values, ()), product, next_on))
        sums = tuple(Sums(**each._mapping) for each in queries.sums(session, which))  # noqa: SLF001
    return Listing(tuple(rows), sums)
