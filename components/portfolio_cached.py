"""The portfolio's reads, kept until the book changes: keyed by role, version of the data, filter and month.

Every role that may view the portfolio sees the whole of it, so the role is the scope. Nothing here names a borrower.
`_actor` is left out of the key by its underscore; `role` and `version` stand in it.
"""

# ruff: noqa: ARG001 - role and version are parts of the key
from dataclasses import dataclass
from datetime import date

import streamlit as st

from components import cached
from services import portfolio
from services.actors import Actor
from services.portfolio import Dimension, Measure, PortfolioFilter, accounts
from services.portfolio.accounts import AccountFilter, AccountTotals

_TTL = 900


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _choices(_actor: Actor, role: str, version: int) -> portfolio.FilterChoices:
    return portfolio.choices(_actor)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _overview(
    _actor: Actor,
    role: str,
    version: int,
    chosen: PortfolioFilter,
    month: date | None,
) -> portfolio.Overview | None:
    return portfolio.overview(_actor, chosen, month)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _rolls(
    _actor: Actor,
    role: str,
    version: int,
    chosen: PortfolioFilter,
    month: date | None,
) -> portfolio.Rolls | None:
    return portfolio.rolls(_actor, chosen, month)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _vintages(
    _actor: Actor,
    role: str,
    version: int,
    chosen: PortfolioFilter,
    month: date | None,
    *,
    measure: Measure,
) -> tuple[portfolio.Vintage, ...]:
    return portfolio.vintages(_actor, chosen, month, measure=measure)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _segments(
    _actor: Actor,
    role: str,
    version: int,
    chosen: PortfolioFilter,
    month: date | None,
    *,
    dimension: Dimension,
    measure: Measure,
) -> portfolio.WorstSegments | None:
    return portfolio.worst_segments(_actor, chosen, month, dimension=dimension, measure=measure)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def _totals(_actor: Actor, role: str, version: int, chosen: AccountFilter) -> AccountTotals:
    return accounts.totals(_actor, chosen)


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads of one run of a page: whose, and of which version of the data."""

    actor: Actor
    version: int

    @property
    def choices(self) -> portfolio.FilterChoices:
        """What the filters offer."""
        return _choices(self.actor, self.actor.role.value, self.version)

    def overview(self, chosen: PortfolioFilter, month: date | None) -> portfolio.Overview | None:
        """Figures, with promises as they stand now."""
        seen = _overview(self.actor, self.actor.role.value, self.version, chosen, month)
        return portfolio.with_promises_now(self.actor, chosen, seen) if seen is not None else None

    def rolls(self, chosen: PortfolioFilter, month: date | None) -> portfolio.Rolls | None:
        """Roll rates by month."""
        return _rolls(self.actor, self.actor.role.value, self.version, chosen, month)

    def vintages(self, chosen: PortfolioFilter, month: date | None, measure: Measure) -> tuple[portfolio.Vintage, ...]:
        """Vintage curves."""
        return _vintages(self.actor, self.actor.role.value, self.version, chosen, month, measure=measure)

    def segments(
        self, chosen: PortfolioFilter, month: date | None, dimension: Dimension, measure: Measure
    ) -> portfolio.WorstSegments | None:
        """Segments, worst first."""
        return _segments(
            self.actor, self.actor.role.value, self.version, chosen, month, dimension=dimension, measure=measure
        )

    def totals(self, chosen: AccountFilter) -> AccountTotals:
        """Count and sums of accounts; promises change them between versions, so those are read anew."""
        if chosen.of.value.startswith("promise"):
            return accounts.totals(self.actor, chosen)
        return _totals(self.actor, self.actor.role.value, self.version, chosen)


def reads(actor: Actor) -> Reads:
    """Reads of this run, at the version that the book has now."""
    return Reads(actor, cached.version())


def clear() -> None:
    """Forget all that is kept: for tests."""
    for read in (_choices, _overview, _rolls, _vintages, _segments, _totals):
        read.clear()
