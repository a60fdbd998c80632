"""The empty state: why there is nothing, and what to do."""

from collections.abc import Callable

import streamlit as st


def empty(message: str, action: str | None = None, *, icon: str = ":material/inbox:") -> None:
    """Say why there is nothing here, and what to do next.

    Args:
        message: one sentence.
        action: what the user can do, as Markdown; may hold a link.
        icon: a Material symbol.
    """
    with st.container(border=True, horizontal_alignment="center", key=None):
        st.markdown(f"{icon} **{message}**", width="content")
        if action:
            st.markdown(action, width="content")


def with_button(message: str, *, label: str, on_click: Callable[[], None], key: str) -> None:
    """An empty state whose next step is one button."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f":material/inbox: **{message}**", width="content")
        st.button(label, on_click=on_click, key=key)
