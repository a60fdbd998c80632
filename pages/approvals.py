"""Approvals: what waits for a decision, and the request opened beside it; authority, and who stands in for whom."""

import streamlit as st

from components import approvals_list, approvals_panel, authority_panel
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_REQUESTS)
st.html(approvals_list.STYLE)
names = ["Requests", "Authority"]
if actor.may(Permission.DECIDE_REQUESTS) or actor.may(Permission.CONFIGURE):
    names.append("Standing in")
drawn = st.tabs(names)
with drawn[0], st.container(key="approvals_page"):
    chosen = approvals_list.which(actor)
    page = approvals_list.page_of(actor, chosen)
    left, right = st.columns([4, 7], gap="medium")
    shown = approvals_list.opened(page)
    with left, st.container(key="approvals_list"):
        approvals_list.rows(page, chosen, shown=shown)
    with right:
        if shown is not None:
            approvals_panel.show(actor, shown)
with drawn[1]:
    authority_panel.limits(actor)
if len(drawn) > 2:
    with drawn[2]:
        authority_panel.standing_in(actor)
