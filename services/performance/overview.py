"""The performance page's reads: figures by one dimension, the fair ranking of agents, and a figure's trend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading
from db.queries.performance import plans as plan_queries
from db.queries.performance import reading as queries
from db.queries.performance.reading import Dimension
from services import lender
from services.actors import Actor, Permission
from services.performance import fairness, pricing
from services.performance.fairness import Index, Measure
from services.performance.sums import NAMES, Sums
from services.portfolio.filtering import PortfolioFilter, month_number

IN_HOUSE = queries.IN_HOUSE
NOBODY = "0"
"""Key of the row of cases that nobody had."""
RANKED = frozenset({Dimension.AGENT, Dimension.TEAM, Dimension.AGENCY})
"""Dimensions of people: they are compared by what their buckets let expect."""


@dataclass(frozen=True, slots=True)
class PerformanceFilter:
    """Part of the book and month that the page shows; empty fields mean all."""

    scope: PortfolioFilter = field(default_factory=PortfolioFilter)
    buckets: tuple[int, ...] = ()
    """Opening buckets."""
    month: date | None = None
    """Any day of the month; None: the newest closed."""

    @property
    def is_whole_book(self) -> bool:
        """Whether nothing is left out."""
        return self.scope.segments_only.is_whole_book and not self.buckets


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page may be set to."""

    months: tuple[date, ...]
    """The last closed day of each month, newest first."""
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one agent, team, agency, bucket, product or region."""

    key: str
    name: str
    sums: Sums
    cost: Decimal | None
    """None: neither costs nor an agency's terms are set."""
    target: Decimal | None

    @property
    def cost_to_collect(self) -> Decimal | None:
        """Cost ÷ collected; None: no cost is set, or nothing was collected."""
        return self.cost / self.sums.collected if self.cost is not None and self.sums.collected > 0 else None

    @property
    def achieved(self) -> Decimal | None:
        """Collected ÷ target; None: no target."""
        return self.sums.collected / self.target if self.target else None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The index of an agent, team or agency."""

    key: str
    name: str
    index: Index


@dataclass(frozen=True, slots=True)
class Performance:
    """All that the page shows of a month."""

    as_of: date
    is_month_over: bool
    dimension: Dimension
    rows: tuple[Row, ...]
    """Largest first by cases; what nobody had comes last."""
    total: Row
    ranking: Mapping[Measure, tuple[Ranked, ...]]
    """Of those who collect, best point first: see `RANKED`; empty for other dimensions."""

    members: Mapping[str, tuple[int, ...]]
    """User ids by key of those who had cases; nobody's left out. Empty for dimensions that are not of people."""

    @property
    def has_costs(self) -> bool:
        """Whether costs are set for the month."""
        return self.total.cost is not None

    @property
    def has_targets(self) -> bool:
        """Whether any row has a target."""
        return any(row.target is not None for row in self.rows)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The sums of a month, or of the month to date, that a trend draws."""

    as_of: date
    sums: Sums


def choices(actor: Actor) -> Choices:
    """Months and dimensions that there are.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    with reading() as session:
        months = queries.month_closes(session)
        has_teams, has_agencies = queries.groupings(session)
    left_out = set() if has_teams else {Dimension.TEAM}
    left_out |= set() if has_agencies else {Dimension.AGENCY}
    return Choices(months[::-1], tuple(dimension for dimension in Dimension if dimension not in left_out))


