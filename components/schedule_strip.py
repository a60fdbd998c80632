"""A loan's schedule as a strip of instalments, coloured and marked by how each was paid."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from components import dates, money, palette
from services.borrowers import Paid, StripInstalment

_SIGNS = {Paid.ON_TIME: "✓", Paid.LATE: "✓", Paid.PARTLY: "½", Paid.UNPAID: "✕", Paid.FUTURE: ""}


def _colours() -> dict[Paid, str]:
    colours = palette.current()
    return {
        Paid.ON_TIME: colours.cured,
        Paid.LATE: colours.due_soon,
        Paid.PARTLY: colours.due_soon,
        Paid.UNPAID: colours.broken,
        Paid.FUTURE: "transparent",
    }


def show(instalments: Sequence[StripInstalment], *, is_reported: bool) -> None:
    """Draw the strip; pointing at an instalment tells its figures.

    Args:
        instalments: in order of their dates.
        is_reported: months as the lender reported them, for loans without a schedule.
    """
    if not instalments:
        st.caption("No schedule was imported for this loan. Import one to see how each instalment was paid.")
        return
    colours = _colours()
    cells = "".join(_cell(instalment, colours, is_reported=is_reported) for instalment in instalments)
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:3px">{cells}</div>')
    st.caption(_summary(instalments, is_reported=is_reported))


def _cell(instalment: StripInstalment, colours: dict[Paid, str], *, is_reported: bool) -> str:
    edge = palette.current().unknown if instalment.how is Paid.FUTURE else colours[instalment.how]
    is_full = instalment.how in {Paid.ON_TIME, Paid.UNPAID}
    ground = colours[instalment.how] if is_full else "transparent"
    ink = palette.current().surface if is_full else edge
    return (
        f'<span title="{escape(_told(instalment, is_reported=is_reported))}" style="width:20px;height:20px;'
        f"border-radius:3px;border:1.5px solid {edge};background:{ground};color:{ink};font-size:11px;line-height:17px;"
        f'text-align:center;display:inline-block;box-sizing:border-box">{_SIGNS[instalment.how]}</span>'
    )


def _told(instalment: StripInstalment, *, is_reported: bool) -> str:
    if is_reported:
        return f"{dates.day(instalment.due_on)}: {instalment.days_late} days past due, as reported"
    late = f", {instalment.days_late} days late" if instalment.days_late else ""
    return (
        f"No. {instalment.number}, {dates.day(instalment.due_on)}: {instalment.how}{late}; "
        f"{money.full(instalment.paid)} of {money.full(instalment.amount)}"
    )


def _summary(instalments: Sequence[StripInstalment], *, is_reported: bool) -> str:
    counted = {how: sum(1 for instalment in instalments if instalment.how is how) for how in Paid}
    words = " · ".join(f"{number} {how}" for how, number in counted.items() if number)
    return f"Months as reported by the lender: {len(instalments)}" if is_reported else words
