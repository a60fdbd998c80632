"""The performance page's reads, kept until the book changes: keyed by role, version of the data, filter and month."""

# ruff: noqa: ARG001 - role and version are parts of the key
from dataclasses import dataclass

import streamlit as st

from components import cached
from services import performance
from services.actors import Actor
from services.performance import Choices, Dimension, Performance, PerformanceFilter, TrendPoint

_TTL = 900


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _choices(_actor: Actor, role: str, version: int) -> Choices:
    return performance.choices(_actor)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _overview(
    _actor: Actor, role: str, version: int, chosen: PerformanceFilter, dimension: Dimension
) -> Performance | None:
    return performance.overview(_actor, chosen, dimension)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _trend(
    _actor: Actor, role: str, version: int, chosen: PerformanceFilter, *, by_day: bool, owner_id: int | None
) -> tuple[TrendPoint, ...]:
    return performance.trend(_actor, chosen, by_day=by_day, owner_id=owner_id)


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads of one run of the page: whose, and of which version of the data."""

    actor: Actor
    version: int

    @property
    def choices(self) -> Choices:
        """Months and dimensions."""
        return _choices(self.actor, self.actor.role.value, self.version)

    def overview(self, chosen: PerformanceFilter, dimension: Dimension) -> Performance | None:
        """Figures of a month by one dimension."""
        return _overview(self.actor, self.actor.role.value, self.version, chosen, dimension)

    def trend(self, chosen: PerformanceFilter, *, by_day: bool, owner_id: int | None) -> tuple[TrendPoint, ...]:
        """Sums by month, or by day of the month."""
        return _trend(self.actor, self.actor.role.value, self.version, chosen, by_day=by_day, owner_id=owner_id)


def reads(actor: Actor) -> Reads:
    """Reads of this run, at the version that the book has now."""
    return Reads(actor, cached.version())


def clear() -> None:
    """Forget all that is kept: for tests."""
    for read in (_choices, _overview, _trend):
        read.clear()
