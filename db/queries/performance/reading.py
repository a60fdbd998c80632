"""What the performance page reads: sums by who, bucket, product and region. Their cost does not grow with the book."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, cast, func, literal, select, text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser, Team
from db.models.allocation import Agency, Collector
from db.models.owes import Product, Segment
from db.models.performance import PerformanceDay
from db.queries.performance.days import FIGURES
from db.queries.portfolio.scope import Scope, conditions


class Dimension(StrEnum):
    """What figures are told apart by."""

    AGENT = "agent"
    TEAM = "team"
    AGENCY = "agency"
    BUCKET = "bucket"
    PRODUCT = "product"
    REGION = "region"


# steps from day to day, or month to month, by the primary key instead of reading every row of each
_DAYS = text("""
    WITH RECURSIVE days AS (
        SELECT min(as_of) AS as_of FROM performance_day WHERE as_of BETWEEN :first AND :last
        UNION ALL
        SELECT (SELECT min(p.as_of) FROM performance_day p WHERE p.as_of > days.as_of AND p.as_of <= :last)
        FROM days WHERE days.as_of IS NOT NULL
    ) SELECT as_of FROM days WHERE as_of IS NOT NULL ORDER BY as_of
""")
_MONTH_CLOSES = text("""
    WITH RECURSIVE closes AS (
        SELECT max(as_of) AS as_of FROM performance_day
        UNION ALL
        SELECT (SELECT max(p.as_of) FROM performance_day p WHERE p.as_of < date_trunc('month', closes.as_of)::date)
        FROM closes WHERE closes.as_of IS NOT NULL
    ) SELECT as_of FROM closes WHERE as_of IS NOT NULL ORDER BY as_of
""")


def closed_days(session: Session, first: date, last: date) -> tuple[date, ...]:
    """Days from first to last, both included, that have sums; oldest first."""
    return tuple(session.scalars(_DAYS, {"first": first, "last": last}))


def month_closes(session: Session) -> tuple[date, ...]:
    """The last day of each month that has sums, oldest first."""
    return tuple(session.scalars(_MONTH_CLOSES))


def _sums() -> list[ColumnElement[Any]]:
    return [func.coalesce(func.sum(getattr(PerformanceDay, name)), 0).label(name) for name in FIGURES]


def _narrowed(statement: Select[*tuple[Any, ...]], scope: Scope, buckets: Sequence[int]) -> Select[*tuple[Any, ...]]:
    statement = statement.where(*conditions(scope.segments_only, PerformanceDay.segment_id))
    return statement.where(PerformanceDay.bucket.in_(buckets)) if buckets else statement


def sums_by(session: Session, as_of: date, dimension: Dimension, scope: Scope, buckets: Sequence[int]) -> list[AnyRow]:
    """Sums of a month to date: key (text), name, owner_id, bucket, and every figure."""
    key, name, statement = _keyed(dimension)
    statement = statement.add_columns(
        PerformanceDay.owner_id,
        PerformanceDay.bucket,
        *_sums(),
    ).where(PerformanceDay.as_of == as_of)
    grouped = _narrowed(statement, scope, buckets).group_by(key, name, PerformanceDay.owner_id, PerformanceDay.bucket)
    return list(session.execute(grouped))


def _keyed(dimension: Dimension) -> tuple[Any, Any, Select[*tuple[Any, ...]]]:
    """Key and name of a dimension, and a statement that selects both."""
    if dimension is Dimension.AGENCY:
        return _by_agency()
    key: Any = cast(PerformanceDay.bucket, TEXT)
    name: Any = key
    if dimension is Dimension.BUCKET:
        return key, name, select(key.label("key"), name.label("name"))
    if dimension in {Dimension.AGENT, Dimension.TEAM}:
        is_agent = dimension is Dimension.AGENT
        key = cast(PerformanceDay.owner_id if is_agent else func.coalesce(Team.id, 0), TEXT)
        name = AppUser.name if is_agent else Team.name
        statement = select(key.label("key"), name.label("name")).select_from(PerformanceDay)
        statement = statement.outerjoin(AppUser, AppUser.id == PerformanceDay.owner_id)
        return key, name, statement if is_agent else statement.outerjoin(Team, Team.id == AppUser.team_id)
    is_product = dimension is Dimension.PRODUCT
    key = cast(Product.id, TEXT) if is_product else Segment.region
    name = Product.name if is_product else Segment.region
    statement = select(key.label("key"), name.label("name")).select_from(PerformanceDay)
    statement = statement.outerjoin(Segment, Segment.id == PerformanceDay.segment_id)
    return key, name, statement.outerjoin(Product, Product.id == Segment.product_id)


IN_HOUSE = "in_house"
"""Key of those who work for no agency."""


def _by_agency() -> tuple[Any, Any, Select[*tuple[Any, ...]]]:
    """An agency's people are those who are in it now, as a team's are."""
    key = case(
        (PerformanceDay.owner_id == 0, literal("0")),
        (Agency.id.is_(None), literal(IN_HOUSE)),
        else_=cast(Agency.id, TEXT),
    )
    statement = select(key.label("key"), Agency.name.label("name")).select_from(PerformanceDay)
    statement = statement.outerjoin(Collector, Collector.user_id == PerformanceDay.owner_id)
    return key, Agency.name, statement.outerjoin(Agency, Agency.id == Collector.agency_id)


def agency_members(session: Session) -> dict[int, int]:
    """Agency of each of the agencies' people, by user."""
    statement = select(Collector.user_id, Collector.agency_id).where(Collector.agency_id.is_not(None))
    return {user: agency for user, agency in session.execute(statement) if agency is not None}


def owner_shares(session: Session, as_of: date) -> dict[int, Decimal]:
    """Cases of each owner, by the part held, over the whole book: how an agent's cost is divided."""
    statement = (
        select(PerformanceDay.owner_id, func.sum(PerformanceDay.case_share))
        .where(PerformanceDay.as_of == as_of, PerformanceDay.owner_id > literal(0))
        .group_by(PerformanceDay.owner_id)
    )
    return {owner: share for owner, share in session.execute(statement)}  # noqa: C416 - mypy reads it


def sums_at(
    session: Session, days: Sequence[date], scope: Scope, buckets: Sequence[int], owner_id: int | None
) -> list[AnyRow]:
    """Sums of several months or days to date: as_of and every figure, oldest first."""
    statement = select(PerformanceDay.as_of, *_sums()).where(PerformanceDay.as_of.in_(days))
    if owner_id is not None:
        statement = statement.where(PerformanceDay.owner_id == owner_id)
    return list(
        session.execute(
            _narrowed(statement, scope, buckets).group_by(PerformanceDay.as_of).order_by(PerformanceDay.as_of)
        )
    )


def groupings(session: Session) -> tuple[bool, bool]:
    """Whether anyone is in a team, and whether anyone works for an agency."""
    in_team = select(AppUser.id).where(AppUser.team_id.is_not(None)).exists()
    in_agency = select(Collector.user_id).where(Collector.agency_id.is_not(None)).exists()
    has_teams, has_agencies = session.execute(select(in_team, in_agency)).one()
    return has_teams, has_agencies
