"""From a staged file to a report: typed values, faults by rule, and what committing would change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import batches, contacts, facts, loan_book, reported, typing
from db.queries.imports import checking as queries
from db.queries.imports.plan import Plan
from services import lender, personal_data
from services.imports.errors import DateOrderNeeded
from services.imports.fields import Kind, field_of
from services.imports.messages import group_of, sentence

_MASKS = {
    "phone": personal_data.mask_phone,
    "whatsapp": personal_data.mask_phone,
    "email": personal_data.mask_email,
    "address": personal_data.mask_address,
}
_PERSONAL = ("phone", "whatsapp", "email", "address", "borrower_name", "party_name")


def check(session: Session, plan: Plan) -> tuple[Plan, dict[str, int], dict[str, Any]]:
    """Type and judge the staged rows.

    Returns:
        The plan (with the date order, if the file itself told it), counts, and the report.

    Raises:
        DateOrderNeeded: dates can be read two ways and nothing tells which.
    """
    typing.prepare(session)
    typing.make_typed(session, plan)
    tally = queries.tally(session, plan)
    if tally.rejected and (settled := _with_date_order(session, plan)) is not plan:
        plan, tally = settled, queries.tally(session, settled)
    if tally.accepted == tally.rows and not tally.noted:
        typing.trust(session, plan)
    else:
        typing.keep(session, plan)
    if _mark(session, plan):
        tally = queries.tally(session, plan)
    _encrypt_points(session, plan)
    if plan.kind == Kind.CONTACTS and contacts.settle_repeats(session, plan):
        tally = queries.tally(session, plan)
    changes, samples = _compare(session, plan)
    batches.forget_rejected(session, plan.batch_id)
    if tally.rejected:
        queries.keep_rejected(session, plan)
    counts = {
        "rows": tally.rows,
        "accepted": tally.accepted,
        "rejected": tally.rejected,
        "repeated": tally.repeated,
        **changes,
    }
    report = {
        "rules": _rules(session, plan, tally.rows) if tally.accepted < tally.rows or tally.noted else [],
        "samples": [_sample(row) for row in samples],
        "data_version": lender.load(session).data_version,
    }
    return plan, counts, report


def _mark(session: Session, plan: Plan) -> bool:
    """Mark what is wrong with rows beside others, in the file or in the book; whether any is."""
    is_any = queries.mark_repeats(session, plan)
    if plan.kind == Kind.PAYMENTS:
        facts.list_entries(session, plan)
        if facts.mark_contradictions(session, plan) + facts.mark_unknown_reversals(session, plan):
            facts.list_entries(session, plan)
            return True
    return is_any


def _with_date_order(session: Session, plan: Plan) -> Plan:
    """Settle the order of day and month, from the file if it tells, and type anew."""
    if plan.options.get("date_order"):
        return plan
    if not any(":order" in row.code for row in queries.findings(session, plan)):
        return plan
    evidence = queries.date_evidence(session, plan)
    if evidence is None:
        return plan
    if bool(evidence.day_first) == bool(evidence.month_first):
        raise DateOrderNeeded(evidence.sample)
    order = "dmy" if evidence.day_first else "mdy"
    settled = replace(plan, options={**plan.options, "date_order": order})
    typing.make_typed(session, settled)
    return settled


def _encrypt_points(session: Session, plan: Plan) -> None:
    """Encrypt phone numbers, e-mails and addresses in batches; then the clear values are taken away."""
    if plan.kind not in (Kind.LOAN_BOOK, Kind.CONTACTS) or not plan.has(*contacts.KINDS):
        return
    contacts.create_points(session, plan)
    for rows in contacts.clear_values(session, plan):
        sealed = personal_data.encrypt_all(value for _, _, value in rows)
        contacts.add_points(
            session,
            plan,
            [
                (line, kind, secret, personal_data.blind_index(value), _MASKS[kind](value))
                for (line, kind, value), secret in zip(rows, sealed, strict=True)
            ],
        )
    contacts.wipe_clear_values(session, plan)


def _compare(session: Session, plan: Plan) -> tuple[dict[str, int], Sequence[AnyRow]]:
    """What would change, and samples of it."""
    if plan.kind == Kind.LOAN_BOOK:
        counts = loan_book.compare(session, plan)
        samples = loan_book.samples(session, plan) if counts["changed"] or counts["borrowers"] else []
        return counts, [*samples, *(reported.samples(session, plan) if counts["changed"] and plan.is_reported else [])]
    if plan.kind == Kind.SCHEDULE:
        row = facts.compare_schedule(session, plan)
        return _counts(row), facts.schedule_samples(session, plan) if row.changed else []
    if plan.kind == Kind.PAYMENTS:
        return _counts(facts.compare_payments(session, plan)), []
    if plan.kind == Kind.CONTACTS:
        row = contacts.compare(session, plan)
        return _counts(row), contacts.samples(session, plan) if row.changed else []
    row = reported.compare(session, plan)
    return _counts(row), reported.samples(session, plan) if row.changed else []


def _counts(row: AnyRow) -> dict[str, int]:
    return {"new": row.new, "changed": row.changed, "unchanged": row.unchanged}


def _sample(row: AnyRow) -> dict[str, Any]:
    """A change reduced to what differs."""
    differing = [name for name in row.after if row.before.get(name) != row.after[name]]
    return {
        "subject": row.subject,
        "changes": [{"field": name, "from": row.before.get(name), "to": row.after[name]} for name in differing],
    }


def _rules(session: Session, plan: Plan, rows: int) -> list[dict[str, Any]]:
    """A line a rule: its sentence, how many rows, their share, and the first rows with the cell at fault."""
    grouped: dict[str, dict[str, Any]] = {}
    for row in queries.findings(session, plan):
        code = group_of(row.code)
        said = (
            "Some rows have more or fewer cells than the header"
            if code == "cells:some"
            else sentence(Kind(plan.kind), code)
        )
        line = grouped.setdefault(
            code,
            {
                "code": code,
                "sentence": said,
                "is_fault": row.is_fault and code != "row:repeated",
                "rows": 0,
                "lines": [],
            },
        )
        line["rows"] += row.rows
        line["lines"] = sorted({*line["lines"], *row.lines})[:5]
    for line in grouped.values():
        line["share"] = line["rows"] / rows if rows else 0
        line["cells"] = _cells(session, plan, line)
    return sorted(grouped.values(), key=lambda line: (not line["is_fault"], -line["rows"]))


def _cells(session: Session, plan: Plan, line: dict[str, Any]) -> list[str]:
    """The first cells at fault, as they stand in the file; none for personal data."""
    name = line["code"].partition(":")[0]
    position = next((t.position for t in plan.targets if t.name == name), None)
    if position is None or name in _PERSONAL or field_of(Kind(plan.kind), name.partition("__")[0]) is None:
        return []
    found = queries.cells_of(session, plan, line["lines"], position)
    return [found[number] or "" for number in line["lines"] if number in found]
