"""Contact rules: what the gate asks before anybody is contacted, where each rule comes from, and since when."""

import streamlit as st

from components import policy_rules
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_POLICY)
st.title("Contact rules", anchor=False)
st.caption("Every contact, by a person or a machine, must satisfy all of them. A change holds from a day on.")
policy_rules.show(actor)
