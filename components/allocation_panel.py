"""A leader's tools on the queue: giving the ticked cases, or the whole list, to one person or a team."""

from collections.abc import Sequence

import streamlit as st

from components import allocation_cached, form_fields, money, notices
from services import allocation
from services.actors import Actor, Permission
from services.allocation import Spread
from services.queue import QueueFilter, Tab

FORM = "allocate"
"""Its fields and the list's ticks are drawn anew once it is sent: pressed again it would give the same cases again."""
_TO_ONE = "to one person"
_TO_NOBODY = "to nobody"
_WAYS = (_TO_ONE, Spread.BY_LOAD.value, Spread.ROUND_ROBIN.value, _TO_NOBODY)


def show(actor: Actor, wanted: QueueFilter, tab: Tab, ticked: Sequence[int], *, in_list: str) -> None:
    """How many cases nobody has, and a panel that allocates.

    Args:
        actor: who looks; nothing is drawn for those who may not allocate.
        wanted: the filter of the list.
        tab: the list.
        ticked: ids of the chosen cases.
        in_list: how many the list holds, as the tab says it.
    """
    if not actor.may(Permission.ALLOCATE_CASES):
        return
    nobodys = allocation_cached.unallocated(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{nobodys.cases:,}** unallocated · {money.short(nobodys.overdue_amount)} overdue",
            width="content",
            help="Open cases past due that nobody has; those before their due date are not counted here.",
        )
        form = form_fields.drawn(FORM)
        with st.popover(f"Allocate ({len(ticked)} chosen)", icon=":material/group_add:", key=form):
            _form(actor, wanted, tab, ticked, in_list=in_list, form=form)


def _form(actor: Actor, wanted: QueueFilter, tab: Tab, ticked: Sequence[int], *, in_list: str, form: str) -> None:
    people = {worker.id: f"{worker.name} · {worker.open_cases:,} open" for worker in allocation_cached.workers(actor)}
    whole = f"All {in_list} in this list"
    # by another key once a case is ticked: the list as a whole, which stood there before, is not what is meant then
    key = f"{form}.what.{'ticked' if ticked else 'none'}"
    what = st.radio("What", [f"{len(ticked)} chosen", whole], index=0 if ticked else 1, key=key)
    is_whole = what == whole
    way = st.selectbox("How", _WAYS if is_whole else (_TO_ONE, _TO_NOBODY), key=f"{form}.way")
    with st.form("allocate_form", border=False):
        owners = st.multiselect(
            "Who",
            list(people),
            format_func=people.__getitem__,
            key=f"{form}.who",
            disabled=way == _TO_NOBODY,
            max_selections=1 if way == _TO_ONE else None,
        )
        reason = st.text_input("Reason", key=f"{form}.reason", placeholder="Monday's new cases")
        extent = f"all {in_list}" if is_whole else money.counted(len(ticked), "case")
        is_sent = st.form_submit_button(f"Allocate {extent}", type="primary", key=f"{form}.send")
    if is_sent:
        with notices.showing_errors():
            changed = _act(actor, wanted, tab, None if is_whole else ticked, way=way, owners=owners, reason=reason)
            allocation_cached.clear()
            form_fields.done(FORM)
            cases = money.counted(changed, "case")
            notices.after_rerun(f"{cases} without a collector now" if way == _TO_NOBODY else f"{cases} allocated")


def _act(
    actor: Actor,
    wanted: QueueFilter,
    tab: Tab,
    ticked: Sequence[int] | None,
    *,
    way: str,
    owners: Sequence[int],
    reason: str,
) -> int:
    if way in {Spread.BY_LOAD.value, Spread.ROUND_ROBIN.value}:
        return sum(allocation.spread(actor, wanted, tab, owners, how=Spread(way), reason=reason).values())
    owner = None if way == _TO_NOBODY else next(iter(owners), 0)
    if ticked is None:
        return allocation.allocate_matching(actor, wanted, tab, owner, reason=reason)
    return allocation.allocate(actor, ticked, owner, reason=reason)
