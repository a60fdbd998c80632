"""The figures of the complaints page and the places of the book, a moment old: sums that every click would repeat.

Every role that may see complaints sees all, so the role is the scope. An act on a complaint forgets the figures.
"""

# ruff: noqa: ARG001 - role and version are parts of the key
import streamlit as st

from components import cached
from services import complaints, regional_holds
from services.actors import Actor
from services.complaints import Figures
from services.regional_holds import Place

_TTL = 60


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _figures(_actor: Actor, role: str, version: int) -> Figures:
    return complaints.figures(_actor)


@st.cache_data(ttl=_TTL, max_entries=4, show_spinner=False)
def _places(_actor: Actor, role: str, version: int) -> list[Place]:
    return regional_holds.places(_actor)


def figures(actor: Actor) -> Figures:
    """What the complaints page says on top."""
    return _figures(actor, actor.role.value, cached.version())


def places(actor: Actor) -> list[Place]:
    """Where borrowers are."""
    return _places(actor, actor.role.value, cached.version())


def clear() -> None:
    """Forget the figures, after an act."""
    _figures.clear()
