"""Adding rows that may be there already."""

from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session


def rowcount(session: Session, statement: str, bound: dict[str, Any]) -> int:
    """Run a statement; how many rows it wrote."""
    return int(session.execute(text(statement), bound).rowcount)  # type: ignore[attr-defined]


def add(session: Session, insert: str, key: str, bound: dict[str, Any], *, is_new: bool) -> int:
    """Insert rows whose `key` is not there yet; how many they were.

    Args:
        session: the transaction.
        insert: INSERT ... SELECT without a conflict clause.
        key: columns that tell rows apart.
        bound: parameters.
        is_new: whether none was there at the check. Then a plain INSERT is tried, since looking for conflicts takes
            as long again as inserting; a key that came twice or in the meantime undoes it to the savepoint.
    """
    if is_new:
        try:
            with session.begin_nested():
                return rowcount(session, insert, bound)
        except IntegrityError as error:
            if not isinstance(error.orig, UniqueViolation):
                raise
    return rowcount(session, f"{insert} ON CONFLICT ({key}) DO NOTHING", bound)
