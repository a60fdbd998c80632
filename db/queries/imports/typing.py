"""From cells to typed rows: one statement that casts, resolves references and names what is wrong with each row.

`faults` holds 'field:code' separated by ';' for rows that cannot be taken, `notes` what is left out of rows that can.
The statement is a CREATE TABLE AS, which runs in parallel but takes no parameters: values are quoted by the driver.
"""

import json
from typing import Any

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries.imports import casts
from db.queries.imports.plan import PLAIN_TYPES, Plan, Target
from db.queries.imports.staging import drop_relation, is_view, raw_connection, tables

_CODES = {"amount": "number", "rate": "number", "integer": "whole", "date": "date", "moment": "date", "flag": "flag"}
_REPORTED = ("dpd", "months_past_due", "reported_status")
FENCE = "OFFSET '0'::bigint"
"""Keeps a subquery's expressions from being copied to wherever they are used, and so computed again.

A plain 0 does the same but is taken for a real offset while the planner asks whether workers may share the scan.
"""
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
STATUS = (
    "CASE WHEN lower(split_part({0}, ':', 1)) IN ('active','current','open','live','regular','standard','overdue','a') THEN 'active' "
    "WHEN lower(split_part({0}, ':', 1)) IN ('closed','fully paid','paid','paid off','foreclosed','settled','matured','c') THEN 'closed' "
    "WHEN lower(split_part({0}, ':', 1)) IN ('written_off','written off','write off','write-off','charged off','w') THEN 'written_off' END"
)
_ENTRY = (
    "CASE WHEN {0} IS NULL OR lower({0}) IN ('payment','paid','receipt','success','successful','cleared','collected','credit','p') "
    "THEN 'payment' WHEN lower({0}) IN ('reversal','reversed','refund','refunded','chargeback','cancelled','debit','r') THEN 'reversal' "
    "WHEN lower({0}) IN ('bounce','bounced','returned','return','dishonoured','dishonored','failed','failure','unpaid','b') THEN 'bounce' END"
)


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
    statement = _statement(session, plan, is_raw=is_raw or not is_plain, is_plain=is_plain)
    if is_raw or not is_plain or _encrypts(plan):
        _write(session, plan, statement)
    else:
        session.execute(text(f"ANALYZE {plan.plain}"))
        _run(session, f"CREATE VIEW {plan.typed} AS {statement}")


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
        statement = _statement(session, plan, is_raw=False, is_plain=True, is_judged=False)
        _run(session, f"CREATE OR REPLACE VIEW {plan.typed} AS {statement}")


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
    statement = f"""
        SELECT count(*) FILTER (WHERE loan_id < before) <= count(*) / 100 FROM (
            SELECT l.id AS loan_id, lag(l.id) OVER (ORDER BY s.line) AS before
            FROM ({first_rows}) s JOIN loan l ON l.external_id = s.loan_number
        ) sampled
    """
    return bool(session.execute(text(statement)).scalar_one())


def _write(session: Session, plan: Plan, statement: str) -> None:
    order = f" ORDER BY {_ORDERS[plan.kind]}" if plan.kind in _ORDERS else ""
    _run(session, f"CREATE UNLOGGED TABLE {plan.typed} WITH (autovacuum_enabled = false) AS {statement}{order}")
    session.execute(text(f"ANALYZE {plan.typed} ({_KEYS.get(plan.kind, _LOAN_KEYS)})"))


def _run(session: Session, statement: str) -> None:
    raw_connection(session).execute(statement.encode(), prepare=False)


def _statement(session: Session, plan: Plan, *, is_raw: bool, is_plain: bool, is_judged: bool = True) -> str:
    """The typed rows with what they refer to and what is wrong with them.

    Args:
        session: the transaction.
        plan: the batch.
        is_raw: whether there are rows of text.
        is_plain: whether there are plain ones.
        is_judged: whether faults are looked for; without, every row counts as free of them.
    """
    quoted = _Quoting(raw_connection(session))
    columns, joins = _references(plan)
    kept = ["t.line", *(f"t.{target.name}" for target in plan.targets)]
    if plan.kind == "loan_book":
        kept.append("t.attributes")
    faults = _faults(plan) if is_judged else "NULL::text AS faults, NULL::text AS notes"
    rows = [f"({_values(plan, quoted)} {FENCE})"] if is_raw else []
    if is_plain:
        rows.append(f"({_plain_values(plan, quoted)})")
    return f"SELECT {', '.join(kept)}, {columns}, {faults} FROM ({' UNION ALL '.join(rows)}) t {joins}"


