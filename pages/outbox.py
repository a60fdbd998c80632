"""Outbox: what was said to which borrower, what waits, and what must be decided by hand."""

import streamlit as st

from components import notices, outbox_table
from components.guard import guard
from services import reminders
from services.actors import Permission

actor = guard(Permission.MANAGE_MESSAGES)
with notices.showing_errors():
    counts = reminders.counts(actor)
    st.subheader(outbox_table.headline(counts), anchor=False)
    status = outbox_table.status_filter(counts)
    page = reminders.outbox(actor, status=status, before_id=outbox_table.position(), limit=outbox_table.PAGE)
    message = outbox_table.messages(actor, page)
    if message is not None:
        outbox_table.opened(actor, message)
    outbox_table.rules(actor)
