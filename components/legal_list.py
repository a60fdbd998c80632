"""The legal page without an action opened: figures, the list by what runs out next, the calendar of hearings."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import dates, empty, exports, filters, legal_batches, legal_setup, money, palette, tables
from components.tables import Column
from services import legal
from services.actors import Actor, Permission
from services.legal import KINDS, LISTS, Action, Urgency, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACE = "legal.list"
_WEEK = "legal.week"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the list."""

    id: int
    number: str
    urgency: str
    days_left: int | None
    next_words: str | None
    next_by: Any
    borrower: str
    kind: str
    status: str
    amount: Any
    officer: str | None


def chosen() -> int | None:
    """The action that the address names."""
    named = st.query_params.get("action", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


def go_to(action_id: int | None) -> None:
    """Make an action the one that the address names; None: the list."""
    if action_id is None:
        st.query_params.pop("action", None)
    else:
        st.query_params["action"] = str(action_id)


def head(actor: Actor) -> None:
    """The state of things as a sentence, and the figures."""
    found = legal.figures(actor)
    st.subheader(_headline(found), anchor=False)
    days = found.alert_days
    with st.container(horizontal=True, gap="large"):
        for label, figure, meaning in (
            ("Open actions", money.count(found.open), "Not closed"),
            ("Ran out", money.count(found.lapsed), "The last day for the notice, filing or payment has passed"),
            (f"Runs out in {days} days", money.count(found.soon), "Clocks that end soon, today included"),
            (f"Hearings in {days} days", money.count(found.hearings), "Without a result yet"),
            ("Paid in time", money.count(found.paid), "The cause has ended: close these"),
            ("Demanded", money.short(found.amount), money.full(found.amount)),
            ("Expenses", money.short(found.expenses), f"{money.full(found.expenses)} on open actions"),
        ):
            st.metric(label, figure, help=meaning, width="content")


def _headline(found: legal.Figures) -> str:
    if found.soon:
        runs = "clock runs" if found.soon == 1 else "clocks run"
        return f"{money.count(found.soon)} {runs} out within {found.alert_days} days"
    if found.lapsed:
        are = "action has" if found.lapsed == 1 else "actions have"
        return f"{money.count(found.lapsed)} {are} a clock that ran out"
    return "No clock runs out soon" if found.open else "No legal action is open"


def show(actor: Actor) -> None:
    """The view that is chosen; batches and texts only for those who set up legal actions."""
    views: dict[str, tuple[str, Callable[[Actor], None]]] = {
        "next": ("What runs out next", _list),
        "hearings": ("Hearings", _hearings),
    }
    if actor.may(Permission.SET_UP_LEGAL):
        views["batches"] = ("Notices in batches", legal_batches.show)
    views["setup"] = ("Texts and clocks", legal_setup.show)
    view = st.segmented_control(
        "View",
        list(views),
        default="next",
        required=True,
        format_func=lambda each: views[each][0],
        key="legal.view",
        label_visibility="collapsed",
    )
    views[view if view in views else "next"][1](actor)


def _list(actor: Actor) -> None:
    wanted = _filters(actor)
    after = tables.position(_PLACE)
    page = legal.page(actor, wanted, after=after)
    if not page.rows:
        empty.empty(
            "No legal actions in this list.",
            "An action is opened on the borrower's page, with the act “Legal”.",
        )
        return
    picked = tables.table([_row(row) for row in page.rows], _columns(), key="legal.table", select="id")
    tables.totals(
        len(page.rows), noun="actions", sums=[("demanded", sum((row.amount for row in page.rows), Decimal(0)))]
    )
    tables.next_page(_PLACE, page.next_after, is_first=after is None)
    exports.downloads(
        f"Legal actions {LISTS[wanted.listed]}",
        lambda: legal.export(actor, wanted),
        columns=legal.EXPORT_FIELDS,
        key="legal.export",
    )
    if picked is not None:
        go_to(int(picked))
        st.rerun()


def _filters(actor: Actor) -> Wanted:
    with filters.bar():
        listed = filters.one("List", LISTS, name="list")
        kinds = filters.many("Kind", KINDS, name="kind")
        is_mine = actor.may(Permission.VIEW_ALL_CASES) and st.toggle(
            "Mine", key="legal.mine", help="Cases of which you are the legal officer"
        )
    wanted = Wanted(listed=listed, kinds=kinds, is_mine=is_mine)
    if st.session_state.get("legal.wanted") != wanted:
        st.session_state["legal.wanted"] = wanted
        tables.restart(_PLACE)
    return wanted


def _row(row: Action) -> _Row:
    return _Row(
        id=row.id,
        number=row.number,
        urgency=row.urgency if row.next_by is not None else "",
        days_left=row.days_left,
        next_words=row.next_words,
        next_by=row.next_by,
        borrower=f"{row.borrower_name} · {row.borrower_number}",
        kind=row.kind_words,
        status=row.status_words,
        amount=row.amount,
        officer=row.officer_name,
    )


def urgency_colours() -> dict[str, str]:
    """The colour of each urgency's chip."""
    now = palette.current()
    return {
        Urgency.LAPSED.value: now.broken,
        Urgency.DUE_SOON.value: now.due_soon,
        Urgency.IN_TIME.value: now.cured,
    }


def _columns() -> tuple[Column, ...]:
    return (
        Column("number", "Action", is_pinned=True, width=95),
        Column("urgency", "Clock", "chip", colours=urgency_colours(), width=115, help="Against the clock that runs"),
        Column("days_left", "Days left", "number", width=75),
        Column("next_words", "Next", width=170),
        Column("next_by", "By", "date", width=100),
        Column("borrower", "Borrower", width=190),
        Column("kind", "Kind", width=215),
        Column("status", "Status", width=125),
        Column("amount", "Demanded", "money", width=100),
        Column("officer", "Legal officer", width=105),
    )


_HEARINGS = (
    Column("on_date", "Day", "date", width=105),
    Column("number", "Action", width=95),
    Column("borrower_name", "Borrower", width=180),
    Column("purpose_words", "Purpose", width=130),
    Column("forum", "Court", width=180),
    Column("result", "Result", width="large"),
)


def _hearings(actor: Actor) -> None:
    shown = st.session_state.get(_WEEK)
    asked = shown if isinstance(shown, date) else legal.today(actor)
    monday, found = legal.hearings(actor, week_of=asked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "",
            icon=":material/chevron_left:",
            key="legal.week.before",
            help="The week before",
            on_click=_turn,
            args=(monday, -7),
        )
        st.markdown(f"**{dates.day(monday)} to {dates.day(monday + timedelta(days=6))}**", width="content")
        st.button(
            "",
            icon=":material/chevron_right:",
            key="legal.week.after",
            help="The week after",
            on_click=_turn,
            args=(monday, 7),
        )
        st.button("This week", key="legal.week.now", type="tertiary", on_click=_this_week)
    if not found:
        empty.empty("No hearing in this week.", "Hearings are set on an action once it is filed.")
        return
    picked = tables.table(found, _HEARINGS, key="legal.hearings", select="action_id")
    tables.totals(len(found), noun="hearings" if len(found) > 1 else "hearing")
    if picked is not None:
        go_to(int(picked))
        st.rerun()


def _turn(monday: date, days: int) -> None:
    st.session_state[_WEEK] = monday + timedelta(days=days)


def _this_week() -> None:
    st.session_state.pop(_WEEK, None)
