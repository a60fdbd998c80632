"""What the check found, what committing would change, and what a committed import did."""

from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from components import dates, guard, import_steps, money
from components.notices import plain
from components.tables import Column, table
from services import imports
from services.actors import Actor
from services.imports import BatchSummary, rejects
from services.imports.fields import Kind, field_of

_DONE = {
    "borrowers_new": "borrower{} added", "borrowers_changed": "borrower{} changed", "loans_new": "loan{} added",
    "loans_changed": "loan{} changed", "instalments_new": "instalment{} added",
    "instalments_changed": "instalment{} changed", "payments_new": "payment{} or reversal{} added",
    "bounces_new": "bounce{} added", "payments_taken_back": "payment{} taken back as bounced",
    "points_new": "contact point{} added", "points_changed": "contact point{} changed",
    "reported_new": "reported figure{} added", "reported_changed": "reported figure{} changed",
    "loans_turned": "loan{} derived from the schedule now",
}  # fmt: skip
"""What a commit did; the braces stand for the plural."""


def report(actor: Actor, batch: BatchSummary) -> None:
    """Check and preview: a line a rule, counts, samples of change."""
    if batch.error:
        st.error(plain(batch.error), icon=":material/error:")
    counts = batch.counts
    st.subheader(f"{money.count(counts['accepted'])} of {money.counted(counts['rows'], 'row')} can be taken")
    if batch.report["rules"]:
        _rules(actor, batch)
    else:
        st.caption(":green[:material/check:] No rule found anything.")
    st.subheader("What would change")
    named = [(name, counts[name]) for name in ("new", "changed", "unchanged", "missing") if name in counts]
    helps = {"missing": "Open loans of the book that the file does not name. They are left as they are."}
    for place, (name, value) in zip(st.columns(len(named)), named, strict=True):
        place.metric(name.capitalize(), money.count(value), help=helps.get(name))
    if others := counts.get("borrowers"):
        st.caption(f"{money.counted(others, 'borrower')} of new loans would change, too.")
    _samples(batch)


_RULE_COLUMNS = (
    Column("sign", "", width=75),
    Column("sentence", "Rule", width=530),
    Column("rows", "Rows", "number", width=80),
    Column("share", "Share", "percent", width=75),
    Column("lines", "First rows", width=130),
    Column("cells", "In the file"),
)


def _rules(actor: Actor, batch: BatchSummary) -> None:
    """A line a rule, and what to do about it."""
    table([_rule(rule) for rule in batch.report["rules"]], _RULE_COLUMNS, key="imports.rules")
    if batch.counts.get("loans_not_moved") and batch.kind in (Kind.SCHEDULE, Kind.PAYMENTS):
        st.info(
            "Loans whose book or a snapshot states days past due keep to those figures, so this file does not change "
            "where they stand. To derive days past due instead, import their schedule with *Derive days past due* "
            "chosen under Columns, and all their payments.",
            icon=":material/info:",
        )
    _rejects(actor, batch)


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "sign": "rejected" if rule["is_fault"] else "note",
        "sentence": rule["sentence"],
        "rows": rule["rows"],
        "share": rule["share"],
        "lines": ", ".join(str(line) for line in rule["lines"]),
        "cells": " · ".join(rule["cells"][:3]),
    }


def _rejects(actor: Actor, batch: BatchSummary) -> None:
    if batch.counts.get("rejected") and not rejects.are_kept(batch):
        st.caption(f"The rejected rows were removed after {rejects.KEEP_DAYS} days.")
    elif batch.counts.get("rejected"):
        st.download_button(
            f"Download {money.counted(batch.counts['rejected'], 'rejected row')}",
            data=guard.when_pressed(lambda: imports.rejects_csv(actor, batch.id)),
            file_name=f"rejected-{batch.id}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="imports.rejects",
            help="With a column that says why. Mend the rows and upload the file again.",
        )


def _samples(batch: BatchSummary) -> None:
    rows = [
        {
            "subject": sample["subject"],
            "field": _label(batch.kind, change["field"]),
            "from": _text(batch.kind, change["field"], change["from"]),
            "to": _text(batch.kind, change["field"], change["to"]),
        }
        for sample in batch.report.get("samples", [])
        for change in sample["changes"]
    ]
    if rows:
        columns = (Column("subject", "Whose"), Column("field", "Field"), Column("from", "From"), Column("to", "To"))
        table(rows[:100], columns, key="imports.samples")


_NAMES = {"name": "borrower_name", "status": "reported_status"}


def _label(kind: Kind, name: str) -> str:
    """The field's name as the columns step has it; the file's own header for attributes."""
    field = field_of(kind, _NAMES.get(name, name))
    return field.label if field else name


def _text(kind: Kind, name: str, value: Any) -> str | None:
    """A value as screens write it."""
    field = field_of(kind, _NAMES.get(name, name))
    if value is None or field is None:
        return None if value is None else str(value)
    if field.type == "amount":
        return money.full(Decimal(str(value)))
    if field.type == "date":
        return dates.day(date.fromisoformat(value))
    if field.type == "flag":
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def commit_bar(actor: Actor, batch: BatchSummary, *, is_as_seen: bool) -> None:
    """The next act: commit, mend the columns, or give up. What was clicked on another preview is not done."""
    with st.container(horizontal=True):
        if (
            st.button(
                f"Commit {money.counted(batch.counts['accepted'], 'row')}",
                type="primary",
                icon=":material/done_all:",
                disabled=not batch.counts["accepted"],
                help=None if batch.counts["accepted"] else "No row can be taken: mend the file or the columns.",
                key="imports.commit",
            )
            and is_as_seen
        ):
            imports.request_commit(actor, batch.id)
            import_steps.changed_here()
            st.rerun()
        if st.button("Back to columns", icon=":material/arrow_back:", key="imports.back") and is_as_seen:
            imports.set_reading(
                actor, batch.id, mapped=batch.mapping, options=batch.options, profile_id=batch.profile_id
            )
            import_steps.changed_here()
            st.rerun()
        if st.button("Give up", icon=":material/delete:", type="tertiary", key="imports.discard") and is_as_seen:
            import_steps.give_up(actor, batch)


def result(actor: Actor, batch: BatchSummary) -> None:
    """What a finished import did, and the way to take it back."""
    if batch.error:
        st.error(plain(batch.error), icon=":material/error:")
    if batch.status == "undone":
        st.info(f"Taken back on {dates.moment(batch.undone_at)}.", icon=":material/undo:")
        return
    if batch.status != "committed":
        st.info("This file was given up.", icon=":material/info:")
        return
    st.success(f"Committed on {dates.moment(batch.committed_at)}.", icon=":material/check_circle:")
    done = [
        f"**{money.count(number)}** {words.replace('{}', '' if number == 1 else 's')}"
        for name, words in _DONE.items()
        if (number := batch.counts.get(name))
    ]
    st.markdown(" · ".join(done) or "Nothing in the file was new.")
    if batch.report.get("rules"):
        _rules(actor, batch)
    with st.popover("Undo this import", icon=":material/undo:"):
        st.markdown("What it added is removed and what it changed is restored, as long as nothing later depends on it.")
        if st.button("Undo", type="primary", key="imports.undo"):
            imports.request_undo(actor, batch.id)
            st.rerun()
