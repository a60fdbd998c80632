"""Outcome codes: what a contact may end with, what that counts as, and what the form then asks for."""

import streamlit as st

from components import outcome_codes
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_STRATEGY)
st.title("Outcome codes", anchor=False)
st.caption("Each contact ends with one of these. A code that was used keeps its meaning: retire it and add another.")
outcome_codes.show(actor)
