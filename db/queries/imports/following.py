"""Whose word tells where loans stand, the lender's own figures or their schedule, when a file brings the other one.

A loan follows one of both, as its first file had it: `loan.source`. Facts of the other kind are kept, and told.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports.adding import rowcount
from db.queries.imports.checking import is_by_loan
from db.queries.imports.plan import Plan

_REPORTED = "l.source = 'snapshot'"
_SCHEDULED = "l.source = 'schedule' AND EXISTS (SELECT FROM instalment i WHERE i.loan_id = l.id)"


def _others(plan: Plan) -> str | None:
    """Which loans do not follow what the file brings; None: the file brings nothing that could be followed."""
    if is_by_loan(plan):
        return _REPORTED
    return _SCHEDULED if plan.kind == "snapshot" or (plan.kind == "loan_book" and plan.is_reported) else None


def left_alone(session: Session, plan: Plan) -> AnyRow | None:
    """Loans that do not follow the file: how many, with how many rows of it; None: there are none.

    Before: rows are judged, and of schedules and payments counted loan by loan.
    """
    condition = _others(plan)
    if condition is None:
        return None
    rows = f"SELECT loan_id, count(*) AS accepted FROM {plan.typed} WHERE faults IS NULL AND loan_id IS NOT NULL GROUP BY 1"
    by_loan = "import_loan" if is_by_loan(plan) else f"({rows})"
    row = session.execute(
        text(
            f"""
            SELECT count(*) AS loans, coalesce(sum(n.accepted), 0)::bigint AS rows
            FROM {by_loan} n JOIN loan l ON l.id = n.loan_id WHERE n.accepted > 0 AND {condition}
            """
        )
    ).one()
    return row if row.loans else None


def first_lines(session: Session, plan: Plan) -> list[int]:
    """The first rows of such loans."""
    statement = f"""
        SELECT t.line FROM {plan.typed} t JOIN loan l ON l.id = t.loan_id
        WHERE t.faults IS NULL AND {_others(plan)} ORDER BY t.line LIMIT 5
    """
    return list(session.execute(text(statement)).scalars())


def follow_schedule(session: Session, plan: Plan) -> int:
    """Let the loans of a schedule that kept the lender's own figures follow it from now on; how many."""
    return rowcount(
        session,
        f"""
        WITH turned AS (
            UPDATE loan l SET source = 'schedule'
            FROM (SELECT DISTINCT loan_id FROM {plan.typed} WHERE faults IS NULL) r
            WHERE l.id = r.loan_id AND {_REPORTED} RETURNING l.id
        )
        INSERT INTO import_change (batch_id, entity, entity_id, before)
        SELECT :batch, 'loan_source', id, '{{"source": "snapshot"}}' FROM turned
        """,
        {"batch": plan.batch_id},
    )
