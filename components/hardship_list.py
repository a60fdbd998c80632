"""Applications for relief of the whole book: what waits, what is to be reviewed, who is in relief."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import streamlit as st

from components import empty, exports, filters, money, palette, tables
from components.tables import Column
from services import hardship, lender
from services.actors import Actor
from services.exports import Field
from services.hardship import STATUSES, Hardship

_LISTS = {
    "open": ("Waiting and in relief", ("waiting", "review_due", "in_relief")),
    "waiting": ("Waiting for a decision", ("waiting",)),
    "review_due": ("To be reviewed", ("review_due",)),
    "ended": ("Ended", ("ended",)),
    "refused": ("Refused or taken back", ("refused", "withdrawn")),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """An application in the table."""

    borrower_id: int
    number: str
    borrower: str
    status: str
    relief: str
    cause: str
    next_on: date | None
    relief_from: date
    relief_until: date
    amount: Decimal | None
    left: Decimal
    waits: int | None
    applied_on: date
    applied_by: str | None
    decided_by: str | None


_FIELDS = tuple(
    Field(name, label)
    for name, label in (
        ("number", "Application"),
        ("borrower", "Borrower"),
        ("status", "Status"),
        ("relief", "Relief"),
        ("cause", "Cause"),
        ("applied_on", "Applied on"),
        ("waits", "Days waiting"),
        ("relief_from", "From"),
        ("relief_until", "Until"),
        ("next_on", "Review on"),
        ("amount", "Each month"),
        ("left", "Left a month"),
        ("applied_by", "Applied by"),
        ("decided_by", "Decided by"),
    )
)


def show(actor: Actor) -> None:
    """The state of things as a sentence, the list, and its export."""
    today = lender.current().today
    with filters.bar():
        listed = filters.one("List", {name: label for name, (label, _) in _LISTS.items()}, name="list", width=230)
    found = hardship.listing(actor, _LISTS[listed][1])
    st.subheader(_headline(found, listed), anchor=False)
    if not found:
        empty.empty(
            "No application in this list.", "Relief is applied for on the borrower's page, with the action “Hardship”."
        )
        return
    lines = _lines(found, today)
    picked = tables.table(lines, _columns(), key="hardship.table", select="borrower_id")
    tables.totals(len(lines), noun="applications")
    exports.downloads(f"Hardship {_LISTS[listed][0]}", lines, columns=_FIELDS, key="hardship.export")
    if picked is not None:
        st.switch_page("pages/borrower.py", query_params={"borrower": str(picked)})


def _headline(found: Sequence[Hardship], listed: str) -> str:
    if listed != "open":
        return f"{_LISTS[listed][0]}: {money.count(len(found))}"
    parts = [
        f"{money.count(number)} {words}"
        for status, words in (
            ("waiting", "wait for a decision"),
            ("review_due", "to be reviewed"),
            ("in_relief", "in relief"),
        )
        if (number := sum(each.status == status for each in found))
    ]
    return ", ".join(parts) if parts else "Nobody waits for relief or is in relief"


def _lines(found: Sequence[Hardship], today: date) -> list[_Line]:
    return [
        _Line(
            borrower_id=each.borrower_id,
            number=each.number,
            borrower=f"{each.borrower_name} · {each.borrower_number}",
            status=STATUSES[each.status],
            relief=hardship.RELIEFS[each.relief],
            cause=hardship.CAUSES[each.cause],
            next_on=each.next_review_on if each.status in {"in_relief", "review_due"} else None,
            relief_from=each.relief_from,
            relief_until=each.relief_until,
            amount=each.amount,
            left=each.means.disposable,
            waits=(today - each.applied_on).days if each.status == "waiting" else None,
            applied_on=each.applied_on,
            applied_by=each.applied_by_name,
            decided_by=each.decided_by_name,
        )
        for each in found
    ]


def _columns() -> tuple[Column, ...]:
    now = palette.current()
    colours = {
        STATUSES["waiting"]: now.due_soon,
        STATUSES["review_due"]: now.due_soon,
        STATUSES["in_relief"]: now.cured,
        STATUSES["refused"]: now.broken,
    }
    return (
        Column("number", "Application", is_pinned=True, width=95),
        Column("borrower", "Borrower", width=210),
        Column("status", "Status", "chip", colours=colours, width=150),
        Column("waits", "Days waiting", "number", width=95),
        Column("next_on", "Review on", "date", width=100),
        Column("relief", "Relief", width=125),
        Column("relief_from", "From", "date", width=100),
        Column("relief_until", "Until", "date", width=100),
        Column("amount", "Each month", "money", width=100),
        Column("left", "Left a month", "money", width=105, help="Income less outgoings, as stated"),
        Column("cause", "Cause", width=170),
        Column("applied_on", "Applied", "date", width=100),
        Column("applied_by", "By", width=120),
        Column("decided_by", "Decided by", width=120),
    )