class _Quoting:
    """Values as SQL literals, quoted by the driver for this connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __call__(self, value: str) -> str:
        return sql.Literal(value).as_string(self._connection)


def _is_filled(plan: Plan, target: Target) -> bool:
    is_numbered = target.name == "loan_number" and bool(plan.options.get("number_prefix"))
    return target.position is not None or target.constant is not None or is_numbered


def _values(plan: Plan, quoted: _Quoting) -> str:
    """Typed values, and beside them the cleaned cells (x_...) that tell why a value is missing."""
    columns = ["line", "fault"]
    for target in plan.targets:
        if not _is_filled(plan, target):
            columns.append(f"NULL::{casts.SQL_TYPES[target.type]} AS {target.name}, NULL::text AS x_{target.name}")
            continue
        columns.append(f"{_value(plan, target)} AS {target.name}")
        columns.append(f"x_{target.name}")
    if plan.kind == "loan_book":
        columns.append("attributes")
    return f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(_cells(plan, quoted))} FROM {plan.raw} {FENCE}) r"


def _plain_values(plan: Plan, quoted: _Quoting) -> str:
    """The same of rows that are plainly written: typed as they were read, and trimmed."""
    columns, types = ["line", "NULL::text AS fault"], plan.plain_types
    for target in plan.targets:
        sql_type = casts.SQL_TYPES[target.type]
        if target.position in types:
            cast = "" if PLAIN_TYPES[target.type] == sql_type else f"::{sql_type}"
            columns += [f"c{target.position}{cast} AS {target.name}", f"NULL::text AS x_{target.name}"]
        elif _is_filled(plan, target):
            columns += [f"{_value(plan, target)} AS {target.name}", f"x_{target.name}"]
        else:
            columns += [f"NULL::{sql_type} AS {target.name}", f"NULL::text AS x_{target.name}"]
    if plan.kind == "loan_book":
        columns.append("attributes")
    cells = _cells(plan, quoted, is_plain=True)
    return f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(cells)} FROM {plan.plain}) r"


def _value(plan: Plan, target: Target) -> str:
    """The typed value of a target's cleaned cell."""
    cell = f"x_{target.name}"
    if (plan.kind, target.name) == ("payments", "entry"):
        return _ENTRY.format(cell)
    return casts.value(cell, target.type, plan.options)


def _cells(plan: Plan, quoted: _Quoting, *, is_plain: bool = False) -> list[str]:
    """The cleaned cells by field. Of plain rows those that are typed are passed on as they are."""
    cells = ["line"] if is_plain else ["line", "fault"]
    maps = plan.options.get("value_maps", {})
    for target in plan.targets:
        if not _is_filled(plan, target):
            continue
        if is_plain and target.position in plan.plain_types:
            cells.append(f"c{target.position}")
            continue
        cell = _cell(plan, target, quoted, is_plain=is_plain)
        if target.name in maps:
            cell = f"coalesce({quoted(json.dumps(maps[target.name]))}::jsonb ->> {cell}, {cell})"
        cells.append(f"{cell} AS x_{target.name}")
    if plan.kind == "loan_book":
        cells.append(f"{_attributes(plan, quoted)} AS attributes")
    return cells


def _cell(plan: Plan, target: Target, quoted: _Quoting, *, is_plain: bool) -> str:
    if target.position is not None:
        return f"c{target.position}" if is_plain else casts.cleaned(f"c{target.position}")
    if target.constant is not None:
        return f"{quoted(target.constant)}::text"
    return f"({quoted(str(plan.options['number_prefix']))} || line)"


