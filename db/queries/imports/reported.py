"""The lender's own figures: rows of `reported_snapshot` from a long or wide file, also from a loan book that states them."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import comparing
from db.queries.imports.faults import STATUS
from db.queries.imports.plan import Plan

_MEASURES = {"dpd": "integer", "months_past_due": "integer", "outstanding": "numeric", "overdue_amount": "numeric"}
_DIFFERS = (
    "(r.dpd, r.months_past_due, r.outstanding, r.overdue_amount, r.status) IS DISTINCT FROM "
    "(o.dpd, o.months_past_due, o.outstanding, o.overdue_amount, o.status)"
)


def _said(plan: Plan) -> str:
    """What the file says, a row a loan and date. A status may carry the days past due it stands for, as 'active:16'."""
    rows = []
    if plan.has("dpd", "months_past_due", "reported_status"):
        rows.append("(t.as_of, t.dpd, t.months_past_due, t.outstanding, t.overdue_amount)")
    for as_of, columns in sorted(plan.dated.items()):
        cells = [f"t.{columns[m]}" if m in columns else f"NULL::{sql_type}" for m, sql_type in _MEASURES.items()]
        rows.append(f"(DATE '{as_of:%Y-%m-%d}', {', '.join(cells)})")
    loan = "t.loan_id"
    join = ""
    if plan.kind == "loan_book":  # loans of this very file have their ids by now
        loan, join = "l.id", "JOIN loan l ON l.external_id = t.loan_number"
    days = "nullif(split_part(t.reported_status, ':', 2), '')"
    return f"""
        SELECT {loan} AS loan_id, v.as_of,
               coalesce(v.dpd, 30 * v.months_past_due, CASE WHEN {days} ~ '^[0-9]{{1,5}}$' THEN {days}::int END, 0) AS dpd,
               v.months_past_due::smallint AS months_past_due, v.outstanding, v.overdue_amount,
               coalesce({STATUS.format("t.reported_status")}, 'active') AS status
        FROM {plan.typed} t {join},
             LATERAL (VALUES {", ".join(rows)}) v (as_of, dpd, months_past_due, outstanding, overdue_amount)
        WHERE t.faults IS NULL AND v.as_of IS NOT NULL
          AND (coalesce(v.dpd, v.months_past_due) IS NOT NULL OR t.reported_status IS NOT NULL)
    """


def compare(session: Session, plan: Plan) -> AnyRow:
    """How many rows of figures are new, changed and unchanged, before they are written. Snapshot files only."""
    known = f"({_said(plan)}) r LEFT JOIN reported_snapshot o USING (loan_id, as_of)"
    return comparing.compare(session, known, key="loan_id", differs=_DIFFERS)


def lines_that_change(plan: Plan) -> str:
    """Lines of a loan book whose loan is known and whose figures are new or other ones."""
    return f"""
        SELECT t.line FROM ({_said(plan)}) r JOIN {plan.typed} t ON t.loan_id = r.loan_id
        LEFT JOIN reported_snapshot o ON (o.loan_id, o.as_of) = (r.loan_id, r.as_of)
        WHERE o.loan_id IS NULL OR {_DIFFERS}
    """


def samples(session: Session, plan: Plan) -> list[AnyRow]:
    """First rows that would change: whose, from what, to what."""
    return list(
        session.execute(
            text(
                f"""
                SELECT l.external_id || ' on ' || r.as_of AS subject,
                       jsonb_build_object('dpd', o.dpd, 'outstanding', o.outstanding, 'overdue_amount', o.overdue_amount,
                                          'status', o.status) AS before,
                       jsonb_build_object('dpd', r.dpd, 'outstanding', r.outstanding, 'overdue_amount', r.overdue_amount,
                                          'status', r.status) AS after
                FROM ({_said(plan)}) r JOIN reported_snapshot o USING (loan_id, as_of) JOIN loan l ON l.id = r.loan_id
                WHERE {_DIFFERS} LIMIT 20
                """
            )
        )
    )


def write(session: Session, plan: Plan) -> tuple[int, int]:
    """Add new figures, replace changed ones and keep what they were; numbers of both."""
    bound = {"batch": plan.batch_id}
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_said"))
    session.execute(text(f"CREATE TEMPORARY TABLE import_said ON COMMIT DROP AS {_said(plan)}"))
    session.execute(text("ANALYZE import_said"))
    changed = session.execute(
        text(
            f"""
            WITH changing AS (
                SELECT o.loan_id, to_jsonb(o) AS before
                FROM import_said r JOIN reported_snapshot o USING (loan_id, as_of) WHERE {_DIFFERS}
            ), kept AS (
                INSERT INTO import_change (batch_id, entity, entity_id, before)
                SELECT :batch, 'reported_snapshot', loan_id, before FROM changing
            )
            UPDATE reported_snapshot o
            SET dpd = r.dpd, months_past_due = r.months_past_due, outstanding = r.outstanding,
                overdue_amount = r.overdue_amount, status = r.status, batch_id = :batch
            FROM import_said r WHERE (o.loan_id, o.as_of) = (r.loan_id, r.as_of) AND {_DIFFERS}
            """
        ),
        bound,
    ).rowcount  # type: ignore[attr-defined]
    new = session.execute(
        text(
            """
            INSERT INTO reported_snapshot
                (loan_id, as_of, dpd, months_past_due, outstanding, overdue_amount, status, batch_id)
            SELECT loan_id, as_of, dpd, months_past_due, outstanding, overdue_amount, status, :batch
            FROM import_said ON CONFLICT (loan_id, as_of) DO NOTHING
            """
        ),
        bound,
    ).rowcount  # type: ignore[attr-defined]
    _keep_to_reports(session, bound)
    return int(new), int(changed)


def _keep_to_reports(session: Session, bound: dict[str, int]) -> None:
    """Let loans that came without standing and have no schedule stand where the lender reports them from now on."""
    session.execute(
        text(
            """
            WITH turned AS (
                UPDATE loan l SET source = 'snapshot' FROM (SELECT DISTINCT loan_id FROM import_said) r
                WHERE l.id = r.loan_id AND l.source = 'schedule'
                  AND NOT EXISTS (SELECT FROM instalment i WHERE i.loan_id = l.id)
                RETURNING l.id
            )
            INSERT INTO import_change (batch_id, entity, entity_id, before)
            SELECT :batch, 'loan_source', id, '{"source": "schedule"}' FROM turned
            """
        ),
        bound,
    )
