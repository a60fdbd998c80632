"""The cases behind a figure of the performance page: exactly those that the day-end counted."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from db.base import AnyRow
from db.engine import reading
from db.queries.performance import behind as queries
from db.queries.performance.behind import Asked
from db.queries.performance.reading import Dimension
from services import lender
from services.actors import Actor, Permission
from services.exports import Field
from services.performance.definitions import Figure
from services.performance.overview import PerformanceFilter, closed_day

PAGE: Final = 50
EXPORTED_AT_MOST: Final = 100_000

Cursor = tuple[Decimal, int, int]
"""Value, case and owner of a page's last row."""


@dataclass(frozen=True, slots=True)
class CountedCase:
    """A case that a figure counts."""

    case_id: int
    borrower_id: int
    borrower_name: str
    borrower_number: str
    owner_name: str | None
    """Who had it; None: nobody."""
    product: str | None
    bucket: str
    """The opening bucket in words."""
    value: Decimal
    """What it brings to the figure."""
    to_collect: Decimal
    collected: Decimal
    attempts: int
    promises: int
    closed_on: date | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """A page of the cases behind a figure."""

    as_of: date
    cases: tuple[CountedCase, ...]
    next_after: Cursor | None
    number: int
    """Of all, not of the page."""
    total: Decimal
    """What all of them bring to the figure."""
    is_kept: bool
    """False: the day was closed before its cases were kept; only its sums are known."""


EXPORT_FIELDS: Final = (
    Field("borrower_number", "Customer no."),
    Field("owner_name", "Had by"),
    Field("product", "Product"),
    Field("bucket", "Opening bucket"),
    Field("value", "In the figure"),
    Field("to_collect", "To collect"),
    Field("collected", "Collected"),
    Field("attempts", "Attempts"),
    Field("promises", "Promises"),
    Field("closed_on", "Closed on"),
)


def cases_behind(
    actor: Actor,
    chosen: PerformanceFilter,
    figure: Figure,
    *,
    dimension: Dimension = Dimension.AGENT,
    key: str | None = None,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> CasePage | None:
    """The cases that a figure counts, those that bring most to it first; None before the first closed day.

    Args:
        actor: who looks.
        chosen: part of the book, and the month.
        figure: which; of a rate, the cases of what it divides.
        dimension: what the page tells figures apart by.
        key: of the row; None: all rows.
        after: where the page before ended.
        limit: cases of a page.

    Raises:
        NotAllowed: the actor may not see performance, or no borrowers.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        as_of = closed_day(session, chosen.month)
        if as_of is None:
            return None
        asked = Asked(as_of, figure.value, chosen.scope, chosen.buckets, dimension, key)
        rows = queries.page(session, asked, after=after, limit=limit + 1)
        number, total = queries.sums(session, asked)
        labels = lender.load(session).bucket_labels
        is_kept = bool(rows) or queries.are_kept(session, as_of)
    last = rows[limit - 1] if len(rows) > limit else None
    following = (Decimal(last.value), last.case_id, last.owner_id) if last else None
    return CasePage(as_of, tuple(_case(row, labels) for row in rows[:limit]), following, number, total, is_kept)


def _case(row: AnyRow, labels: tuple[str, ...]) -> CountedCase:
    return CountedCase(
        case_id=row.case_id,
        borrower_id=row.borrower_id,
        borrower_name=row.borrower_name,
        borrower_number=row.borrower_number,
        owner_name=row.owner_name,
        product=row.product,
        bucket=labels[row.bucket] if row.bucket else "Fell due in the month",
        value=Decimal(row.value),
        to_collect=row.to_collect,
        collected=row.collected,
        attempts=row.attempts,
        promises=row.promises,
        closed_on=row.closed_on,
    )


def export(
    actor: Actor, chosen: PerformanceFilter, figure: Figure, *, dimension: Dimension, key: str | None
) -> list[CountedCase]:
    """All cases behind a figure for a file, at most `EXPORTED_AT_MOST`.

    Raises:
        NotAllowed: the actor may not export.
    """
    actor.require(Permission.EXPORT_PORTFOLIO)
    found = cases_behind(actor, chosen, figure, dimension=dimension, key=key, limit=EXPORTED_AT_MOST)
    return list(found.cases) if found else []
