"""Instalments from files: facts are added; a schedule may be re-stated by its lender."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import comparing
from db.queries.imports.adding import add, rowcount
from db.queries.imports.marking import mark
from db.queries.imports.plan import Plan
from db.queries.imports.typing import lies_by_loan

_PARTS = ("due_on", "principal", "interest", "charges")
_DIFFERS = (
    "(r.due_on, r.principal, r.interest, r.charges) IS DISTINCT FROM (o.due_on, o.principal, o.interest, o.charges)"
)


def _parts(plan: Plan) -> str:
    """What falls due; an amount without parts is principal."""
    if not plan.has("principal", "interest", "charges"):
        return "t.due_on, t.amount AS principal, 0::numeric AS interest, 0::numeric AS charges"
    interest = "coalesce(t.interest, CASE WHEN t.principal IS NOT NULL THEN t.amount - t.principal - coalesce(t.charges, 0) END, 0)"
    principal = f"coalesce(t.principal, t.amount - {interest} - coalesce(t.charges, 0), 0)"
    return (
        f"t.due_on, greatest({principal}, 0) AS principal, greatest({interest}, 0) AS interest, "
        "coalesce(t.charges, 0) AS charges"
    )


def instalments(plan: Plan) -> str:
    """The file's instalments. Those of a file without numbers were listed with the numbers they will have."""
    if not plan.has("number"):
        return f"SELECT * FROM {plan.entries}"
    return f"SELECT t.loan_id, t.number::smallint AS number, {_parts(plan)} FROM {plan.typed} t WHERE t.faults IS NULL"


# --- files without numbers ----------------------------------------------------------------------------------------


def number_by_due_date(session: Session, plan: Plan) -> int:
    """List the instalments of a file that does not number them; how many rows were marked.

    The same due date is the same instalment; other dates get the loan's next numbers, in order. Unclear are the rows
    of a loan that has several instalments on one of the dates, and of one that gets new dates while the file passes
    over dates that the loan has between them: whether those moved, nothing tells.
    """
    _look_at_known(session)
    marked = mark(session, plan, _UNCLEAR.format(typed=plan.typed), "due_on:unclear")
    marked += mark(session, plan, _ADDED.format(typed=plan.typed), "due_on:added", is_fault=False)
    session.execute(text(f"DROP TABLE IF EXISTS {plan.entries}"))
    session.execute(
        text(
            f"""
            CREATE UNLOGGED TABLE {plan.entries} WITH (autovacuum_enabled = false) AS
            SELECT t.loan_id, coalesce(k.number, coalesce(h.highest, 0) + row_number() OVER (
                       PARTITION BY t.loan_id, k.number IS NULL ORDER BY t.due_on, t.line))::smallint AS number,
                   {_parts(plan)}
            FROM {plan.typed} t
            LEFT JOIN import_known k ON (k.loan_id, k.due_on) = (t.loan_id, t.due_on)
            LEFT JOIN (SELECT DISTINCT loan_id, highest FROM import_known) h ON h.loan_id = t.loan_id
            WHERE t.faults IS NULL ORDER BY 1, 2
            """
        )
    )
    session.execute(text(f"ANALYZE {plan.entries} (loan_id, number)"))
    return marked


def _look_at_known(session: Session) -> None:
    """The instalments that the file's loans have. Mostly there are none, and then all that follows takes no time."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_known"))
    session.execute(
        text(
            """
            CREATE TEMPORARY TABLE import_known ON COMMIT DROP AS
            SELECT loan_id, number, due_on, count(*) OVER (PARTITION BY loan_id, due_on) AS that_day,
                   max(number) OVER (PARTITION BY loan_id) AS highest
            FROM instalment WHERE loan_id IN (SELECT loan_id FROM import_loan)
            """
        )
    )
    session.execute(text("ANALYZE import_known"))


_UNCLEAR = """
    WITH due AS MATERIALIZED (
        SELECT t.line, t.loan_id, t.due_on, t.faults, k.number, k.that_day
        FROM {typed} t LEFT JOIN import_known k ON (k.loan_id, k.due_on) = (t.loan_id, t.due_on)
        WHERE t.loan_id IN (SELECT loan_id FROM import_known)
    ), span AS (
        SELECT loan_id, min(due_on) AS first_on, max(due_on) AS last_on
        FROM due WHERE faults IS NULL GROUP BY loan_id HAVING bool_or(number IS NULL)
    ), unclear AS (
        SELECT loan_id FROM due WHERE that_day > 1
        UNION
        SELECT s.loan_id FROM span s JOIN import_known k ON k.loan_id = s.loan_id
        WHERE k.due_on BETWEEN s.first_on AND s.last_on
          AND NOT EXISTS (SELECT FROM due d WHERE (d.loan_id, d.due_on) = (k.loan_id, k.due_on))
    )
    SELECT DISTINCT line FROM due JOIN unclear USING (loan_id) WHERE faults IS NULL
