"""Instalments, payments and presentations from files: facts are added; a schedule may be re-stated by its lender."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports.adding import add, rowcount
from db.queries.imports.plan import Plan
from db.queries.imports.typing import keep, lies_by_loan

_PARTS = ("due_on", "principal", "interest", "charges")
_INSTALMENT_DIFFERS = (
    "(r.due_on, r.principal, r.interest, r.charges) IS DISTINCT FROM (o.due_on, o.principal, o.interest, o.charges)"
)
_PAYMENT_DIFFERS = "(r.kind, r.paid_on, r.amount) IS DISTINCT FROM (o.kind, o.paid_on, o.amount)"
_BOUNCE_DIFFERS = "(r.paid_on, r.amount) IS DISTINCT FROM (o.presented_on, o.amount)"


# --- schedule -----------------------------------------------------------------------------------------------------


def instalments(plan: Plan) -> str:
    """The file's instalments. Without numbers they count by due date; an amount without parts is principal."""
    number = "t.number::smallint"
    if not plan.has("number"):
        number = "row_number() OVER (PARTITION BY t.loan_id ORDER BY t.due_on, t.line)::smallint"
    interest = "coalesce(t.interest, CASE WHEN t.principal IS NOT NULL THEN t.amount - t.principal - coalesce(t.charges, 0) END, 0)"
    if not plan.has("principal", "interest", "charges"):
        return f"SELECT loan_id, {number} AS number, due_on, amount AS principal, 0::numeric AS interest, 0::numeric AS charges FROM {plan.typed} t WHERE faults IS NULL"
    principal = f"coalesce(t.principal, t.amount - {interest} - coalesce(t.charges, 0), 0)"
    return f"""
        SELECT t.loan_id, {number} AS number, t.due_on, greatest({principal}, 0) AS principal,
               greatest({interest}, 0) AS interest, coalesce(t.charges, 0) AS charges
        FROM {plan.typed} t WHERE t.faults IS NULL
    """


