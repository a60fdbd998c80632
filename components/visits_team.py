"""The leader's view of the field: how visits went by agent, and the visits of some days."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import streamlit as st

from components import empty, exports, filters, money, palette, tables
from components.tables import Column
from services import contacts, lender, visits
from services.actors import Actor
from services.exports import Field
from services.visits import PLACES, STATUSES, AgentDays, Visit

_SPANS = {"1": "Today", "7": "Last 7 days", "30": "Last 30 days"}
_AGENTS = (
    Column("agent_name", "Agent", is_pinned=True, width=160),
    Column("visits", "Planned", "number", width=80),
    Column("done", "Made", "number", width=80),
    Column("met", "Met somebody", "number", width=110, help="Borrower, co-borrower or guarantor was there"),
    Column("missed", "Missed", "number", width=80, help="Planned for a day that is over, and nobody checked in"),
    Column("far", "Far away", "number", width=90, help="Check-ins farther from the address than the limit"),
    Column("without_position", "No position", "number", width=100),
    Column("received", "Money taken", "money", width=120),
)
_FIELDS = tuple(
    Field(name, label)
    for name, label in (
        ("number", "Visit"), ("planned_on", "Day"), ("agent_name", "Agent"), ("borrower_name", "Borrower"),
        ("borrower_number", "Number"), ("city", "City"), ("place", "Place"), ("status", "Status"),
        ("outcome_label", "Outcome"), ("person", "Person met"), ("received", "Money taken"), ("purpose", "Purpose"),
        ("cancel_reason", "Why called off"),
    )
)  # fmt: skip


def show(actor: Actor) -> None:
    """Agents in a table, then the visits themselves; a visit leads to its panel."""
    with filters.bar():
        span = int(filters.one("When", _SPANS, name="span", width=170))
    by_agent = visits.team(actor, days=span)
    st.subheader(_headline(by_agent, span), anchor=False)
    if not by_agent:
        empty.empty("No visit was planned.", "Plan visits under “Plan”, for an agent and a day.")
        return
    tables.table(by_agent, _AGENTS, key="visits.team")
    today = lender.current().today
    found = visits.listing(actor, first=today - timedelta(days=span - 1), last=today)
    _visits(found)


def _headline(by_agent: Sequence[AgentDays], span: int) -> str:
    when = {1: "today", 7: "in the last 7 days", 30: "in the last 30 days"}[span]
    planned, done = sum(each.visits for each in by_agent), sum(each.done for each in by_agent)
    if not planned:
        return f"No visits {when}"
    met, taken = sum(each.met for each in by_agent), sum((each.received for each in by_agent), Decimal(0))
    return f"{done} of {planned} visits made {when}, somebody met on {met}, {money.short(taken)} taken"


def _visits(found: Sequence[Visit]) -> None:
    now = palette.current()
    colours = {
        STATUSES["planned"]: now.accent,
        STATUSES["checked_in"]: now.due_soon,
        STATUSES["done"]: now.cured,
        STATUSES["missed"]: now.broken,
    }
    rows = [
        {
            "id": each.id, "number": each.number, "on": each.planned_on, "agent": each.agent_name,
            "borrower": f"{each.borrower_name} · {each.borrower_number}", "place": PLACES[each.place],
            "status": STATUSES[each.status], "outcome": each.outcome_label,
            "person": contacts.PERSONS.get(each.person or "", ""),
            "away": each.check_in.distance_m if each.check_in else None, "received": each.received or None,
        }
        for each in found
    ]  # fmt: skip
    picked = tables.table(
        rows,
        (
            Column("number", "Visit", is_pinned=True, width=90),
            Column("status", "Status", "chip", colours=colours, width=110),
            Column("on", "Day", "date", width=100),
            Column("agent", "Agent", width=130),
            Column("borrower", "Borrower", width=220),
            Column("place", "Place", width=120),
            Column("outcome", "Outcome", width=140),
            Column("person", "Met", width=100),
            Column("away", "Metres away", "number", width=100, help="Of the check-in, from the address on the map"),
            Column("received", "Money taken", "money", width=110),
        ),
        key="visits.list",
        select="id",
    )
    tables.totals(len(found), noun="visits")
    exports.downloads("Visits", found, columns=_FIELDS, key="visits.list.export")
    if picked is not None:
        st.query_params["visit"] = str(picked)
        st.rerun()