"""
_ADDED = """
    SELECT t.line FROM {typed} t
    WHERE t.faults IS NULL AND t.loan_id IN (SELECT loan_id FROM import_known)
      AND NOT EXISTS (SELECT FROM import_known k WHERE (k.loan_id, k.due_on) = (t.loan_id, t.due_on))
"""


# --- what would change --------------------------------------------------------------------------------------------


def compare(session: Session, plan: Plan) -> AnyRow:
    """Instalments new, changed and unchanged."""
    known = f"({instalments(plan)}) r LEFT JOIN instalment o USING (loan_id, number)"
    return comparing.compare(session, known, key="loan_id", differs=_DIFFERS)


def samples(session: Session, plan: Plan) -> list[AnyRow]:
    """First instalments that would change, or come beside others of their loan: whose, from what, to what."""
    before = ", ".join(f"'{c}', o.{c}" for c in _PARTS)
    after = ", ".join(f"'{c}', r.{c}" for c in _PARTS)
    statement = f"""
        (SELECT l.external_id || ', instalment ' || r.number AS subject, jsonb_build_object({before}) AS before,
                jsonb_build_object({after}) AS after
         FROM ({instalments(plan)}) r JOIN instalment o USING (loan_id, number) JOIN loan l ON l.id = r.loan_id
         WHERE {_DIFFERS} LIMIT 20)
        UNION ALL
        (SELECT l.external_id || ', instalment ' || r.number || ', added', '{{}}',
                jsonb_build_object('due_on', r.due_on, 'amount', r.principal + r.interest + r.charges)
         FROM ({instalments(plan)}) r LEFT JOIN instalment o USING (loan_id, number) JOIN loan l ON l.id = r.loan_id
         WHERE o.loan_id IS NULL AND EXISTS (SELECT FROM instalment i WHERE i.loan_id = r.loan_id) LIMIT 20)
    """
    return list(session.execute(text(statement)))


# --- commit -------------------------------------------------------------------------------------------------------


def commit(session: Session, plan: Plan, *, may_change: bool, is_new: bool) -> dict[str, int]:
    """Add new instalments; replace changed ones and keep what they were. `is_new`: the check found none of them there."""
    bound = {"batch": plan.batch_id}
    changed = 0
    if may_change:
        changed = rowcount(
            session,
            f"""
            INSERT INTO import_change (batch_id, entity, entity_id, before)
            SELECT :batch, 'instalment', o.loan_id, to_jsonb(o)
            FROM ({instalments(plan)}) r JOIN instalment o USING (loan_id, number) WHERE {_DIFFERS}
            """,
            bound,
        )
    if changed:
        session.execute(
            text(
                f"""
                UPDATE instalment o SET due_on = r.due_on, principal = r.principal, interest = r.interest,
                       charges = r.charges, batch_id = :batch
                FROM ({instalments(plan)}) r WHERE (o.loan_id, o.number) = (r.loan_id, r.number) AND {_DIFFERS}
                """
            ),
            bound,
        )
    order = "" if not plan.has("number") or lies_by_loan(session, plan) else "ORDER BY loan_id, number"
    new = add(
        session,
        f"""
        INSERT INTO instalment (loan_id, number, due_on, principal, interest, charges, batch_id)
        SELECT loan_id, number, due_on, principal, interest, charges, :batch FROM ({instalments(plan)}) r {order}
        """,
        "loan_id, number",
        bound,
        is_new=is_new,
    )
    return {"instalments_new": new, "instalments_changed": changed}
