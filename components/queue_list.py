"""The list of the queue: filters, tabs with counts, and a line a case."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import escape

import streamlit as st

from components import (
    allocation_cached,
    allocation_panel,
    case_panel,
    dates,
    empty,
    filters,
    form_fields,
    money,
    palette,
    tables,
)
from services import cases, queue
from services.actors import Actor, Permission
from services.queue import Choices, DayStrip, QueueFilter, QueuePage, QueueRow, Tab
from services.scoring import BANDS

STYLE = """
<style>
.st-key-queue_list [data-testid="stVerticalBlock"] { gap: .1rem; }
.st-key-queue_rows button { padding: .1rem 0; min-height: 1.6rem; }
.st-key-queue_rows button, .st-key-queue_rows button > div { justify-content: flex-start; text-align: left; }
.st-key-queue_rows [data-testid="stHorizontalBlock"] { padding: .15rem 0 .3rem; }
.st-key-queue_list [role="radiogroup"] button { padding: .1rem .4rem; min-height: 1.8rem; }
.st-key-queue_list [role="radiogroup"] button p { font-size: .84rem; }
.st-key-queue_rows [data-testid="stHtml"] { margin-top: -.35rem; }
.st-key-queue_back { display: none; }
.st-key-case_record p { font-size: .9rem; line-height: 1.4; }
.st-key-case_record [data-testid="stVerticalBlock"] { gap: .2rem; }
@media (max-width: 640px) {
  .st-key-queue_back { display: flex; }
  .st-key-queue_page:has(.st-key-queue_case) .st-key-queue_list { display: none; }
  .st-key-queue_page:has(.st-key-queue_case) .st-key-queue_strip { display: none; }
}
</style>
"""

RISKS = {str(band): BANDS[band] for band in sorted(BANDS, reverse=True) if band}
_AMOUNTS = (5_000, 25_000, 100_000)
_EMPTY = {
    Tab.NOW: ("Nothing to work now.", "Look at **All** for what comes later, or ask your leader for more cases."),
    Tab.CALL_BACKS: ("No call-backs are set.", "Set one with the outcome **Call back**."),
    Tab.PROMISES: ("No promise falls due today.", "Promises are checked against payments at each day-end."),
    Tab.BROKEN: ("No broken promises.", "Good. Go on with **Now**."),
    Tab.ALL: ("No open cases.", "Cases open at day-end when a borrower falls due; leaders allocate them."),
}


def strip(day: DayStrip) -> None:
    """What was done today, in one line of figures."""
    parts = [
        ("contact today" if day.contacts == 1 else "contacts today", f"{day.contacts:,}"),
        ("right party", f"{day.right_party:,}"),
        ("borrower worked" if day.borrowers == 1 else "borrowers worked", f"{day.borrowers:,}"),
        ("promised", f"{day.promises:,} · {money.short(day.promised)}"),
    ]
    if day.collected is not None:
        parts.append(("collected today", money.short(day.collected)))
    muted = palette.current().muted
    cells = "".join(
        f'<span style="white-space:nowrap"><b style="font-size:1.25rem">{escape(figure)}</b> '
        f'<span style="color:{muted}">{label}</span></span>'
        for label, figure in parts
    )
    with st.container(key="queue_strip"):
        st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;align-items:baseline">{cells}</div>')


def chosen(actor: Actor) -> tuple[QueueFilter, Tab]:
    """The filter and list that the address names, drawn as a row of tabs and a panel of filters."""
    offered = queue.choices(actor)
    with st.popover("Filters", icon=":material/filter_alt:", key="queue_filters"):
        wanted = _filter(actor, offered)
    if "tab" not in st.session_state and (named := st.query_params.get("tab")) in set(Tab):
        st.session_state["tab"] = Tab(named)
    return wanted, Tab(st.session_state.get("tab") or Tab.NOW)


def _filter(actor: Actor, offered: Choices) -> QueueFilter:
    buckets = {str(position): label for position, label in enumerate(offered.buckets) if position}
    products = {str(key): name for key, name in offered.products}
    wanted = QueueFilter(
        stages=tuple(filters.many("Stage", cases.ALL_STAGES, name="stage")),
        buckets=tuple(int(code) for code in filters.many("Bucket", buckets, name="bucket")),
        risk_bands=tuple(int(code) for code in filters.many("Risk", RISKS, name="band")),
    )
    product = filters.one("Product", {"": "All", **products}, name="product")
    region = filters.one("Region", {"": "All", **{name: name for name in offered.regions}}, name="region")
    branch = _one_of("Branch", offered.branches, name="branch")
    attribute = _one_of(
        (offered.attribute_name or "").replace("_", " ").capitalize(), offered.attributes, name="attribute"
    )
    amounts = {"": "Any"} | {str(amount): f"{money.full(Decimal(amount))} or more" for amount in _AMOUNTS}
    at_least = filters.one("Overdue", amounts, name="amount")
    wanted = replace(
        wanted,
        product_id=int(product) if product else None,
        region=region or None,
        branch=branch,
        attribute=attribute,
        at_least=Decimal(at_least) if at_least else None,
    )
    return _whose(actor, wanted)


def _one_of(label: str, values: tuple[str, ...], *, name: str) -> str | None:
    """A value that the book knows; not asked where it knows none."""
    if not values:
        return None
    return filters.one(label, {"": "All", **{value: value for value in values}}, name=name) or None


def _whose(actor: Actor, wanted: QueueFilter) -> QueueFilter:
    if not actor.may(Permission.ALLOCATE_CASES):
        part = filters.one("Whose", {"": "My cases", "part": "Cases I take part in"}, name="owner")
        return replace(wanted, participant_id=actor.id) if part else wanted
    people = {str(worker.id): allocation_cached.called(worker) for worker in allocation_cached.workers(actor)}
    offered = {"": "Everyone's", "nobody": "Unallocated", "part": "Cases I take part in", **people}
    owner = filters.one("Whose", offered, name="owner")
    if owner == "part":
        return replace(wanted, participant_id=actor.id)
    if owner == "nobody":
        return replace(wanted, is_unallocated=True)
    return replace(wanted, owner_id=int(owner)) if owner else wanted


def tabs(page: QueuePage) -> None:
    """The lists, each with how many cases it holds."""
    st.segmented_control(
        "List",
        list(Tab),
        default=None if "tab" in st.session_state else Tab.NOW,
        required=True,
        format_func=lambda tab: f"{queue.TABS[tab]} {page.count_label(tab)}",
        key="tab",
        label_visibility="collapsed",
        on_change=_to_tab,
    )


def _to_tab() -> None:
    """Another list begins at its top, and the address names it, so that a link shows a colleague the same."""
    tables.restart("queue.list")
    st.query_params["tab"] = str(st.session_state["tab"])


def rows(actor: Actor, page: QueuePage, tab: Tab, *, opened: int | None, is_narrowed: bool) -> list[int]:
    """A line a case; pressing one opens it.

    Args:
        actor: who works.
        page: the page of the list.
        tab: which list.
        opened: the case that is open beside it.
        is_narrowed: whether filters leave cases out.

    Returns:
        Ids of the cases that a leader has ticked.
    """
    if not page.rows:
        _say_empty(actor, tab, is_narrowed=is_narrowed)
        return []
    with st.container(key="queue_rows", height=620, border=False):
        for_leader = actor.may(Permission.ALLOCATE_CASES)
        ticked = [
            row.case_id
            for row in page.rows
            if _line(
                row, page.today, is_opened=row.case_id == opened, is_mine=row.held_by == actor.id, for_leader=for_leader
            )
        ]
    tables.next_page("queue.list", page.next_after, is_first=tables.position("queue.list") is None)
    return ticked


def _say_empty(actor: Actor, tab: Tab, *, is_narrowed: bool) -> None:
    """Why the list is empty: a filter, before anything is said of the cases themselves."""
    message, action = _EMPTY[tab]
    if is_narrowed:
        message, action = "No case of this list matches the filters.", "Take one away under **Filters**."
    elif tab is Tab.NOW and actor.may(Permission.ALLOCATE_CASES):
        action = "Look at **All** for what comes later."
    empty.empty(message, action)


def _line(row: QueueRow, today: date, *, is_opened: bool, is_mine: bool, for_leader: bool) -> bool:
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        is_ticked = for_leader and st.checkbox(
            f"Choose {case_panel.plain(row.name)}",
            key=f"{form_fields.drawn(allocation_panel.FORM)}.tick.{row.case_id}",
            label_visibility="collapsed",
        )
        with st.container(gap=None):
            st.button(
                f"**{case_panel.plain(row.name)}** · {money.full(row.overdue_amount)}",
                key=f"case.{row.case_id}",
                type="tertiary",
                width="stretch",
                icon=":material/chevron_right:" if is_opened else None,
                on_click=case_panel.go_to,
                args=(row.case_id,),
            )
            st.html(_under(row, today, for_leader=for_leader, is_mine=is_mine))
    return bool(is_ticked)


def _under(row: QueueRow, today: date, *, for_leader: bool, is_mine: bool) -> str:
    colours = palette.current()
    shade = colours.bucket(row.bucket, 6)
    holder = f"open at {escape(row.holder_name)}" if row.holder_name and not is_mine else ""
    owner = f" · {row.owner_name or 'unallocated'}" if for_leader else ""
    held = f' <span style="color:{colours.due_soon}">{holder}</span>' if holder else ""
    return (
        f'<div style="font-size:.85em;line-height:1.35;color:{colours.muted}">'
        f'<span style="background:{shade};color:{colours.ink_on(shade)};border-radius:3px;padding:0 .35em">'
        f"{row.max_dpd} DPD</span> "
        f"{_dot(row, today)} {escape(money.in_sentence(row.why))}<br>{escape(_next(row, today) + owner)}{held}</div>"
    )


def _dot(row: QueueRow, today: date) -> str:
    """Whether a call is allowed now, else from when: the time alone only where it is today's."""
    colours, answer = palette.current(), row.contact
    if answer is None or answer.is_allowed:
        return f'<span style="color:{colours.cured}" title="A call is allowed now">● now</span>'
    later = dates.near(answer.next_allowed_at, today).removeprefix("today, ") if answer.next_allowed_at else "blocked"
    return f'<span style="color:{colours.broken}" title="{escape(answer.reason)}">○ {escape(later)}</span>'


def _next(row: QueueRow, today: date) -> str:
    when = dates.near(row.follow_up_at, today) if row.follow_up_at else dates.relative(row.next_action_on, today)
    on = case_panel.local_date(row.follow_up_at) or row.next_action_on
    due = " due" if on is not None and on < today else ""
    action = row.action_words if when == dates.NOTHING else f"{row.action_words}{due} {when}"
    contacted = case_panel.local_date(row.last_contact_at)
    last = f"last contact {dates.relative(contacted, today)}" if contacted else "no contact yet"
    promised = f" · promised {money.short(row.promise_amount)}" if row.promise_amount else ""
    return f"{action} · {last}{promised}"
