"""What committing would do, counted: rows new, changed and unchanged."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow


def compare(session: Session, known: str, *, key: str, differs: str) -> AnyRow:
    """Rows `new`, `changed` and `unchanged` of a file beside what is there.

    Args:
        session: the transaction.
        known: what stands after FROM: the file's rows, LEFT JOINed to `o`, what is there of each.
        key: a column of `o` that is never NULL where there is one.
        differs: condition that a row says something else than `o`.
    """
    return session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE o.{key} IS NULL) AS new,
                   count(*) FILTER (WHERE o.{key} IS NOT NULL AND {differs}) AS changed,
                   count(*) FILTER (WHERE o.{key} IS NOT NULL AND NOT ({differs})) AS unchanged
            FROM {known}
            """
        )
    ).one()
