"""An agent's day: what is to be visited, in a sensible order, on a map and as a list; one visit when it is opened."""

from datetime import date, timedelta

import streamlit as st

from components import case_panel, dates, empty, money, notices, position, visit_map, visit_panel
from services import lender, visits
from services.actors import Actor
from services.errors import NotFound
from services.visits import PLACES, STATUSES, Day, Visit

_STYLE = """
<style>
.st-key-visit_list [data-testid="stVerticalBlockBorderWrapper"] { padding: .2rem 0; }
.st-key-visit_list p { margin-bottom: 0; }
</style>
"""
COLOURS = {"planned": "blue", "checked_in": "orange", "done": "green", "missed": "red", "cancelled": "gray"}


def show(actor: Actor) -> None:
    """The day, or the visit that the address names."""
    if (opened := _named()) is not None:
        _one(actor, opened)
        return
    today = lender.current().today
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        on = st.date_input(
            "Day", value=today, min_value=today - timedelta(days=30), max_value=today + timedelta(days=60),
            key="visits.day", format="DD/MM/YYYY", width=150,
        )  # fmt: skip
        here = position.ask("Start from here", key="visits.start")
    if not isinstance(on, date):
        return
    with notices.showing_errors():
        day = visits.day(actor, on, start=here.fix.position if here.fix else None)
        _day(day, on, today, here.fix.position if here.fix else None)


def _named() -> int | None:
    named = st.query_params.get("visit", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


def _day(day: Day, on: date, today: date, start: visits.Position | None) -> None:
    st.subheader(_headline(day, on, today), anchor=False)
    if not day.visits:
        empty.empty(
            "No visit is planned for this day.",
            "Plan the day under “Plan”, or one visit on a borrower's page, with the action “Visit”.",
        )
        return
    visit_map.show(day.visits, start=start)
    if day.unplaced:
        lead = (
            "1 address is not on the map yet and comes"
            if day.unplaced == 1
            else (f"{day.unplaced} addresses are not on the map yet and come")
        )
        st.caption(f"{lead} last. A check-in where somebody is met puts an address on the map.")
    st.html(_STYLE)
    with st.container(key="visit_list", gap="small"):
        for number, visit in enumerate(day.visits, start=1):
            _card(number, visit)


def _headline(day: Day, on: date, today: date) -> str:
    left = sum(visit.is_open for visit in day.visits)
    done = sum(visit.status == "done" for visit in day.visits)
    when = dates.relative(on, today)
    if not day.visits:
        return f"No visits {when}"
    parts = [f"{left} to make {when}" if left else f"Nothing left to make {when}"]
    if day.metres > 500:
        parts.append(f"{day.metres / 1000:.1f} km as the crow flies")
    if done:
        parts.append(f"{done} done")
    return ", ".join(parts)


def _card(number: int, visit: Visit) -> None:
    with (
        st.container(border=True, gap="small"),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        status = f":{COLOURS[visit.status]}[{STATUSES[visit.status]}]"
        lead = f"**{number}. {case_panel.plain(visit.borrower_name)}** {status}"
        st.markdown(lead + "  \n" + _line(visit).replace("$", "\\$"), width="stretch")
        st.button(
            "Open",
            key=f"visits.open.{visit.id}",
            on_click=_open,
            args=(visit.id,),
            type="primary" if visit.status == "checked_in" else "secondary",
        )


def _line(visit: Visit) -> str:
    parts = [
        f"at {visit.appointed_at:%H:%M}" if visit.appointed_at else "",
        PLACES[visit.place],
        visit.city or "",
        f"{money.full(visit.overdue_amount)} overdue, {visit.max_dpd} DPD",
        visit.outcome_label or "",
        f"took {money.full(visit.received)}" if visit.received else "",
    ]
    return " · ".join(part for part in parts if part)


def _open(visit_id: int) -> None:
    st.query_params["visit"] = str(visit_id)


def _one(actor: Actor, visit_id: int) -> None:
    st.button("Back to the day", icon=":material/arrow_back:", key="visits.back", on_click=_close, type="tertiary")
    try:
        visit = visits.one(actor, visit_id)
    except NotFound as missing:
        empty.empty(missing.message)
        return
    visit_panel.show(actor, visit)


def _close() -> None:
    st.query_params.pop("visit", None)
