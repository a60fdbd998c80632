"""Payments, reversals and bounces from files: facts are added, never edited."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports.adding import add
from db.queries.imports.marking import mark
from db.queries.imports.plan import Plan

_PAYMENT_DIFFERS = "(r.kind, r.paid_on, r.amount) IS DISTINCT FROM (o.kind, o.paid_on, o.amount)"
_BOUNCE_DIFFERS = "(r.paid_on, r.amount) IS DISTINCT FROM (o.presented_on, o.amount)"


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
               CASE WHEN kind <> 'payment' THEN coalesce(reverses_reference, own) END AS reverses_reference,
               CASE WHEN kind = 'reversal' AND own = coalesce(reverses_reference, own) THEN own || '/R' ELSE reference END AS reference
        FROM (
            SELECT t.loan_id, t.line, {entry} AS kind, t.paid_on, abs(t.amount) AS amount, t.mode, t.reason,
                   t.reverses_reference, t.reference AS own, {reference} AS reference
            FROM {plan.typed} t WHERE t.faults IS NULL
        ) e
    """


def list_entries(session: Session, plan: Plan) -> None:
    """Make the list of entries, that comparing and committing read. Unlogged and not temporary: it is read in parallel.

    Reversals and bounces name the receipt that they take back. Rows without a line are reversals that bounces call for.

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
    return mark(session, plan, wrong, "reference:recorded")


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
    return mark(session, plan, wrong, "reverses_reference:unknown")


# --- receipts that bounced ----------------------------------------------------------------------------------------


def take_back_bounced(session: Session, plan: Plan) -> int:
    """Add a reversal to the entries for each payment that bounced after it was taken for paid; how many rows were noted.

    A bounce takes back the payment with its receipt number, or the one that it names, from its own date on, whichever
    of both came first and with whatever file: the most that bounced, the least that is left of it. It does so once,
    since the reversal has a number made of the bounce's. A bounce dated before the payment is of an earlier
    presentation, and the payment stands.
    """
    # a book without bounces, as most are at first, need not be joined to
    has_any = (
        f"SELECT EXISTS (SELECT FROM {plan.entries} WHERE kind = 'bounce') OR EXISTS (SELECT FROM mandate_presentation)"
    )
    if not session.execute(text(has_any)).scalar_one():
        return 0
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_bounced"))
    session.execute(
        text(f"CREATE TEMPORARY TABLE import_bounced ON COMMIT DROP AS {_BOUNCED.format(entries=plan.entries)}")
    )
    early = "SELECT DISTINCT line FROM import_bounced WHERE on_day < paid_on"
    due = f"SELECT DISTINCT line FROM ({_DUE_BACK}) d"
    noted = mark(session, plan, early, "paid_on:before_payment", is_fault=False)
    noted += mark(session, plan, due, "entry:taken_back", is_fault=False)
    session.execute(
        text(
            f"""
            INSERT INTO {plan.entries} (loan_id, kind, paid_on, amount, reverses_reference, reference)
            SELECT loan_id, 'reversal', on_day, amount, receipt, reference FROM ({_DUE_BACK}) d
            """
        )
    )
    return noted


_BOUNCED = """
    WITH bounce AS MATERIALIZED (
        SELECT line, loan_id, reverses_reference AS receipt, reference, paid_on AS on_day, amount
        FROM {entries} WHERE kind = 'bounce' AND reverses_reference IS NOT NULL
        UNION ALL
        SELECT e.line, e.loan_id, e.reference, e.reference, m.presented_on, m.amount
        FROM {entries} e JOIN mandate_presentation m USING (loan_id, reference)
        WHERE e.kind = 'payment' AND m.result = 'bounced'
    ), beside AS MATERIALIZED (
        SELECT DISTINCT b.receipt, e.loan_id, e.kind, e.reference, e.paid_on, e.amount
        FROM bounce b JOIN {entries} e ON e.loan_id = b.loan_id AND b.receipt = coalesce(e.reverses_reference, e.reference)
        WHERE e.kind <> 'bounce'
    ), paid AS (
        SELECT loan_id, receipt, paid_on, amount FROM beside WHERE kind = 'payment'
        UNION
        SELECT p.loan_id, p.reference, p.paid_on, p.amount
        FROM bounce b JOIN payment p ON (p.loan_id, p.reference) = (b.loan_id, b.receipt) WHERE p.kind = 'payment'
    ), reversal AS (
        SELECT loan_id, receipt, reference, amount FROM beside WHERE kind = 'reversal'
        UNION
        SELECT p.loan_id, p.reverses_reference, p.reference, p.amount
        FROM bounce b JOIN payment p ON (p.loan_id, p.reverses_reference) = (b.loan_id, b.receipt)
        WHERE p.kind = 'reversal'
    ), taken_back AS (
        SELECT loan_id, receipt, sum(amount) AS amount FROM reversal GROUP BY loan_id, receipt
    )
    SELECT b.line, b.loan_id, b.receipt, b.reference || '/B' AS reference, b.on_day, p.paid_on,
           least(b.amount, p.amount - coalesce(t.amount, 0)) AS amount
    FROM bounce b JOIN paid p USING (loan_id, receipt) LEFT JOIN taken_back t USING (loan_id, receipt)
"""
_DUE_BACK = """
    SELECT DISTINCT ON (loan_id, receipt) line, loan_id, receipt, reference, on_day, amount
    FROM import_bounced b
    WHERE on_day >= paid_on AND amount > 0
      AND NOT EXISTS (SELECT FROM payment p WHERE (p.loan_id, p.reference) = (b.loan_id, b.reference))
    ORDER BY loan_id, receipt, on_day, line
"""


# --- what would change, and the commit ----------------------------------------------------------------------------


def compare(session: Session, plan: Plan) -> AnyRow:
    """Entries new and unchanged, of those that have a row in the file."""
    return session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE p.id IS NULL AND m.id IS NULL) AS new, 0 AS changed,
                   count(*) FILTER (WHERE p.id IS NOT NULL OR m.id IS NOT NULL) AS unchanged
            FROM {plan.entries} r
            LEFT JOIN payment p ON r.kind <> 'bounce' AND (p.loan_id, p.reference) = (r.loan_id, r.reference)
            LEFT JOIN mandate_presentation m ON r.kind = 'bounce' AND (m.loan_id, m.reference) = (r.loan_id, r.reference)
            WHERE r.line IS NOT NULL
            """
        )
    ).one()


def commit(session: Session, plan: Plan, *, is_new: bool) -> dict[str, int]:
    """Add the entries that are not there yet. `is_new`: the check found none of them there."""
    bound = {"batch": plan.batch_id}
    money = f"""
        INSERT INTO payment (loan_id, reference, kind, paid_on, amount, mode, reverses_reference, batch_id)
        SELECT loan_id, reference, kind, paid_on, amount, mode, reverses_reference, :batch
        FROM {plan.entries} WHERE kind <> 'bounce' AND line IS"""
    payments = add(session, f"{money} NOT NULL", "loan_id, reference", bound, is_new=is_new)
    taken_back = add(session, f"{money} NULL", "loan_id, reference", bound, is_new=False)
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
    return {"payments_new": payments, "bounces_new": bounces, "payments_taken_back": taken_back}