def compare_schedule(session: Session, plan: Plan) -> AnyRow:
    """Instalments new, changed and unchanged."""
    return session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE o.loan_id IS NULL) AS new,
                   count(*) FILTER (WHERE o.loan_id IS NOT NULL AND {_INSTALMENT_DIFFERS}) AS changed,
                   count(*) FILTER (WHERE o.loan_id IS NOT NULL AND NOT {_INSTALMENT_DIFFERS}) AS unchanged
            FROM ({instalments(plan)}) r LEFT JOIN instalment o USING (loan_id, number)
            """
        )
    ).one()


def schedule_samples(session: Session, plan: Plan) -> list[AnyRow]:
    """First instalments that would change: whose, from what, to what."""
    before = ", ".join(f"'{c}', o.{c}" for c in _PARTS)
    after = ", ".join(f"'{c}', r.{c}" for c in _PARTS)
    statement = f"""
        SELECT l.external_id || ', instalment ' || r.number AS subject, jsonb_build_object({before}) AS before,
               jsonb_build_object({after}) AS after
        FROM ({instalments(plan)}) r JOIN instalment o USING (loan_id, number) JOIN loan l ON l.id = r.loan_id
        WHERE {_INSTALMENT_DIFFERS} LIMIT 20
    """
    return list(session.execute(text(statement)))


def commit_schedule(session: Session, plan: Plan, *, may_change: bool, is_new: bool) -> dict[str, int]:
    """Add new instalments; replace changed ones and keep what they were. `is_new`: the check found none of them there."""
    bound = {"batch": plan.batch_id}
    changed = 0
    if may_change:
        changed = rowcount(
            session,
            f"""
            INSERT INTO import_change (batch_id, entity, entity_id, before)
            SELECT :batch, 'instalment', o.loan_id, to_jsonb(o)
            FROM ({instalments(plan)}) r JOIN instalment o USING (loan_id, number) WHERE {_INSTALMENT_DIFFERS}
            """,
            bound,
        )
    if changed:
        session.execute(
            text(
                f"""
                UPDATE instalment o SET due_on = r.due_on, principal = r.principal, interest = r.interest,
                       charges = r.charges, batch_id = :batch
                FROM ({instalments(plan)}) r WHERE (o.loan_id, o.number) = (r.loan_id, r.number) AND {_INSTALMENT_DIFFERS}
                """
            ),
            bound,
        )
    order = "" if lies_by_loan(session, plan) else "ORDER BY loan_id, number"
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


# --- payments -----------------------------------------------------------------------------------------------------


def _entries(plan: Plan, *, all_named: bool) -> str:
    """The file's payments, reversals and bounces. Without a receipt number one is made of date, amount and order.

    Args:
        plan: the batch.
        all_named: whether every row has its receipt number, which spares the sorting that makes them.
    """
    entry = "CASE WHEN t.amount < 0 AND t.reverses_reference IS NOT NULL THEN 'reversal' ELSE coalesce(t.entry, 'payment') END"
    made = (
        "'~' || t.paid_on || '/' || abs(t.amount) || '/' || "
        f"row_number() OVER (PARTITION BY t.loan_id, t.paid_on, abs(t.amount), {entry} ORDER BY t.line)"
        f" || CASE WHEN {entry} = 'reversal' THEN '/R' ELSE '' END"
    )
    reference = "t.reference" if all_named else f"coalesce(t.reference, {made})"
    return f"""
        SELECT loan_id, line, kind, paid_on, amount, mode, reason,
               CASE WHEN kind = 'reversal' THEN coalesce(reverses_reference, own) END AS reverses_reference,
               CASE WHEN kind = 'reversal' AND own = coalesce(reverses_reference, own) THEN own || '/R' ELSE reference END AS reference
        FROM (
            SELECT t.loan_id, t.line, {entry} AS kind, t.paid_on, abs(t.amount) AS amount, t.mode, t.reason,
                   t.reverses_reference, t.reference AS own, {reference} AS reference
            FROM {plan.typed} t WHERE t.faults IS NULL
        ) e
    """


def list_entries(session: Session, plan: Plan) -> None:
    """Make the list of entries, that comparing and committing read. Unlogged and not temporary: it is read in parallel.

    By loan, since the index that tells entries apart takes them faster so, and a day-end finds a loan's money together.
    """
    session.execute(text(f"DROP TABLE IF EXISTS {plan.entries}"))
    unnamed = f"SELECT EXISTS (SELECT FROM {plan.typed} WHERE faults IS NULL AND reference IS NULL)"
    entries = _entries(plan, all_named=not session.execute(text(unnamed)).scalar_one())
    session.execute(
        text(
            f"CREATE UNLOGGED TABLE {plan.entries} WITH (autovacuum_enabled = false) AS {entries} ORDER BY loan_id, line"
        )
    )
    session.execute(text(f"ANALYZE {plan.entries} (line, loan_id, kind, reference)"))


def mark_contradictions(session: Session, plan: Plan) -> int:
    """Entries that are recorded already with other values: facts are not edited, so these rows are faults."""
    wrong = f"""
        SELECT r.line FROM {plan.entries} r JOIN payment o USING (loan_id, reference)
        WHERE r.kind <> 'bounce' AND {_PAYMENT_DIFFERS}
        UNION ALL
        SELECT r.line FROM {plan.entries} r JOIN mandate_presentation o USING (loan_id, reference)
        WHERE r.kind = 'bounce' AND {_BOUNCE_DIFFERS}
    """
    return _mark(session, plan, wrong, "reference:recorded")


def mark_unknown_reversals(session: Session, plan: Plan) -> int:
    """Reversals of payments that neither the book nor the file has."""
    # reversals are few: what they take back is looked for among all entries, in one pass, before any row is touched
    wrong = f"""
        WITH reversal AS MATERIALIZED (
            SELECT line, loan_id, reverses_reference AS reference FROM {plan.entries} WHERE kind = 'reversal'
        ), of_file AS MATERIALIZED (
            SELECT DISTINCT e.loan_id, e.reference
            FROM reversal r JOIN {plan.entries} e ON (e.loan_id, e.reference) = (r.loan_id, r.reference)
            WHERE e.kind = 'payment'
        )
        SELECT line FROM reversal r
        WHERE NOT EXISTS (SELECT FROM of_file f WHERE (f.loan_id, f.reference) = (r.loan_id, r.reference))
          AND NOT EXISTS (SELECT FROM payment p WHERE (p.loan_id, p.reference) = (r.loan_id, r.reference))
    """
    return _mark(session, plan, wrong, "reverses_reference:unknown")


def _mark(session: Session, plan: Plan, wrong: str, fault: str) -> int:
    """Give rows a fault unless they have one; how many. `wrong` finds their lines. Rows are written down only for it."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_wrong"))
    found = rowcount(session, f"CREATE TEMPORARY TABLE import_wrong ON COMMIT DROP AS {wrong}", {})
    if not found:
        return 0
    keep(session, plan)
    statement = f"""
        UPDATE {plan.typed} t SET faults = :fault FROM import_wrong w WHERE t.line = w.line AND t.faults IS NULL
    """
    return rowcount(session, statement, {"fault": fault})


def compare_payments(session: Session, plan: Plan) -> AnyRow:
    """Entries new and unchanged."""
    return session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE p.id IS NULL AND m.id IS NULL) AS new, 0 AS changed,
                   count(*) FILTER (WHERE p.id IS NOT NULL OR m.id IS NOT NULL) AS unchanged
            FROM {plan.entries} r
            LEFT JOIN payment p ON r.kind <> 'bounce' AND (p.loan_id, p.reference) = (r.loan_id, r.reference)
            LEFT JOIN mandate_presentation m ON r.kind = 'bounce' AND (m.loan_id, m.reference) = (r.loan_id, r.reference)
            """
        )
    ).one()


def commit_payments(session: Session, plan: Plan, *, is_new: bool) -> dict[str, int]:
    """Add the entries that are not there yet. `is_new`: the check found none of them there."""
    bound = {"batch": plan.batch_id}
    payments = add(
        session,
        f"""
        INSERT INTO payment (loan_id, reference, kind, paid_on, amount, mode, reverses_reference, batch_id)
        SELECT loan_id, reference, kind, paid_on, amount, mode, reverses_reference, :batch
        FROM {plan.entries} WHERE kind <> 'bounce'
        """,
        "loan_id, reference",
        bound,
        is_new=is_new,
    )
    bounces = add(
        session,
        f"""
        INSERT INTO mandate_presentation (loan_id, reference, presented_on, amount, result, reason, batch_id)
        SELECT loan_id, reference, paid_on, amount, 'bounced', reason, :batch
        FROM {plan.entries} WHERE kind = 'bounce'
        """,
        "loan_id, reference",
        bound,
        is_new=is_new,
    )
    return {"payments_new": payments, "bounces_new": bounces}
