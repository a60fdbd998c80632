"""Queue: who to contact next and why, and the case opened beside the list; leaders allocate here."""

import streamlit as st

from components import allocation_panel, case_panel, queue_list, tables
from components.guard import guard
from services import queue
from services.actors import Permission

actor = guard(Permission.WORK_QUEUE)
st.html(queue_list.STYLE)
opened = case_panel.opened()
with st.container(key="queue_page"):
    queue_list.strip(queue.day_strip(actor))
    left, right = st.columns([4, 7], gap="medium")
    with left, st.container(key="queue_list"):
        wanted, tab = queue_list.chosen(actor)
        page = queue.page(actor, wanted, tab, after=tables.position("queue.list"))
        queue_list.tabs(page)
        tools = st.container()
        ticked = queue_list.rows(actor, page, tab, opened=opened, is_narrowed=wanted != queue.QueueFilter())
        with tools:
            allocation_panel.show(actor, wanted, tab, ticked, in_list=page.count_label(tab))
    with right:
        if opened is None:
            case_panel.invite(actor, wanted)
        else:
            case_panel.show(actor, opened, wanted)
