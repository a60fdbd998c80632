"""Allocation: the rules by which cases are given, their runs, who may be given any, agencies, and the history."""

import streamlit as st

from components import (
    allocation_agencies,
    allocation_collectors,
    allocation_history,
    allocation_notices,
    allocation_rules,
    allocation_run,
)
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.ALLOCATE_CASES)
sections = {
    "Rules": allocation_rules.show,
    "Run": allocation_run.show,
    "Collectors": allocation_collectors.show,
    "Agencies": allocation_agencies.show,
    "Agent notices": allocation_notices.show,
    "History": allocation_history.show,
}
chosen = st.segmented_control(
    "Section", list(sections), default="Rules", required=True, key="allocation.section", label_visibility="collapsed"
)
sections[chosen or "Rules"](actor)
