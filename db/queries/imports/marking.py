"""Marks on typed rows that only a look at other rows, or at the book, can give: faults and notes."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries.imports.adding import rowcount
from db.queries.imports.plan import Plan
from db.queries.imports.typing import keep

_AS = {
    "fault": "SET faults = :code FROM import_marked m WHERE t.line = m.line AND t.faults IS NULL",
    "note": "SET notes = concat_ws(';', t.notes, CAST(:code AS text)) FROM import_marked m WHERE t.line = m.line AND t.faults IS NULL",
}


def mark(session: Session, plan: Plan, lines: str, code: str, *, is_fault: bool = True) -> int:
    """Give rows that have no fault a fault or a note; how many. Rows are written down only for it.

    Args:
        session: the transaction.
        plan: the batch.
        lines: SELECT of their lines in the file, each once.
        code: what is wrong with them, as 'field:code'.
        is_fault: whether they cannot be taken for it.
    """
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_marked"))
    found = rowcount(session, f"CREATE TEMPORARY TABLE import_marked ON COMMIT DROP AS {lines}", {})
    if not found:
        return 0
    keep(session, plan)
    return rowcount(session, f"UPDATE {plan.typed} t {_AS['fault' if is_fault else 'note']}", {"code": code})
