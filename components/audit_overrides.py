"""Contacts against the gate on the audit page: their number, and a button that shows them."""

import streamlit as st

from services.actors import Actor
from services.audit import overrides


def show(actor: Actor) -> None:
    """One line; a warning as soon as there is any."""
    found = overrides.lately(actor)
    if found == 0:
        st.caption(f"No contact was made against the gate in the last {overrides.DAYS} days.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        contacts = "1 contact was" if found == 1 else f"{found:,} contacts were"
        st.markdown(f":red[:material/warning: {contacts} made against the gate in the last {overrides.DAYS} days.]")
        st.button("Show them", key="audit.overrides", on_click=_filter, type="tertiary", icon=":material/filter_alt:")


def _filter() -> None:
    st.session_state["audit.what"] = overrides.ACTION
