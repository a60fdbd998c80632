"""All settlements: what waits, what runs, what was given up; with the list for the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from components import empty, exports, filters, money, palette, tables
from components.tables import Column
from services import lender, settlements
from services.actors import Actor
from services.exports import Field
from services.settlements import Listed, Listing

_LISTS = {
    "open": "Waiting and running",
    "expiring": "To be accepted in 7 days",
    "quarter": "Offered this quarter",
    "last_quarter": "Offered last quarter",
    "completed": "Completed",
    "broken": "Broken",
    "all": "All",
}
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class _Line:
    """A settlement in the table."""

    borrower_id: int
    number: str
    borrower: str
    loan_number: str
    product: str
    status: str
    next_on: date | None
    owed: Decimal
    sacrifice: Decimal
    percent: Decimal
    amount: Decimal
    paid_amount: Decimal
    gain: Decimal
    is_restructuring: str
    offered_on: date
    offered_by: str | None
    approved_by: str | None


_FIELDS = tuple(
    Field(name, label)
    for name, label in (
        ("number", "Settlement"),
        ("borrower", "Borrower"),
        ("loan_number", "Loan"),
        ("product", "Product"),
        ("status", "Status"),
        ("offered_on", "Proposed on"),
        ("next_on", "Next date"),
        ("owed", "Owed"),
        ("sacrifice", "Waived"),
        ("percent", "Waived percent"),
        ("amount", "To be paid"),
        ("paid_amount", "Paid"),
        ("gain", "Worth more than expected"),
        ("is_restructuring", "Restructuring"),
        ("offered_by", "Proposed by"),
        ("approved_by", "Approved by"),
    )
)


def show(actor: Actor) -> None:
    """The state of things as a sentence, the figures, the list, and its export."""
    today = lender.current().today
    with filters.bar():
        listed = filters.one("List", _LISTS, name="list", width=230)
    found = settlements.listing(actor, wanted(listed, today), limit=_SHOWN)
    st.subheader(_headline(found, listed), anchor=False)
    _figures(found)
    if not found.rows:
        empty.empty(
            "No settlement in this list.",
            "A settlement is proposed on the borrower's page, with the action “Settlement”.",
        )
        return
    picked = tables.table(_lines(found), _columns(), key="settlements.table", select="borrower_id")
    tables.totals(
        len(found.rows),
        noun="settlements",
        of=found.number,
        sums=(("waived", sum((each.sacrifice for each in found.sums), Decimal(0))),),
    )
    exports.downloads(
        f"Settlements {_LISTS[listed]}",
        lambda: _lines(settlements.listing(actor, wanted(listed, today))),
        columns=_FIELDS,
        key="settlements.export",
    )
    if picked is not None:
        st.switch_page("pages/borrower.py", query_params={"borrower": str(picked)})


def wanted(listed: str, today: date) -> Listed:
    """What a list asks for, on a day. A quarter is of the calendar."""
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    before = quarter - timedelta(days=1)
    return {
        "open": Listed(statuses=tuple(sorted(settlements.LIVE))),
        "expiring": Listed(expires_by=today + timedelta(days=7)),
        "quarter": Listed(first=quarter),
        "last_quarter": Listed(first=date(before.year, before.month - 2, 1), last=before),
        "completed": Listed(statuses=("completed",)),
        "broken": Listed(statuses=("broken",)),
    }.get(listed, Listed())


def _headline(found: Listing, listed: str) -> str:
    if listed != "open":
        return f"{_LISTS[listed]}: {money.count(found.number)}"
    by = {each.status: each.number for each in found.sums}
    parts = [
        f"{money.count(by[status])} {words}"
        for status, words in (
            ("behind", "behind"),
            ("offered", "wait for the borrower"),
            ("proposed", "wait for approval"),
            ("running", "run"),
        )
        if by.get(status)
    ]
    return ", ".join(parts) if parts else "No settlement is waiting or running"


def _figures(found: Listing) -> None:
    owed, waived, agreed, paid = (
        sum((getattr(each, name) for each in found.sums), Decimal(0))
        for name in ("owed", "sacrifice", "amount", "paid")
    )
    share = f"{waived * 100 / owed:.1f} %" if owed else "–"
    with st.container(horizontal=True, gap="large"):
        for label, figure, meaning in (
            ("Settlements", money.count(found.number), "In this list"),
            ("Owed", money.short(owed), f"{money.full(owed)} on the days of the offers"),
            ("Waived", money.short(waived), f"{money.full(waived)}: the sacrifice, whether or not it came to be"),
            ("Of what is owed", share, "Waived, as a share of owed"),
            ("To be paid", money.short(agreed), money.full(agreed)),
            ("Paid", money.short(paid), f"{money.full(paid)} since the offers were accepted"),
        ):
            st.metric(label, figure, help=meaning, width="content")


def _lines(found: Listing) -> Sequence[_Line]:
    return [
        _Line(
            borrower_id=each.borrower_id,
            number=each.number,
            borrower=f"{each.borrower_name} · {each.borrower_number}",
            loan_number=each.loan_number,
            product=row.product,
            status=row.status,
            next_on=row.next_on,
            owed=each.owed.whole,
            sacrifice=each.waived.whole,
            percent=each.percent.quantize(Decimal("0.1")),
            amount=each.amount,
            paid_amount=each.paid_amount,
            gain=each.worth.gain,
            is_restructuring="yes" if each.is_restructuring else "",
            offered_on=each.offered_on,
            offered_by=each.offered_by_name,
            approved_by=each.approved_by_name,
        )
        for row in found.rows
        for each in (row.settlement,)
    ]


def _columns() -> tuple[Column, ...]:
    now = palette.current()
    words = settlements.STATUSES
    colours = {
        words["running"]: now.cured,
        words["completed"]: now.cured,
        words["broken"]: now.broken,
        words["behind"]: now.due_soon,
        words["offered"]: now.due_soon,
        words["proposed"]: now.due_soon,
    }
    return (
        Column("number", "Settlement", is_pinned=True, width=95),
        Column("borrower", "Borrower", width=210),
        Column("status", "Status", "chip", colours=colours, width=190),
        Column("next_on", "Next date", "date", width=100, help="Last day to accept, or date of the next part"),
        Column("owed", "Owed", "money", width=105, help="On the day of the offer"),
        Column("sacrifice", "Waived", "money", width=105),
        Column("percent", "Waived %", "number", width=80),
        Column("amount", "To be paid", "money", width=105),
        Column("paid_amount", "Paid", "money", width=105),
        Column("gain", "Against waiting", "money", width=115, help="Present value less what is expected without it"),
        Column("is_restructuring", "Restructuring", width=105, help="Runs longer than the policy's months (IN-19)"),
        Column("product", "Product", width=130),
        Column("offered_on", "Proposed", "date", width=100),
        Column("offered_by", "By", width=120),
        Column("approved_by", "Approved by", width=120),
    )
