"""How parts of the book roll, from `bucket_flow`: one row a product, region, branch or attribute value."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Integer, Numeric, and_, case, cast, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models.owes import Product, Segment
from db.models.stands import BucketFlow
from db.queries.portfolio.scope import Scope, conditions


class Dimension(StrEnum):
    """What the book is divided by."""

    PRODUCT = "product"
    REGION = "region"
    BRANCH = "branch"
    ATTRIBUTE = "attribute"


_COLUMNS: dict[Dimension, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = {
    Dimension.PRODUCT: Product.code,
    Dimension.REGION: Segment.region,
    Dimension.BRANCH: Segment.branch,
    Dimension.ATTRIBUTE: Segment.attribute,
}


@dataclass(frozen=True, slots=True)
class SegmentFlow:
    """What became, in one month, of loans past due at its opening that could still get worse."""

    opening_on: date
    value: str | None
    name: str | None
    """What the value is called on screen."""
    loans: int
    amount: Decimal
    """Outstanding at the opening."""
    forward_loans: int
    forward_amount: Decimal


def segment_flows(
    session: Session,
    scope: Scope,
    dimension: Dimension,
    *,
    months: tuple[tuple[date, date], ...],
    last_bucket: int,
) -> list[SegmentFlow]:
    """Roll forward by segment.

    Args:
        session: a reading transaction.
        scope: part of the book.
        dimension: what to divide by.
        months: pairs of opening and closing month close.
        last_bucket: the bucket from which no further one follows.
    """
    value = _COLUMNS[dimension]
    name = Product.name if dimension is Dimension.PRODUCT else value
    is_forward = and_(BucketFlow.to_bucket > BucketFlow.from_bucket, BucketFlow.to_bucket <= last_bucket)
    keys = (BucketFlow.opening_on, value, name)
    statement = (
        select(
            *keys,
            func.sum(BucketFlow.loans),
            func.sum(BucketFlow.amount),
            func.sum(case((is_forward, BucketFlow.loans), else_=cast(0, Integer))),
            func.sum(case((is_forward, BucketFlow.amount), else_=cast(0, Numeric))),
        )
        .join(Segment, Segment.id == BucketFlow.segment_id)
        .join(Product, Product.id == Segment.product_id)
        .where(
            tuple_(BucketFlow.opening_on, BucketFlow.closing_on).in_(months),
            BucketFlow.from_bucket.between(1, last_bucket - 1),
            *conditions(scope, BucketFlow.segment_id, BucketFlow.risk_band),
        )
        .group_by(*keys)
    )
    return [SegmentFlow(*row) for row in session.execute(statement)]
