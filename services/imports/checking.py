"""From a staged file to a report: typed values, faults by rule, and what committing would change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import batches, contacts, following, loan_book, payments, reported, schedule, typing
from db.queries.imports import checking as queries
from db.queries.imports.plan import Plan
from services import lender, personal_data
from services.imports.errors import DateOrderNeeded
from services.imports.fields import Kind
from services.imports.reporting import rules, sample

_MASKS = {
    "phone": personal_data.mask_phone,
    "whatsapp": personal_data.mask_phone,
    "email": personal_data.mask_email,
    "address": personal_data.mask_address,
}
EDITION = 2
"""Raised when a version finds more or lists otherwise: what an earlier one checked is checked again at the commit."""


def check(session: Session, plan: Plan) -> tuple[Plan, dict[str, int], dict[str, Any]]:
    """Type and judge the staged rows.

    Returns:
        The plan (with the date order, if the file itself told it), counts, and the report.

    Raises:
        DateOrderNeeded: dates can be read two ways and nothing tells which.
    """
    settings = lender.load(session)
    plan = replace(plan, today=settings.today)
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
    left_alone = following.left_alone(session, plan)
    counts = {
        "rows": tally.rows,
        "accepted": tally.accepted,
        "rejected": tally.rejected,
        "repeated": tally.repeated,
        "loans_not_moved": left_alone.loans if left_alone and not plan.options.get("derive") else 0,
        **changes,
    }
    is_any = tally.accepted < tally.rows or tally.noted > 0
    report = {
        "rules": rules(session, plan, rows=tally.rows, left_alone=left_alone, is_any=is_any),
        "samples": [sample(row) for row in samples],
        "data_version": settings.data_version,
        "edition": EDITION,
    }
    return plan, counts, report


def is_stale(session: Session, report: Mapping[str, Any]) -> bool:
    """Whether a check does not tell any more what a commit would do: the book has changed since, or the product."""
    told = (report.get("data_version"), report.get("edition"))
    return told != (lender.load(session).data_version, EDITION)


def _mark(session: Session, plan: Plan) -> bool:
    """Mark what is wrong with rows beside others, in the file or in the book; whether any is."""
    marked = int(queries.mark_repeats(session, plan))
    if plan.kind == Kind.LOAN_BOOK:
        marked += queries.mark_differing_names(session, plan)
    if plan.kind == Kind.SCHEDULE and not plan.has("number"):
        marked += schedule.number_by_due_date(session, plan)
    if plan.kind == Kind.PAYMENTS:
        payments.list_entries(session, plan)
        if wrong := payments.mark_contradictions(session, plan) + payments.mark_unknown_reversals(session, plan):
            payments.list_entries(session, plan)
        marked += wrong + payments.take_back_bounced(session, plan)
    return marked > 0


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
        row = schedule.compare(session, plan)
        return _counts(row), schedule.samples(session, plan) if row.changed or row.new else []
    if plan.kind == Kind.PAYMENTS:
        return _counts(payments.compare(session, plan)), []
    if plan.kind == Kind.CONTACTS:
        row = contacts.compare(session, plan)
        return _counts(row), contacts.samples(session, plan) if row.changed else []
    row = reported.compare(session, plan)
    return _counts(row), reported.samples(session, plan) if row.changed else []


def _counts(row: AnyRow) -> dict[str, int]:
    return {"new": row.new, "changed": row.changed, "unchanged": row.unchanged}
