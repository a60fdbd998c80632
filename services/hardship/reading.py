"""Applications for relief as they stand today: of a borrower, and lists for leaders."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries import hardship as queries
from services import lender
from services.actors import Actor, Permission
from services.errors import NotFound
from services.hardship.values import Hardship, Review
from services.plans.values import Affordability

_MEANS = ("income", "housing", "food", "utilities", "dependants", "dependant_costs", "other_debts", "other", "note")
_LEFT_OUT = ("applied_at", "decided_by", "is_granted", "request_key")
MOST_LISTED = 2_000


def load(session: Session, hardship_id: int) -> Hardship:
    """One application, in the caller's transaction.

    Raises:
        NotFound: there is no such application.
    """
    row = queries.by_id(session, hardship_id, today=lender.load(session).today)
    if row is None:
        raise NotFound("That application is not there.")
    return _all(session, [row])[0]


def load_of_borrower(session: Session, borrower_id: int, *, limit: int = 20) -> list[Hardship]:
    """The borrower's applications, newest first, for an actor already let in."""
    today = lender.load(session).today
    return _all(session, queries.of_borrower(session, borrower_id, today=today, limit=limit))


def listing(actor: Actor, statuses: Sequence[str], *, limit: int = MOST_LISTED) -> list[Hardship]:
    """Applications that stand so today: what waits longest, or is to be looked at first, comes first.

    Raises:
        NotAllowed: the actor may not see hardship of the whole book.
    """
    actor.require(Permission.VIEW_HARDSHIP)
    with reading() as session:
        today = lender.load(session).today
        return _all(session, queries.listed(session, statuses, today=today, limit=limit))


def _all(session: Session, rows: Sequence[AnyRow]) -> list[Hardship]:
    if not rows:
        return []
    reviews: dict[int, list[Review]] = defaultdict(list)
    for row in queries.reviews(session, [row.id for row in rows]):
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        reviews[values.pop("hardship_id")].append(Review(**values))
    return [_one(dict(row._mapping), tuple(reviews[row.id])) for row in rows]  # noqa: SLF001


def _one(values: dict[str, Any], reviews: tuple[Review, ...]) -> Hardship:
    means = Affordability(**{name: values.pop(name) for name in _MEANS})
    for name in _LEFT_OUT:
        del values[name]
    return Hardship(**values, means=means, reviews=reviews)
