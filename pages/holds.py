"""Holds: where contact is stopped for a region, and which borrowers are on hold, until when and why."""

import streamlit as st

from components import holds_list, regional_holds_panel
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_COMPLAINTS)
by_region, of_borrowers = st.tabs(["By region", "Of single borrowers"])
with by_region:
    regional_holds_panel.show(actor)
with of_borrowers:
    holds_list.show(actor)