def overview(actor: Actor, chosen: PerformanceFilter, dimension: Dimension) -> Performance | None:
    """Figures of a month by one dimension, ranked where it is of people; None: nothing has been summed yet.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    with reading() as session:
        as_of = closed_day(session, chosen.month)
        if as_of is None:
            return None
        labels = lender.load(session).bucket_labels
        found = queries.sums_by(session, as_of, dimension, chosen.scope, chosen.buckets)
        price = pricing.load(session, as_of)
        targets = _targets(session, as_of, dimension) if chosen.is_whole_book else {}
    rows = [
        Row(key, _name(key, group, dimension, labels), _total(group), price.of(group), targets.get(key))
        for key, group in _grouped(found).items()
    ]
    rows.sort(key=lambda row: (row.key == NOBODY, -row.sums.case_share, row.name))
    if dimension is Dimension.BUCKET:
        rows.sort(key=lambda row: int(row.key))
    return Performance(
        as_of=as_of,
        is_month_over=(as_of + timedelta(days=1)).day == 1,
        dimension=dimension,
        rows=tuple(rows),
        total=Row("", "Total", _total(found), price.of(found), sum(targets.values(), Decimal(0)) or None),
        ranking=_ranking(found, dimension) if dimension in RANKED else {},
        members=_members(found) if dimension in RANKED else {},
    )


def closed_day(session: Session, month: date | None) -> date | None:
    """The last summed day of a month, of the newest where the month has none; None: no day was summed yet."""
    closes = queries.month_closes(session)
    matching = [day for day in closes if month is not None and month_number(day) == month_number(month)]
    return (matching or closes)[-1] if closes else None


def _grouped(found: Iterable[AnyRow]) -> dict[str, list[AnyRow]]:
    grouped: dict[str, list[AnyRow]] = {}
    for row in found:
        grouped.setdefault(row.key or "", []).append(row)
    return grouped


def _name(key: str, group: list[AnyRow], dimension: Dimension, labels: tuple[str, ...]) -> str:
    if dimension is Dimension.BUCKET:
        return labels[int(key)] if int(key) else "Fell due in the month"
    if dimension in {Dimension.AGENT, Dimension.AGENCY} and key == NOBODY:
        return "Nobody (not allocated)"
    if key == IN_HOUSE:
        return "In-house"
    missing = "No team" if dimension is Dimension.TEAM else "not given"
    return group[0].name or missing


def _total(group: Iterable[AnyRow]) -> Sums:
    return fairness.total(_sums(row) for row in group)


def _sums(row: AnyRow) -> Sums:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name
    return Sums(*(values[name] for name in NAMES))


def _targets(session: Session, as_of: date, dimension: Dimension) -> dict[str, Decimal]:
    """Targets by key: of agents or products; other dimensions have none."""
    rows = plan_queries.targets(session, as_of.replace(day=1))
    if dimension is Dimension.AGENT:
        return {str(row.owner_id): row.amount for row in rows if row.owner_id is not None}
    if dimension is Dimension.PRODUCT:
        return {str(row.product_id): row.amount for row in rows if row.product_id is not None}
    return {}


def _members(found: list[AnyRow]) -> dict[str, tuple[int, ...]]:
    return {
        key: tuple(sorted({row.owner_id for row in group if row.owner_id})) for key, group in _grouped(found).items()
    }


def _ranking(found: list[AnyRow], dimension: Dimension) -> dict[Measure, tuple[Ranked, ...]]:
    book = _by_bucket(found)
    ranked = {key: group for key, group in _grouped(found).items() if key != NOBODY}
    ranking = {}
    for measure in Measure:
        rates = fairness.standard(book, measure)
        indices = [
            Ranked(key, _name(key, group, dimension, ()), index)
            for key, group in ranked.items()
            if (index := fairness.index(_by_bucket(group), rates)) is not None
        ]
        ranking[measure] = tuple(sorted(indices, key=lambda one: (-one.index.value, one.name)))
    return ranking


def _by_bucket(rows: Iterable[AnyRow]) -> dict[int, Sums]:
    buckets: dict[int, Sums] = {}
    for row in rows:
        buckets[row.bucket] = buckets.get(row.bucket, Sums()) + _sums(row)
    return buckets


def trend(
    actor: Actor, chosen: PerformanceFilter, *, by_day: bool = False, owner_id: int | None = None
) -> tuple[TrendPoint, ...]:
    """Sums of up to 13 months that end with the chosen one, or of its days, each the month to date.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    with reading() as session:
        as_of = closed_day(session, chosen.month)
        if as_of is None:
            return ()
        if by_day:
            days = queries.closed_days(session, as_of.replace(day=1), as_of)
        else:
            days = tuple(day for day in queries.month_closes(session) if day <= as_of)[-13:]
        rows = queries.sums_at(session, days, chosen.scope, chosen.buckets, owner_id)
    return tuple(TrendPoint(row.as_of, _sums(row)) for row in rows)
