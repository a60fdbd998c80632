"""The typed rows of a batch: looked at where the file's rows lie, or written down."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries.imports.plan import Plan
from db.queries.imports.rows import statement
from db.queries.imports.staging import drop_relation, is_view, raw_connection, tables

_LOAN_KEYS = "line, faults, loan_id"
_KEYS = {
    "loan_book": "line, faults, loan_id, loan_number, borrower_id, borrower_key",
    "contacts": "line, faults, borrower_id",
}
"""What later statements join and filter by: the planner need know no other column."""
_ORDERS = {"loan_book": "line", "schedule": "loan_id, number, line", "snapshot": "loan_id, line"}
"""The order in which typed rows lie, and so are written: workers mix them up, and an index takes them twice as fast in its own.

A file in that order already costs next to nothing to sort.
"""


def prepare(session: Session) -> None:
    """Settings for large statements, for this transaction only. Compiling them would take longer than it saves.

    The planner takes casts and patterns for cheap and handing rows over for dear; told otherwise, it types in parallel.
    """
    for setting in (
        "jit = off",
        "work_mem = '128MB'",
        "maintenance_work_mem = '256MB'",
        "max_parallel_workers_per_gather = 2",
        "parallel_tuple_cost = 0",
        "parallel_setup_cost = 100",
    ):
        session.execute(text(f"SET LOCAL {setting}"))


def make_typed(session: Session, plan: Plan) -> None:
    """Make the typed rows anew from the file's cells.

    Rows that had to be read cell by cell are written down, since reading them is what takes long. Plain rows are not:
    a view looks at them where they lie, which spares writing a file's rows a second time (see `keep`, `trust`).
    """
    drop_relation(session, plan.typed)
    is_raw, is_plain = tables(session, plan)
    rows = statement(session, plan, is_raw=is_raw or not is_plain, is_plain=is_plain)
    if is_raw or not is_plain or _encrypts(plan):
        _write(session, plan, rows)
    else:
        session.execute(text(f"ANALYZE {plan.plain}"))
        _run(session, f"CREATE VIEW {plan.typed} AS {rows}")


def _encrypts(plan: Plan) -> bool:
    """Whether values of the typed rows are to be taken away from them once they are encrypted."""
    return plan.has("phone", "whatsapp", "email", "address")


def keep(session: Session, plan: Plan) -> None:
    """Write the typed rows down, unless they are: from now on they may be marked."""
    if not is_view(session, plan.typed):
        return
    session.execute(text(f"ALTER VIEW {plan.typed} RENAME TO {plan.typed.partition('.')[2]}_view"))
    _write(session, plan, f"SELECT * FROM {plan.typed}_view")
    session.execute(text(f"DROP VIEW {plan.typed}_view"))


def trust(session: Session, plan: Plan) -> None:
    """Judge rows no more that are all without fault: what reads them need not look up what only faults ask for."""
    if is_view(session, plan.typed):
        rows = statement(session, plan, is_raw=False, is_plain=True, is_judged=False)
        _run(session, f"CREATE OR REPLACE VIEW {plan.typed} AS {rows}")


def lies_by_loan(session: Session, plan: Plan) -> bool:
    """Whether the file's rows come loan by loan in the order of our loans, told from a thousand of its pages.

    Rows so are added to an index at its end; others are better sorted before, which takes as long as adding them.
    """
    if not is_view(session, plan.typed):
        return True  # they were written down in that order
    position = next(target.position for target in plan.targets if target.name == "loan_number")
    if position is None:
        return False
    first_rows = f"""
        SELECT line, c{position} AS loan_number
        FROM {plan.plain} TABLESAMPLE SYSTEM (least(100, 100000 * 8192.0 / greatest(pg_relation_size('{plan.plain}'), 1)))
        WHERE (ctid::text::point)[1] = 1
    """
    is_in_order = f"""
        SELECT count(*) FILTER (WHERE loan_id < before) <= count(*) / 100 FROM (
            SELECT l.id AS loan_id, lag(l.id) OVER (ORDER BY s.line) AS before
            FROM ({first_rows}) s JOIN loan l ON l.external_id = s.loan_number
        ) sampled
    """
    return bool(session.execute(text(is_in_order)).scalar_one())


def _write(session: Session, plan: Plan, rows: str) -> None:
    order = f" ORDER BY {_ORDERS[plan.kind]}" if plan.kind in _ORDERS else ""
    _run(session, f"CREATE UNLOGGED TABLE {plan.typed} WITH (autovacuum_enabled = false) AS {rows}{order}")
    session.execute(text(f"ANALYZE {plan.typed} ({_KEYS.get(plan.kind, _LOAN_KEYS)})"))


def _run(session: Session, order: str) -> None:
    raw_connection(session).execute(order.encode(), prepare=False)
