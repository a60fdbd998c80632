"""What the check found, as the report keeps it: a line a rule, and samples of change."""

from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import checking as queries
from db.queries.imports import following
from db.queries.imports.plan import Plan
from services.imports.fields import Kind, field_of
from services.imports.messages import group_of, of_loans, sentence

_PERSONAL = ("phone", "whatsapp", "email", "address", "borrower_name", "party_name")


def sample(row: AnyRow) -> dict[str, Any]:
    """A change reduced to what differs."""
    differing = [name for name in row.after if row.before.get(name) != row.after[name]]
    return {
        "subject": row.subject,
        "changes": [{"field": name, "from": row.before.get(name), "to": row.after[name]} for name in differing],
    }


def rules(session: Session, plan: Plan, *, rows: int, left_alone: AnyRow | None, is_any: bool) -> list[dict[str, Any]]:
    """A line a rule: its sentence, how many rows, their share, and the first rows with the cell at fault.

    Args:
        session: the transaction.
        plan: the batch.
        rows: how many the file has.
        left_alone: loans that do not follow what the file says of their standing, and its rows about them.
        is_any: whether any row has a fault or a note.
    """
    lines = _of_rows(session, plan) if is_any else []
    if left_alone is not None:
        code = "loan:derived" if plan.options.get("derive") else f"loan:kept_from_{plan.kind}"
        first = following.first_lines(session, plan)
        said = of_loans(code, left_alone.loans)
        lines.append(
            {"code": code, "sentence": said, "is_fault": False, "rows": left_alone.rows, "lines": first, "cells": []}
        )
    for line in lines:
        line["share"] = line["rows"] / rows if rows else 0
    return sorted(lines, key=lambda line: (not line["is_fault"], -line["rows"]))


def _of_rows(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """Faults and notes of rows; those that are told as one rule are put together."""
    grouped: dict[str, dict[str, Any]] = {}
    for row in queries.findings(session, plan):
        code = group_of(row.code)
        line = grouped.setdefault(
            code,
            {
                "code": code,
                "sentence": sentence(Kind(plan.kind), code),
                "is_fault": row.is_fault and code != "row:repeated",
                "rows": 0,
                "lines": [],
            },
        )
        line["rows"] += row.rows
        line["lines"] = sorted({*line["lines"], *row.lines})[:5]
    for line in grouped.values():
        line["cells"] = _cells(session, plan, line)
    return list(grouped.values())


def _cells(session: Session, plan: Plan, line: dict[str, Any]) -> list[str]:
    """The first cells at fault, as they stand in the file; none for personal data."""
    name = line["code"].partition(":")[0]
    position = next((t.position for t in plan.targets if t.name == name), None)
    if position is None or name in _PERSONAL or field_of(Kind(plan.kind), name.partition("__")[0]) is None:
        return []
    found = queries.cells_of(session, plan, line["lines"], position)
    return [found[number] or "" for number in line["lines"] if number in found]
