"""What collecting costs in a month: attempts, agents' months, and what agencies are paid."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.performance import plans as plan_queries
from db.queries.performance import reading as queries

_CHANNELS: Final = {"call": "calls", "visit": "visits", "letter": "letters", "message": "messages"}
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """What work costs in a month. Each cost is divided so that the parts of any dimension add to the whole."""

    costs: Mapping[str, Decimal]
    """By item, as set: attempts, and an agent's month."""
    terms: Mapping[int, AnyRow]
    """By agency: commission_percent of what is collected, and monthly_fee."""
    agency_of: Mapping[int, int]
    """By user."""
    shares: Mapping[int, Decimal]
    """Each owner's cases over the whole book."""
    agency_shares: Mapping[int, Decimal]
    """The same of each agency's people together."""
    gone_by: Decimal
    """Part of the month that is over."""

    def of(self, group: Iterable[AnyRow]) -> Decimal | None:
        """Cost of the work in these sums; None: neither costs nor terms are set."""
        if not self.costs and not self.terms:
            return None
        return sum((self._one(row) for row in group), _NOTHING).quantize(Decimal("0.01"))

    def _one(self, row: AnyRow) -> Decimal:
        cost = sum((self.costs.get(item, _NOTHING) * getattr(row, name) for item, name in _CHANNELS.items()), _NOTHING)
        agency = self.agency_of.get(row.owner_id)
        if agency is None:
            month = self.costs.get("agent_month", _NOTHING)
            return cost + self._part(month, row.case_share, self.shares.get(row.owner_id))
        if (terms := self.terms.get(agency)) is None:
            return cost
        # what is taken back takes its commission back
        commission: Decimal = row.collected * terms.commission_percent / 100
        return cost + commission + self._part(terms.monthly_fee, row.case_share, self.agency_shares.get(agency))

    def _part(self, monthly: Decimal, share: Decimal, whole: Decimal | None) -> Decimal:
        """What the days gone by cost of a month, for a part of the cases."""
        return monthly * self.gone_by * share / whole if whole else _NOTHING


def load(session: Session, as_of: date) -> Price:
    """The costs and terms that hold in the month of a closed day."""
    first = as_of.replace(day=1)
    costs, terms = plan_queries.costs(session, first), plan_queries.agency_terms(session, first)
    agency_of = queries.agency_members(session) if costs or terms else {}
    shares = queries.owner_shares(session, as_of) if terms or "agent_month" in costs else {}
    agency_shares: dict[int, Decimal] = {}
    for owner, share in shares.items():
        if (agency := agency_of.get(owner)) is not None:
            agency_shares[agency] = agency_shares.get(agency, _NOTHING) + share
    return Price(
        costs=costs,
        terms=terms,
        agency_of=agency_of,
        shares=shares,
        agency_shares=agency_shares,
        gone_by=Decimal(as_of.day) / monthrange(as_of.year, as_of.month)[1],
    )
