"""The lender's products, for choices and checks."""

from sqlalchemy.orm import Session

from db.queries import queue as queries


def names(session: Session) -> tuple[tuple[int, str], ...]:
    """Ids and names of all products, by name."""
    return tuple((row.id, row.name) for row in queries.products(session))


def ids(session: Session) -> frozenset[int]:
    """Ids of all products."""
    return frozenset(product_id for product_id, _ in names(session))
