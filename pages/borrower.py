"""Borrower: everything about one person, and the acts that change it."""

import streamlit as st

from components import borrower_panel
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_BORROWER)
is_searched = borrower_panel.find(actor)
borrower_id = borrower_panel.chosen()
view = borrower_panel.view_of(actor, borrower_id) if borrower_id is not None else None
if view is not None:
    borrower_panel.head(actor, view)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        borrower_panel.tabs(actor, view)
    with right:
        borrower_panel.actions(actor, view)
elif borrower_id is None and not is_searched:
    borrower_panel.nobody(actor)