def _attributes(plan: Plan, quoted: _Quoting) -> str:
    """The columns without a field, by their header; in parts, since a call takes 100 arguments."""
    pairs = [f"{quoted(plan.headers[p - 1])}, nullif(btrim(c{p}), '')" for p in plan.unmapped]
    if not pairs:
        return "'{}'::jsonb"
    parts = [f"jsonb_build_object({', '.join(pairs[start : start + 45])})" for start in range(0, len(pairs), 45)]
    return f"jsonb_strip_nulls({' || '.join(parts)})"


# --- references ---------------------------------------------------------------------------------------------------


def _references(plan: Plan) -> tuple[str, str]:
    """Columns and joins that find what the row is about."""
    if plan.kind == "loan_book":
        key = "coalesce(t.borrower_number, t.loan_number)"
        columns = f"l.id AS loan_id, coalesce(l.borrower_id, b.id) AS borrower_id, {key} AS borrower_key"
        loans = "LEFT JOIN loan l ON l.external_id = t.loan_number"
        return columns, f"{loans} LEFT JOIN borrower b ON b.external_id = {key}"
    if plan.kind == "contacts":
        loans = "LEFT JOIN loan l ON l.external_id = t.loan_number AND t.borrower_number IS NULL"
        borrowers = "LEFT JOIN borrower b ON b.external_id = t.borrower_number"
        return "coalesce(b.id, l.borrower_id) AS borrower_id", f"{borrowers} {loans}"
    return "l.id AS loan_id", "LEFT JOIN loan l ON l.external_id = t.loan_number"


# --- faults -------------------------------------------------------------------------------------------------------


def _faults(plan: Plan) -> str:
    """Columns `faults` and `notes`; the texts are only made for rows that have any."""
    hard = [("t.fault IS NOT NULL", "t.fault")]
    soft: list[tuple[str, str]] = []
    for target in plan.targets:
        found = _faults_of(plan, target)
        is_soft = plan.kind == "loan_book" and target.type in ("phone", "email")
        (soft if is_soft else hard).extend((condition, f"'{target.name}:{code}'") for condition, code in found)
    hard += [(condition, f"'{code}'") for condition, code in _of_kind(plan)]
    return f"{_listing(hard)} AS faults, {_listing(soft)} AS notes"


def _listing(faults: list[tuple[str, str]]) -> str:
    if not faults:
        return "NULL::text"
    every = " OR ".join(f"({condition})" for condition, _ in faults)
    each = ", ".join(f"CASE WHEN {condition} THEN {name} END" for condition, name in faults)
    return f"CASE WHEN {every} THEN concat_ws(';', {each}) END"


def _faults_of(plan: Plan, target: Target) -> list[tuple[str, str]]:
    """Conditions and codes of one field by its type."""
    name = f"t.{target.name}"
    if not _is_filled(plan, target):
        return [("true", "missing")] if target.is_required else []
    found: list[tuple[str, str]] = []
    if target.type == "text":
        if target.is_required:
            found.append((f"{name} IS NULL", "missing"))
        if target.name.endswith(("_number", "reference")):
            found.append((f"length({name}) > 100", "long"))
        return found
    says = casts.is_something(f"t.x_{target.name}")
    if target.is_required:
        found.append((f"{name} IS NULL AND NOT {says}", "missing"))
    bad = f"{name} IS NULL AND {says}"
    if target.type == "date" and not plan.options.get("date_order"):
        looks = f"t.x_{target.name} ~ '{casts.TWO_WAYS}'"
        found.append((f"{bad} AND {looks}", "order"))
        bad += f" AND NOT {looks}"
    found.append((bad, _CODES.get(target.type, target.type)))
    if target.type in ("date", "moment"):
        found.append((f"{name} NOT BETWEEN '1950-01-01' AND '2100-12-31'", "year"))
    is_balance = target.name.startswith("outstanding")  # overpaid loans have a credit balance
    if target.type in ("amount", "rate", "integer") and plan.kind != "payments" and not is_balance:
        found.append((f"{name} < 0", "negative"))
    return found


