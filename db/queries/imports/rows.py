"""The typed rows of a file, as one SELECT: cells are cast, what they refer to is looked up, faults are named.

It runs in parallel and stands in views and CREATE TABLE AS, which take no parameters: values are quoted by the driver.
"""

import json
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from db.queries.imports import casts, faults
from db.queries.imports.plan import PLAIN_TYPES, Plan, Target
from db.queries.imports.staging import raw_connection

FENCE = "OFFSET '0'::bigint"
"""Keeps a subquery's expressions from being copied to wherever they are used, and so computed again.

A plain 0 does the same but is taken for a real offset while the planner asks whether workers may share the scan.
"""
_ENTRY = (
    "CASE WHEN {0} IS NULL OR lower({0}) IN ('payment','paid','receipt','success','successful','cleared','collected','credit','p') "
    "THEN 'payment' WHEN lower({0}) IN ('reversal','reversed','refund','refunded','chargeback','cancelled','debit','r') THEN 'reversal' "
    "WHEN lower({0}) IN ('bounce','bounced','returned','return','dishonoured','dishonored','failed','failure','unpaid','b') THEN 'bounce' END"
)


def statement(session: Session, plan: Plan, *, is_raw: bool, is_plain: bool, is_judged: bool = True) -> str:
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
    judged = faults.columns(plan) if is_judged else "NULL::text AS faults, NULL::text AS notes"
    rows = [f"({_values(plan, quoted)} {FENCE})"] if is_raw else []
    if is_plain:
        rows.append(f"({_plain_values(plan, quoted)})")
    return f"SELECT {', '.join(kept)}, {columns}, {judged} FROM ({' UNION ALL '.join(rows)}) t {joins}"


class _Quoting:
    """Values as SQL literals, quoted by the driver for this connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __call__(self, value: str) -> str:
        return sql.Literal(value).as_string(self._connection)


def _values(plan: Plan, quoted: _Quoting) -> str:
    """Typed values, and beside them the cleaned cells (x_...) that tell why a value is missing."""
    columns = ["line", "fault"]
    for target in plan.targets:
        if not plan.fills(target):
            columns.append(f"NULL::{casts.SQL_TYPES[target.type]} AS {target.name}, NULL::text AS x_{target.name}")
            continue
        columns.append(f"{_value(plan, target)} AS {target.name}")
        columns.append(f"x_{target.name}")
    if plan.kind == "loan_book":
        columns.append("attributes")
    cells = ", ".join(_cells(plan, quoted))
    filled = " OR ".join(f"btrim(c{position}) <> ''" for position in range(1, len(plan.headers) + 1))
    return f"SELECT {', '.join(columns)} FROM (SELECT {cells} FROM {plan.raw} WHERE {filled} {FENCE}) r"


def _plain_values(plan: Plan, quoted: _Quoting) -> str:
    """The same of rows that are plainly written: typed as they were read, and trimmed."""
    columns, types = ["line", "NULL::text AS fault"], plan.plain_types
    for target in plan.targets:
        sql_type = casts.SQL_TYPES[target.type]
        if target.position in types:
            cast = "" if PLAIN_TYPES[target.type] == sql_type else f"::{sql_type}"
            columns += [f"c{target.position}{cast} AS {target.name}", f"NULL::text AS x_{target.name}"]
        elif plan.fills(target):
            columns += [f"{_value(plan, target)} AS {target.name}", f"x_{target.name}"]
        else:
            columns += [f"NULL::{sql_type} AS {target.name}", f"NULL::text AS x_{target.name}"]
    if plan.kind == "loan_book":
        columns.append("attributes")
    cells = ", ".join(_cells(plan, quoted, is_plain=True))
    filled = " OR ".join(f"c{position} IS NOT NULL" for position in range(1, len(plan.headers) + 1))
    return f"SELECT {', '.join(columns)} FROM (SELECT {cells} FROM {plan.plain} WHERE {filled}) r"


def _value(plan: Plan, target: Target) -> str:
    """The typed value of a target's cleaned cell."""
    cell = f"x_{target.name}"
    if (plan.kind, target.name) == ("payments", "entry"):
        return _ENTRY.format(cell)
    return casts.value(cell, target.type, {**plan.options, "is_month_end": target.name == "as_of"})


def _cells(plan: Plan, quoted: _Quoting, *, is_plain: bool = False) -> list[str]:
    """The cleaned cells by field. Of plain rows those that are typed are passed on as they are."""
    cells = ["line"] if is_plain else ["line", "fault"]
    maps = plan.options.get("value_maps", {})
    for target in plan.targets:
        if not plan.fills(target):
            continue
        if is_plain and target.position in plan.plain_types:
            cells.append(f"c{target.position}")
            continue
        cell = _cell(plan, target, quoted, is_plain=is_plain)
        if target.name in maps:
            cell = f"coalesce({quoted(json.dumps(maps[target.name]))}::jsonb ->> {cell}, {cell})"
        cells.append(f"{cell} AS x_{target.name}")
    if plan.kind == "loan_book":
        cells.append(f"{_attributes(plan, quoted, is_plain=is_plain)} AS attributes")
    return cells


def _cell(plan: Plan, target: Target, quoted: _Quoting, *, is_plain: bool) -> str:
    if target.position is not None:
        return f"c{target.position}" if is_plain else casts.cleaned(f"c{target.position}")
    if target.constant is not None:
        return f"{quoted(target.constant)}::text"
    return f"({quoted(str(plan.options['number_prefix']))} || line)"


def _attributes(plan: Plan, quoted: _Quoting, *, is_plain: bool) -> str:
    """The columns without a field, by their header; in parts, since a call takes 100 arguments."""
    pairs = [f"{quoted(plan.headers[p - 1])}, {f'c{p}' if is_plain else casts.cleaned(f'c{p}')}" for p in plan.unmapped]
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
