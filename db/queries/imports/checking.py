"""What is wrong with a staged file: repeats, counts by fault, rejected rows."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports.casts import TWO_WAYS
from db.queries.imports.marking import mark
from db.queries.imports.plan import Plan
from db.queries.imports.rows import FENCE
from db.queries.imports.typing import keep

_SLOTS = {
    "number": ("number", 6),
    "due_on": ("(due_on - DATE '1950-01-01') / 7 & 511", 8),
    "reference": ("hashtext(reference) & 511", 8),
}
"""What tells the rows of one loan apart, as a small number, and how many words of 64 bits hold it: by the second key."""
_SUSPECTS = "SELECT loan_id FROM import_loan WHERE keyed <> told_apart"
"""Loans of which rows may have one key (see `tally`)."""


def _keys(plan: Plan) -> tuple[str, ...] | None:
    """What tells the rows of a file apart; None where several may be about one thing."""
    if plan.kind == "schedule":
        return ("loan_id", "number" if plan.has("number") else "due_on")
    if plan.kind == "snapshot":
        return ("loan_id",) if plan.dated and not plan.has("as_of") else ("loan_id", "as_of")
    return {"loan_book": ("loan_number",), "payments": ("loan_id", "reference", "entry")}.get(plan.kind)


def is_by_loan(plan: Plan) -> bool:
    """Whether the file may have many rows of a loan: they are counted loan by loan."""
    return plan.kind in ("schedule", "payments")


def mark_repeats(session: Session, plan: Plan) -> bool:
    """Rows with a key that came before: the same values are passed over, different ones are faults of all of them.

    Whether there were any.
    """
    keys = _keys(plan)
    if keys is None:
        return False
    named = ", ".join(keys)
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys if key != "entry")
    of_suspects = ""
    if is_by_loan(plan):
        if not session.execute(text(f"SELECT EXISTS ({_SUSPECTS})")).scalar_one():
            return False
        of_suspects = f"AND loan_id IN ({_SUSPECTS})"
    # counted and not asked whether any exists: to find the first soon, the planner would go through an index row by row
    is_repeated = session.execute(
        text(
            f"SELECT count(*) > 0 FROM (SELECT FROM {plan.typed} WHERE faults IS NULL AND {present} {of_suspects} "
            f"GROUP BY {named} HAVING count(*) > 1) repeated"
        )
    ).scalar_one()
    if is_repeated:
        _mark(session, plan, named, present)
    return bool(is_repeated)


def _mark(session: Session, plan: Plan, named: str, present: str) -> None:
    """One pass over the rows whose key is repeated: ranks them and compares what they say."""
    keep(session, plan)
    values = ", ".join(target.name for target in plan.targets)
    differing = "due_on:several" if "due_on" in named else "row:differs"
    extra = ", attributes" if plan.kind == "loan_book" else ""
    session.execute(
        text(
            f"""
            WITH said AS (
                SELECT line, {named}, md5(ROW({values}{extra})::text) AS said FROM {plan.typed}
                WHERE faults IS NULL AND {present}
            ), ranked AS (
                SELECT line, row_number() OVER w AS rank, min(said) OVER k <> max(said) OVER k AS differs,
                       count(*) OVER k AS rows
                FROM said WINDOW k AS (PARTITION BY {named}), w AS (PARTITION BY {named} ORDER BY line)
            )
            UPDATE {plan.typed} t
            SET faults = CASE WHEN differs THEN '{differing}' ELSE 'row:repeated' END
            FROM ranked WHERE ranked.line = t.line AND rows > 1 AND (differs OR rank > 1)
            """
        )
    )


_TALLY = """
    SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(accepted), 0)::bigint AS accepted,
           coalesce(sum(repeated), 0)::bigint AS repeated,
           coalesce(sum(rows - accepted - repeated), 0)::bigint AS rejected, coalesce(sum(noted), 0)::bigint AS noted
"""
_COUNTS = """
    count(*) AS rows, count(*) FILTER (WHERE faults IS NULL) AS accepted,
    count(*) FILTER (WHERE faults = 'row:repeated') AS repeated,
    count(*) FILTER (WHERE faults IS NULL AND notes IS NOT NULL) AS noted
