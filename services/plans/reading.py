"""Plans as they stand, with their instalments and the means they were agreed on."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import plans as queries
from services import cases
from services.actors import Actor, Permission
from services.errors import NotFound
from services.plans.values import Affordability, Instalment, Plan


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 20) -> list[Plan]:
    """The borrower's plans, newest first.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return load_of_borrower(session, borrower_id, limit=limit)


def load_of_borrower(session: Session, borrower_id: int, *, limit: int = 20) -> list[Plan]:
    """The same in the caller's transaction, for an actor already let in."""
    return _plans(session, queries.of_borrower(session, borrower_id, limit=limit))


def load(session: Session, plan_id: int) -> Plan:
    """One plan, in the caller's transaction.

    Raises:
        NotFound: there is no such plan.
    """
    row = queries.by_id(session, plan_id)
    if row is None:
        raise NotFound("That plan is not there.")
    return _plans(session, [row])[0]


def _plans(session: Session, rows: Sequence[AnyRow]) -> list[Plan]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    instalments: dict[int, list[Instalment]] = defaultdict(list)
    for row in queries.instalments(session, ids):
        instalments[row.plan_id].append(Instalment(**_without_plan(row)))
    means = {row.plan_id: Affordability(**_without_plan(row)) for row in queries.affordability(session, ids)}
    return [
        Plan(
            **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name
            instalments=tuple(instalments[row.id]),
            affordability=means.get(row.id),
        )
        for row in rows
    ]


def _without_plan(row: AnyRow) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    del values["plan_id"]
    return values
