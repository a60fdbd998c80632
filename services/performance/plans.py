"""Targets and costs that a leader maintains: each change is a new row, the newest holds, and is in the audit trail."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from db.engine import reading, transaction
from db.queries.allocation import WORKERS
from db.queries.lender import bump_data_version
from db.queries.performance import plans as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput

ITEMS = {
    "agent_month": "An agent for a month",
    "call": "A call",
    "visit": "A visit",
    "letter": "A letter",
    "message": "A message",
}
"""What may have a cost."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be collected in a month, by a user or of a product."""

    owner_id: int | None
    product_id: int | None
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Plans:
    """Targets and costs that hold in a month, and for whom targets may be set."""

    month: date
    targets: tuple[Target, ...]
    costs: dict[str, Decimal]
    people: dict[int, str]
    products: dict[int, str]


def plans(actor: Actor, month: date) -> Plans:
    """Targets and costs that hold in the month of a day.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    first = month.replace(day=1)
    with reading() as session:
        rows = queries.targets(session, first)
        people, products = queries.subjects(session, WORKERS)
        costs = queries.costs(session, first)
    return Plans(
        month=first,
        targets=tuple(Target(row.owner_id, row.product_id, row.name or row.product, row.amount) for row in rows),
        costs=costs,
        people={row.id: row.name for row in people},
        products={row.id: row.name for row in products},
    )


def set_target(
    actor: Actor,
    month: date,
    *,
    owner_id: int | None = None,
    product_id: int | None = None,
    amount: Decimal | None,
    request_key: str | None = None,
) -> None:
    """Set what one user, or one product, is to collect in a month; no amount takes the target away.

    The same `request_key` again changes nothing.

    Raises:
        NotAllowed: the actor may not set targets.
        InvalidInput: not exactly one of user and product, one that is not there, or an amount that is not positive.
    """
    actor.require(Permission.SET_TARGETS)
    if amount is not None and amount <= 0:
        raise InvalidInput({"amount": "Give an amount above zero, or leave it empty to take the target away."})
    first = month.replace(day=1)
    with transaction() as session:
        people, products = queries.subjects(session, WORKERS)
        names = {("agent", row.id): row.name for row in people} | {("product", row.id): row.name for row in products}
        subject = ("agent", owner_id) if owner_id is not None else ("product", product_id)
        if (owner_id is None) == (product_id is None) or subject not in names:
            raise InvalidInput({"subject": "Choose one agent or one product."})
        values = {"month": first, "owner_id": owner_id, "product_id": product_id, "amount": amount}
        if not queries.insert_target(session, **values, set_by=actor.id, request_key=request_key):
            return
        what = f"to {amount:,.2f}" if amount is not None else "away"
        verb = "set" if amount is not None else "took"
        audit.record(
            session,
            actor,
            "target.set",
            subject=(subject[0], subject[1] or 0),
            summary=f"{verb} the {first:%b %Y} target of {names[subject]} {what}",
            after={"month": first.isoformat(), "amount": str(amount) if amount is not None else None},
        )
        bump_data_version(session)


def set_cost(actor: Actor, item: str, *, from_month: date, amount: Decimal, request_key: str | None = None) -> None:
    """Set what an item costs from a month on. The same `request_key` again changes nothing.

    Raises:
        NotAllowed: the actor may not set costs.
        InvalidInput: no such item, or a negative amount.
    """
    actor.require(Permission.SET_TARGETS)
    if item not in ITEMS:
        raise InvalidInput({"item": "Choose what it is that costs."})
    if amount < 0:
        raise InvalidInput({"amount": "A cost is zero or more."})
    first = from_month.replace(day=1)
    with transaction() as session:
        values = {"item": item, "from_month": first, "amount": amount, "set_by": actor.id}
        if not queries.insert_cost(session, **values, request_key=request_key):
            return
        audit.record(
            session,
            actor,
            "cost.set",
            subject=("collection_cost", item),
            summary=f"set the cost of {ITEMS[item].lower()} to {amount:,.2f} from {first:%b %Y}",
            after={"from_month": first.isoformat(), "amount": str(amount)},
        )
        bump_data_version(session)
