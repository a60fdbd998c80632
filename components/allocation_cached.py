"""How cases are spread over people, a moment old: sums over all open cases, which a leader's every click would repeat.

Every role that may allocate sees the whole, so the role is the scope. An allocation forgets what is kept.
"""

# ruff: noqa: ARG001 - role and version are parts of the key
import streamlit as st

from components import cached
from services import allocation
from services.actors import Actor
from services.allocation import RuleChoices, Unallocated, Worker

_TTL = 30


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _workers(_actor: Actor, role: str, version: int) -> list[Worker]:
    return allocation.workers(_actor)


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _unallocated(_actor: Actor, role: str, version: int) -> Unallocated:
    return allocation.unallocated(_actor)


def workers(actor: Actor) -> list[Worker]:
    """Who may be given cases, with what they have."""
    return _workers(actor, actor.role.value, cached.version())


def unallocated(actor: Actor) -> Unallocated:
    """Open cases that nobody has."""
    return _unallocated(actor, actor.role.value, cached.version())


@st.cache_data(ttl=600, max_entries=4, show_spinner=False)
def _choices(_actor: Actor, role: str, version: int) -> RuleChoices:
    return allocation.rule_choices(_actor)


def choices(actor: Actor) -> RuleChoices:
    """What rules and skills may name: products, regions, languages, stages, teams."""
    return _choices(actor, actor.role.value, cached.version())


def clear() -> None:
    """Forget what is kept, after an allocation."""
    _workers.clear()
    _unallocated.clear()
    _choices.clear()


def called(worker: Worker) -> str:
    """What the queue's filter calls a worker, on screen and in the address: links to the queue name it so."""
    return f"{worker.name} ({worker.open_cases:,})"
