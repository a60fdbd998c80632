"""The cases behind a figure of performance: those that its sum was made of, with what each brought to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.allocation import Collector
from db.models.owes import Borrower, Product, Segment
from db.models.performance import PerformanceCase
from db.models.work import CollectionCase
from db.queries.performance.reading import IN_HOUSE, Dimension
from db.queries.portfolio.scope import Scope, conditions

_c = PerformanceCase.__table__.c
_VALUES: dict[str, ColumnElement[Any]] = {
    "cases": case((_c.part.is_not(None), 1), else_=0),
    "to_collect": _c.to_collect,
    "collected": _c.collected,
    "collected_share": _c.collected,
    "cured": _c.cured,
    "cure_rate": _c.cured,
    "worked": case((_c.attempts > 0, 1), else_=0),
    "contacted": case((_c.connects > 0, 1), else_=0),
    "attempts": _c.attempts,
    "right_party": _c.right_party,
    "right_party_of_attempts": _c.right_party,
    "right_party_of_connects": _c.right_party,
    "promises": _c.promises,
    "promise_rate": _c.right_party_promised,
    "fallen_due": _c.fallen_due,
    "kept": _c.kept,
    "partly_kept": _c.partly_kept,
    "broken": _c.broken,
    "kept_rate": _c.kept,
    "kept_amount_rate": _c.kept_amount,
}
"""What a case brings to a figure, by the figure's name; of a rate to what it divides."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases: of a closed day, a part of the book, and there one row of the page or all."""

    as_of: date
    figure: str
    scope: Scope
    buckets: Sequence[int] = ()
    dimension: Dimension = Dimension.AGENT
    key: str | None = None
    """The row's key; None: all rows."""


def _matching(statement: Select[*tuple[Any, ...]], asked: Asked) -> Select[*tuple[Any, ...]]:
    statement = statement.where(_c.as_of == asked.as_of, _VALUES[asked.figure] != 0)
    statement = statement.where(*conditions(asked.scope.segments_only, PerformanceCase.segment_id))
    if asked.buckets:
        statement = statement.where(_c.bucket.in_(asked.buckets))
    return statement if asked.key is None else statement.where(_of_row(asked.dimension, asked.key))


def _of_row(dimension: Dimension, key: str) -> ColumnElement[bool]:
    """What tells the cases of a row: see `reading.sums_by`, which makes the keys."""
    if dimension is Dimension.AGENT:
        return _c.owner_id == int(key)
    if dimension is Dimension.TEAM:
        in_team = select(AppUser.id).where(AppUser.team_id.is_not(None))
        if key == "0":
            return _c.owner_id.not_in(in_team)
        return _c.owner_id.in_(in_team.where(AppUser.team_id == int(key)))
    if dimension is Dimension.AGENCY:
        in_agency = select(Collector.user_id).where(Collector.agency_id.is_not(None))
        if key == IN_HOUSE:
            return (_c.owner_id != 0) & _c.owner_id.not_in(in_agency)
        return _c.owner_id == 0 if key == "0" else _c.owner_id.in_(in_agency.where(Collector.agency_id == int(key)))
    if dimension is Dimension.BUCKET:
        return _c.bucket == int(key)
    of = select(Segment.id)
    if dimension is Dimension.PRODUCT:
        return _c.segment_id.in_(of.where(Segment.product_id == int(key)))
    return _c.segment_id.in_(of.where(Segment.region == key if key else Segment.region.is_(None)))


def sums(session: Session, asked: Asked) -> tuple[int, Decimal]:
    """How many cases there are behind the figure, and what they bring to it together."""
    statement = select(func.count(), func.coalesce(func.sum(_VALUES[asked.figure]), 0))
    number, value = session.execute(_matching(statement, asked)).one()
    return number, Decimal(value)


def page(session: Session, asked: Asked, *, after: tuple[Decimal, int, int] | None, limit: int) -> Sequence[AnyRow]:
    """Cases behind the figure, those that bring most to it first.

    Args:
        session: to read in.
        asked: which.
        after: value, case and owner of the last row of the page before.
        limit: rows.
    """
    value = _VALUES[asked.figure]
    statement = (
        select(
            _c.case_id,
            _c.owner_id,
            _c.borrower_id,
            Borrower.name.label("borrower_name"),
            Borrower.external_id.label("borrower_number"),
            AppUser.name.label("owner_name"),
            Product.name.label("product"),
            _c.bucket,
            value.label("value"),
            _c.to_collect,
            _c.collected,
            _c.attempts,
            _c.promises,
            CollectionCase.closed_on,
        )
        .join(Borrower, Borrower.id == _c.borrower_id)
        .join(CollectionCase, CollectionCase.id == _c.case_id)
        .outerjoin(AppUser, AppUser.id == _c.owner_id)
        .outerjoin(Segment, Segment.id == _c.segment_id)
        .outerjoin(Product, Product.id == Segment.product_id)
    )
    if after is not None:
        statement = statement.where(tuple_(-value, _c.case_id, _c.owner_id) > (-after[0], after[1], after[2]))
    ordered = _matching(statement, asked).order_by((-value), _c.case_id, _c.owner_id)
    return session.execute(ordered.limit(limit)).all()


def are_kept(session: Session, as_of: date) -> bool:
    """Whether the cases of a closed day are kept: of days closed before they were, only the sums are."""
    return bool(session.execute(select(select(_c.as_of).where(_c.as_of == as_of).exists())).scalar_one())
