"""Lists of requests for approval: which list, and a line a request that opens it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape

import streamlit as st

from components import case_panel, dates, empty, money, palette, tables
from services import approvals, clock
from services.actors import Actor, Permission
from services.approvals import Page, Request

STYLE = """
<style>
.st-key-approvals_rows [data-testid="stVerticalBlock"] { gap: .1rem; }
.st-key-approvals_rows button { padding: .1rem 0; min-height: 1.6rem; }
.st-key-approvals_rows button, .st-key-approvals_rows button > div { justify-content: flex-start; text-align: left; }
.st-key-approvals_rows [data-testid="stHtml"] { margin-top: -.35rem; margin-bottom: .35rem; }
.st-key-approvals_back { display: none; }
@media (max-width: 640px) {
  .st-key-approvals_back { display: flex; }
  .st-key-approvals_page:has(.st-key-approvals_one) .st-key-approvals_list { display: none; }
}
</style>
"""
WAITING, BELOW, EVERYTHING, ASKED, ESCALATED, DECIDED = "waiting", "below", "all", "asked", "escalated", "decided"
_LABELS = {
    WAITING: "For me",
    BELOW: "With lower levels",
    EVERYTHING: "All waiting",
    ASKED: "I asked",
    ESCALATED: "Escalated",
    DECIDED: "Decided",
}
_EMPTY = {
    WAITING: ("Nothing waits for you.", "Requests come here when someone asks for what your level may decide."),
    BELOW: ("Nothing waits at your level or below.", None),
    EVERYTHING: ("Nothing waits for anybody.", None),
    ASKED: (
        "You have asked for nothing yet.",
        "What you do that needs a second person comes here by itself.",
    ),
    ESCALATED: ("Nothing was escalated.", "A request goes up a level when it is not decided in time."),
    DECIDED: ("Nothing is decided yet.", None),
}


def which(actor: Actor) -> str:
    """The list that the address names, drawn as a row of tabs."""
    may = actor.may(Permission.DECIDE_REQUESTS)
    offered = list(_LABELS) if may else [ASKED]
    if len(offered) == 1:
        return ASKED
    chosen = st.segmented_control(
        "List",
        offered,
        default=offered[0],
        required=True,
        format_func=_LABELS.__getitem__,
        key="requests",
        label_visibility="collapsed",
        bind="query-params",
        on_change=_forget,
    )
    return chosen or offered[0]


def _forget() -> None:
    tables.restart("approvals.list")
    open_request(None)


def page_of(actor: Actor, chosen: str) -> Page:
    """The requests of a list."""
    after = tables.position("approvals.list")
    if chosen == ASKED:
        return approvals.asked_by_me(actor, before=after)
    if chosen == DECIDED:
        return approvals.decided(actor, before=after)
    if chosen in (EVERYTHING, ESCALATED):
        look = approvals.everything if chosen == EVERYTHING else approvals.escalated
        return look(actor, after=after)
    return approvals.inbox(actor, is_exact=chosen == WAITING)


def opened(page: Page) -> int | None:
    """The request that the address names, else the first of the list."""
    named = st.query_params.get("request", "")
    if named.isdecimal() and len(named) < 19:
        return int(named)
    return page.requests[0].id if page.requests else None


def is_named() -> bool:
    """Whether the address names a request; on a phone the list gives way to it."""
    return "request" in st.query_params


def open_request(request_id: int | None) -> None:
    """Make a request the one that the address names; None: the list."""
    if request_id is None:
        st.query_params.pop("request", None)
    else:
        st.query_params["request"] = str(request_id)


def rows(page: Page, chosen: str, *, shown: int | None) -> None:
    """A line a request; pressing one opens it."""
    if not page.requests:
        empty.empty(*_EMPTY[chosen])
        return
    now = clock.now()
    if stuck := {request.id for request in page.requests if _is_stuck(request, page)}:
        waits = "1 request waits" if len(stuck) == 1 else f"{len(stuck)} requests wait"
        st.warning(f"{waits} at a level that nobody holds. An admin gives the level under Authority.")
    with st.container(key="approvals_rows", border=False):
        for request in page.requests:
            st.button(
                f"**{request.label}** · {at_stake(request)}",
                key=f"request.{request.id}",
                type="tertiary",
                width="stretch",
                icon=":material/chevron_right:" if request.id == shown else None,
                on_click=open_request,
                args=(request.id,),
            )
            st.html(_under(request, now, is_stuck=request.id in stuck))
    if page.total is not None:
        tables.totals(len(page.requests), noun="request" if page.total == 1 else "requests", of=page.total)
    tables.next_page("approvals.list", page.next_key, is_first=tables.position("approvals.list") is None)


def at_stake(request: Request) -> str:
    """'₹12,000 (8.5 %)': amount and percentage, as far as there are any."""
    share = f"{request.percent.normalize():f} %" if request.percent is not None else ""
    if request.amount is None:
        return share or case_panel.plain(money.in_sentence(request.summary))
    amount = money.full(request.amount).replace("$", "\\$")
    return f"{amount} ({share})" if share else amount


def _is_stuck(request: Request, page: Page) -> bool:
    """Whether nobody's level is high enough to decide it."""
    return request.status == "waiting" and page.highest_held is not None and request.level > page.highest_held


def _under(request: Request, now: datetime, *, is_stuck: bool) -> str:
    colours = palette.current()
    who = f"{request.asked_by_name} · {request.borrower_number or 'no borrower'}"
    if request.status != "waiting":
        colour = {"approved": colours.cured, "refused": colours.broken}.get(request.status, colours.muted)
        state = f'<span style="color:{colour}">{request.status}</span> by {escape(request.decided_by_name or "Recoup")}'
    else:
        state = f"waits {span(request.age(now))} · level {request.level}, {escape(request.level_title)}"
        state += f' · <span style="color:{colours.due_soon}">escalated</span>' if request.is_escalated else ""
        state += f' · <span style="color:{colours.broken}">nobody holds it</span>' if is_stuck else ""
        state += f" · {due(request, now)}"
    return f'<div style="font-size:.85em;line-height:1.35;color:{colours.muted}">{escape(who)}<br>{state}</div>'


def due(request: Request, now: datetime) -> str:
    """When it goes up a level, in words."""
    if request.due_at is None:
        return "no higher level can take it"
    left = request.due_at - now
    return f"goes up in {span(left)}" if left > timedelta(0) else "overdue, goes up next"


def span(passed: timedelta) -> str:
    """'5 min', '3 h', '2 days'."""
    minutes = max(int(passed.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def fact(value: object) -> str:
    """A fact's value as screens write it."""
    if isinstance(value, Decimal):
        return money.full(value).replace("$", "\\$")
    if isinstance(value, date):
        return dates.day(value)
    return case_panel.plain(str(value)) if value is not None else dates.NOTHING