"""


def tally(session: Session, plan: Plan) -> AnyRow:
    """Rows in all, accepted, repeated (passed over) and rejected; accepted ones with a note."""
    if is_by_loan(plan):
        _sum_by_loan(session, plan)
        return session.execute(text(f"{_TALLY} FROM import_loan")).one()
    return session.execute(text(f"{_TALLY} FROM (SELECT {_COUNTS} FROM {plan.typed}) counted")).one()


def _sum_by_loan(session: Session, plan: Plan) -> None:
    """Count the rows of each loan, and those of its keys that can be told apart at a glance, in one pass.

    Grouping tens of millions of rows by their keys takes longer than writing them. Instead each row of a loan sets a
    bit: a loan with as many bits as rows repeats none. Two keys of a loan may share a bit, so the others are suspects.
    """
    keys = _keys(plan)
    assert keys is not None
    slot, words = _SLOTS[keys[1]]
    named = " AND ".join(f"{key} IS NOT NULL" for key in keys if key != "entry")
    bits = " + ".join(
        f"coalesce(bit_count(bit_or(1::bigint << (slot & 63)) FILTER (WHERE slot >> 6 = {word})::bit(64)), 0)"
        for word in range(words)
    )
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_loan"))
    session.execute(
        text(
            f"""
            CREATE TEMPORARY TABLE import_loan ON COMMIT DROP AS
            SELECT loan_id, {_COUNTS}, count(slot) AS keyed, {bits} AS told_apart
            FROM (
                SELECT loan_id, faults, notes, CASE WHEN faults IS NULL AND {named} THEN {slot} END AS slot
                FROM {plan.typed} {FENCE}
            ) rows_of_loans GROUP BY loan_id
            """
        )
    )
    session.execute(text("ANALYZE import_loan"))


def mark_differing_names(session: Session, plan: Plan) -> int:
    """Note rows of a loan book that name a borrower otherwise than the borrower's first row, but for case and spaces."""
    if not (plan.has("borrower_number") and plan.has("borrower_name")):
        return 0
    # nearly no file has any: hashes tell it in one pass, and only the borrowers they find are looked at
    suspects = f"""
        SELECT borrower_key FROM {plan.typed} WHERE faults IS NULL AND borrower_name IS NOT NULL
        GROUP BY borrower_key HAVING min(hashtext(borrower_name)) <> max(hashtext(borrower_name))
    """
    lines = rf"""
        SELECT line FROM (
            SELECT line, said, first_value(said) OVER (PARTITION BY borrower_key ORDER BY line) AS first_said
            FROM (SELECT line, borrower_key, lower(regexp_replace(borrower_name, '\s+', ' ', 'g')) AS said
                  FROM {plan.typed} JOIN ({suspects}) s USING (borrower_key)
                  WHERE faults IS NULL AND borrower_name IS NOT NULL) named
        ) compared WHERE said <> first_said
    """
    return mark(session, plan, lines, "borrower_name:differs", is_fault=False)


def findings(session: Session, plan: Plan) -> list[AnyRow]:
    """Faults and notes with their count and first lines, the most frequent first."""
    return list(
        session.execute(
            text(
                f"""
                WITH found AS (
                    SELECT line, unnest(string_to_array(faults, ';')) AS code, true AS is_fault
                    FROM {plan.typed} WHERE faults IS NOT NULL
                    UNION ALL
                    SELECT line, unnest(string_to_array(notes, ';')), false FROM {plan.typed}
                    WHERE notes IS NOT NULL AND faults IS NULL
                ), counted AS (
                    SELECT code, is_fault, count(*) AS rows FROM found GROUP BY code, is_fault
                )
                SELECT code, is_fault, rows,
                       ARRAY(SELECT line FROM found f WHERE f.code = c.code AND f.is_fault = c.is_fault
                             ORDER BY line LIMIT 5) AS lines
                FROM counted c ORDER BY is_fault DESC, rows DESC, code LIMIT 200
                """
            )
        )
    )


def cells_of(session: Session, plan: Plan, lines: list[int], position: int) -> dict[int, str | None]:
    """The cells of a column in some lines, as they stand in the file."""
    rows = session.execute(
        text(f"SELECT line, left(c{position:d}, 60) AS cell FROM {plan.cells} WHERE line = ANY(:lines)"),
        {"lines": lines},
    )
    return {row.line: row.cell for row in rows}


def date_evidence(session: Session, plan: Plan) -> AnyRow | None:
    """Of dates that can be read two ways: how many have a first, how many a second number above 12, and one of them.

    None when the file has no such date.
    """
    positions = [t.position for t in plan.targets if t.type in ("date", "moment") and t.position is not None]
    if not positions:
        return None
    cells = ", ".join(f"(btrim(c{position}))" for position in positions)
    row = session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE split_part(d, '-', 1)::int > 12) AS day_first,
                   count(*) FILTER (WHERE split_part(d, '-', 2)::int > 12) AS month_first, min(cell) AS sample
            FROM {plan.cells}, LATERAL (VALUES {cells}) v (cell), LATERAL (SELECT translate(cell, '/. ', '---') AS d) x
            WHERE cell ~ :two_ways
            """
        ),
        {"two_ways": TWO_WAYS},
    ).one()
    return row if row.sample is not None else None


def keep_rejected(session: Session, plan: Plan) -> None:
    """Write down the rejected rows as they stand in the file, with their faults."""
    columns = ", ".join(f"r.c{position}" for position in range(1, len(plan.headers) + 1))
    session.execute(
        text(
            f"""
            INSERT INTO import_rejected_row (batch_id, line, reasons, cells)
            SELECT :batch, t.line, t.faults, jsonb_build_object('cells', to_jsonb(ARRAY[{columns}]) || coalesce(r.more, '[]'))
            FROM {plan.typed} t JOIN {plan.cells} r USING (line)
            WHERE t.faults IS NOT NULL AND t.faults <> 'row:repeated'
            """
        ),
        {"batch": plan.batch_id},
    )


def rejected_rows(session: Session, batch_id: int, *, after: int, limit: int) -> list[AnyRow]:
    """Rejected rows by line, a page at a time."""
    return list(
        session.execute(
            text(
                "SELECT line, reasons, cells -> 'cells' AS cells FROM import_rejected_row "
                "WHERE batch_id = :batch AND line > :after ORDER BY line LIMIT :limit"
            ),
            {"batch": batch_id, "after": after, "limit": limit},
        )
    )
