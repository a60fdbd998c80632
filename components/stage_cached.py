"""What stages hold and what a dry run found, a moment old: sums over all open cases that every click would repeat.

Every role that may see strategy sees the whole, so the role is the scope.
"""

# ruff: noqa: ARG001 - role, version and digest are parts of the key
import streamlit as st

from components import cached, charts
from services import stages
from services.actors import Actor
from services.stages import Outcome, RuleSet, StageCount

_TTL = 60


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _counts(_actor: Actor, role: str, version: int) -> tuple[StageCount, ...]:
    return stages.counts(_actor)


@st.cache_data(ttl=_TTL, max_entries=32, show_spinner="Trying the rules on all open cases")
def _outcome(_actor: Actor, role: str, version: int, _wanted: RuleSet, digest: str) -> Outcome:
    return stages.try_out(_actor, _wanted)


def counts(actor: Actor) -> tuple[StageCount, ...]:
    """How many open cases each stage holds."""
    return _counts(actor, actor.role.value, cached.version())


def outcome(actor: Actor, wanted: RuleSet) -> Outcome:
    """What rules would do to the open cases."""
    return _outcome(actor, actor.role.value, cached.version(), wanted, charts.digest(wanted))


def clear() -> None:
    """Forget what is kept, after rules were saved."""
    _counts.clear()
    _outcome.clear()
