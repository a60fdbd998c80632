"""Filters in one row above a list or a figure. Each lives in the address, so that a link shows a colleague the same.

The widget's key is the name in the address: a word of the field ('region', 'band'), the same on every page. Values of
personal data never become filters.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from components.notices import plain

WIDTH = 190


def bar() -> AbstractContextManager[Any]:
    """The row that filters stand in; it wraps where the screen is narrow."""
    return st.container(horizontal=True, gap="small", vertical_alignment="bottom")


def many(label: str, options: Mapping[str, str] | Sequence[str], *, name: str) -> tuple[str, ...]:
    """Several values of a field, none for all.

    Args:
        label: the field's name on screen.
        options: the values, or values with what the screen calls them.
        name: name in the address.

    Returns:
        The chosen values; empty when nothing is filtered.
    """
    called = dict(options) if isinstance(options, Mapping) else {option: option for option in options}
    chosen = st.multiselect(
        plain(label),
        list(called),
        format_func=lambda option: called.get(option, option),
        key=name,
        placeholder="All",
        bind="query-params",
        width=WIDTH,
        disabled=not called,
        help=None if called else "The book holds no values of this field yet.",
    )
    return tuple(chosen)


def one(label: str, options: Mapping[str, str] | Sequence[str], *, name: str, width: int = WIDTH) -> str:
    """One of several values; the first when the address names none.

    Args:
        label: the field's name on screen.
        options: at least one value, or values with what the screen calls them.
        name: name in the address.
        width: pixels.
    """
    called = dict(options) if isinstance(options, Mapping) else {option: option for option in options}
    chosen = st.selectbox(
        plain(label),
        list(called),
        format_func=lambda option: called.get(option, option),
        key=name,
        bind="query-params",
        width=width,
    )
    return str(chosen)


def clear(*names: str) -> None:
    """A button that takes all of these filters away; not shown while none is set."""
    if any(st.session_state.get(name) for name in names):
        st.button(
            "Clear filters", icon=":material/filter_alt_off:", type="tertiary", on_click=_clear, args=names, key="clear"
        )


def _clear(*names: str) -> None:
    for name in names:
        st.session_state[name] = []
