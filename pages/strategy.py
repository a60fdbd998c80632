"""Strategy: the rules by which cases are worked. A section each; whoever adds one adds its line here."""

import streamlit as st

from components import stage_pre_due, stage_rules
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_STRATEGY)
sections = {
    "Stages": stage_rules.show,
    "Before the due date": stage_pre_due.show,
}
for place, show in zip(st.tabs(list(sections)), sections.values(), strict=True):
    with place:
        show(actor)