def _of_kind(plan: Plan) -> list[tuple[str, str]]:
    makers = {"loan_book": _of_loan_book, "schedule": _of_schedule, "payments": _of_payments, "contacts": _of_contacts}
    return makers.get(plan.kind, _of_snapshot)(plan)


def _of_loan_book(plan: Plan) -> list[tuple[str, str]]:
    found = [
        ("t.closed_on < t.disbursed_on", "closed_on:before"),
        ("t.maturity_on < t.disbursed_on", "maturity_on:before"),
        ("t.closed_on < t.written_off_on", "closed_on:written_off"),
        ("t.tenure_months > 1200", "tenure_months:large"),
        ("t.interest_rate > 1000", "interest_rate:large"),
        (
            "t.borrower_number IS NOT NULL AND l.id IS NOT NULL AND b.id IS DISTINCT FROM l.borrower_id",
            "borrower_number:moved",
        ),
    ]
    return found + (_of_reported(plan) if plan.is_reported else [])


def _of_reported(plan: Plan) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if plan.has(*_REPORTED):
        found.append(("t.as_of IS NULL AND t.x_as_of IS NULL", "as_of:missing"))
    if plan.has("reported_status"):
        found.append(
            (
                f"t.reported_status IS NOT NULL AND ({STATUS.format('t.reported_status')}) IS NULL",
                "reported_status:unknown",
            )
        )
    return found + [(f"t.{t.name} > 1200", f"{t.name}:large") for t in plan.targets if t.measure == "months_past_due"]


def _of_snapshot(plan: Plan) -> list[tuple[str, str]]:
    nothing = (
        []
        if plan.dated
        else [
            (
                "coalesce(t.dpd, t.months_past_due) IS NULL AND t.reported_status IS NULL AND coalesce(t.x_dpd, t.x_months_past_due) IS NULL",
                "dpd:missing",
            )
        ]
    )
    return [("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown"), *nothing, *_of_reported(plan)]


def _of_schedule(_plan: Plan) -> list[tuple[str, str]]:
    return [
        ("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown"),
        (
            "coalesce(t.amount, t.principal, t.interest, t.charges) IS NULL AND coalesce(t.x_amount, t.x_principal, t.x_interest, t.x_charges) IS NULL",
            "amount:missing",
        ),
        (
            "t.amount < coalesce(t.principal, 0) + coalesce(t.interest, 0) + coalesce(t.charges, 0) - 0.05",
            "amount:less_than_parts",
        ),
        ("t.number > 32000", "number:large"),
    ]


def _of_payments(_plan: Plan) -> list[tuple[str, str]]:
    return [
        ("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown"),
        ("t.amount = 0", "amount:zero"),
        ("t.entry IS NULL AND t.x_entry IS NOT NULL", "entry:unknown"),
        (
            "t.amount < 0 AND coalesce(t.entry, 'payment') = 'payment' AND t.reverses_reference IS NULL",
            "amount:negative",
        ),
        (
            "t.entry = 'reversal' AND coalesce(t.reverses_reference, t.reference) IS NULL",
            "reverses_reference:missing",
        ),
    ]


def _of_contacts(_plan: Plan) -> list[tuple[str, str]]:
    role = "regexp_replace(lower(t.party_role), '[^a-z]', '', 'g')"
    return [
        ("coalesce(t.borrower_number, t.loan_number) IS NULL", "borrower_number:missing"),
        (
            "coalesce(b.id, l.borrower_id) IS NULL AND coalesce(t.borrower_number, t.loan_number) IS NOT NULL",
            "borrower_number:unknown",
        ),
        (
            "coalesce(t.phone, t.whatsapp, t.email, t.address) IS NULL AND coalesce(t.x_phone, t.x_whatsapp, t.x_email) IS NULL",
            "phone:nothing",
        ),
        (
            f"t.party_role IS NOT NULL AND {role} NOT IN ('borrower','self','applicant','coborrower','coapplicant','guarantor')",
            "party_role:unknown",
        ),
        (f"{role} IN ('coborrower','coapplicant','guarantor') AND t.party_name IS NULL", "party_name:missing"),
    ]
