"""Outcome codes and the setting about recordings, a moment old: each run of the queue and the borrower page reads them.

A change shows here at once where it was made, elsewhere within a minute; what is offered too long, the service refuses.
"""

# ruff: noqa: ARG001 - the role is the part of the key that says whose view it is
import streamlit as st

from services import contacts
from services.actors import Actor
from services.contacts import Outcome, recordings

_TTL = 60


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _outcomes(_actor: Actor, role: str) -> list[Outcome]:
    return contacts.outcomes(_actor)


@st.cache_data(ttl=_TTL, max_entries=1, show_spinner=False)
def recordings_required() -> bool:
    """Whether a call is logged only with its recording."""
    return recordings.are_required()


def outcomes(actor: Actor) -> list[Outcome]:
    """The outcomes that people may choose, the quick ones first."""
    return _outcomes(actor, actor.role.value)


def clear() -> None:
    """Forget what is kept, after codes or the setting were changed."""
    _outcomes.clear()
    recordings_required.clear()
