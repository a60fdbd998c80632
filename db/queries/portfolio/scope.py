"""What part of the book a statement reads: the filters of the portfolio pages as conditions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models.owes import Product, Segment

NOT_GIVEN = ""
"""Stands for a segment value that the lender's file left out."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Part of the book. An empty tuple means all; within a field values are alternatives, fields narrow each other."""

    products: tuple[str, ...] = ()
    """Product codes."""
    regions: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    """Values of the lender's segment attribute."""
    risk_bands: tuple[int, ...] = ()
    """0 not scored, 1 low ... 5 very high."""

    @property
    def is_whole_book(self) -> bool:
        """Whether nothing is left out."""
        return self == Scope()

    @property
    def segments_only(self) -> "Scope":
        """The same without the risk band, for aggregates that do not carry one."""
        return Scope(self.products, self.regions, self.branches, self.attributes)


@dataclass(frozen=True, slots=True)
class SegmentChoice:
    """One segment, by the values that filters offer."""

    product: str
    product_name: str
    region: str | None
    branch: str | None
    attribute: str | None


def conditions(
    scope: Scope, segment: InstrumentedAttribute[int], band: InstrumentedAttribute[int] | None = None
) -> Iterator[ColumnElement[bool]]:
    """Conditions on a table's segment and, where it has one, risk band."""
    if scope.segments_only != Scope():
        yield segment.in_(_segment_ids(scope))
    if scope.risk_bands and band is not None:
        yield band.in_(scope.risk_bands)


def _segment_ids(scope: Scope) -> Any:
    chosen = select(Segment.id)
    if scope.products:
        chosen = chosen.join(Product, Product.id == Segment.product_id).where(Product.code.in_(scope.products))
    for column, values in (
        (Segment.region, scope.regions),
        (Segment.branch, scope.branches),
        (Segment.attribute, scope.attributes),
    ):
        if values:
            chosen = chosen.where(_one_of(column, values))
    return chosen


def _one_of(column: InstrumentedAttribute[str | None], values: tuple[str, ...]) -> ColumnElement[bool]:
    given = column.in_([value for value in values if value != NOT_GIVEN])
    return or_(given, column.is_(None)) if NOT_GIVEN in values else given


def segment_choices(session: Session) -> list[SegmentChoice]:
    """Every segment of the book: a few hundred rows, whatever the number of loans."""
    statement = (
        select(Product.code, Product.name, Segment.region, Segment.branch, Segment.attribute)
        .join(Product, Product.id == Segment.product_id)
        .order_by(Product.name, Segment.region, Segment.branch, Segment.attribute)
    )
    return [SegmentChoice(*row) for row in session.execute(statement)]
