"""The filters of the portfolio pages and what they may be set to."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries.portfolio import days, scope
from db.queries.portfolio.scope import NOT_GIVEN, Scope
from services import lender
from services.actors import Actor, Permission
from services.scoring import BANDS

PortfolioFilter = Scope
"""Part of the book that the pages show; empty fields mean all."""

RISK_BANDS: dict[int, str] = {band: f"{band} {name.lower()}" for band, name in BANDS.items() if band} | {
    0: BANDS[0].lower()
}
"""Bands as the portfolio's pages call them: by number, then by the name that every page uses."""


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """What each filter offers. `NOT_GIVEN` stands for values that the lender's file left out."""

    products: dict[str, str]
    """Code to name."""
    regions: tuple[str, ...]
    branches: tuple[str, ...]
    attributes: tuple[str, ...]
    attribute_name: str | None
    """Key of the lender's segment attribute; None: none is configured."""
    months: tuple[date, ...]
    """Last closed day of each month, newest first."""
    bucket_labels: tuple[str, ...]


def choices(actor: Actor) -> FilterChoices:
    """What the filters offer, from the segments and closed days of the book.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        settings = lender.load(session)
        found = scope.segment_choices(session)
        months = days.month_closes(session)
    return FilterChoices(
        products={segment.product: segment.product_name for segment in found},
        regions=_values({segment.region for segment in found}),
        branches=_values({segment.branch for segment in found}),
        attributes=_values({segment.attribute for segment in found}),
        attribute_name=settings.segment_attribute,
        months=months[::-1],
        bucket_labels=settings.bucket_labels,
    )


def _values(found: set[str | None]) -> tuple[str, ...]:
    given = sorted(value for value in found if value is not None)
    is_mixed = None in found and bool(given)
    return (*given, NOT_GIVEN) if is_mixed else tuple(given)


@dataclass(frozen=True, slots=True)
class Period:
    """The day looked at and the month closes before it."""

    as_of: date
    closes: tuple[date, ...]
    """Month closes up to and including `as_of`, oldest first."""
    is_newest: bool

    @property
    def opening_on(self) -> date | None:
        """Last closed day of the month before; None: that month was not closed."""
        return opening_of(self.as_of, self.closes)

    @property
    def whole_months(self) -> tuple[date, ...]:
        """Closes of months that are over: what became of loans in half a month does not compare with a whole one."""
        is_over = not self.is_newest or (self.as_of + timedelta(days=1)).day == 1
        return self.closes if is_over else self.closes[:-1]

    @property
    def month_start(self) -> date:
        """First day of the month looked at."""
        return self.as_of.replace(day=1)


def opening_of(day: date, closes: tuple[date, ...]) -> date | None:
    """The close of the month just before the month of `day`, if there is one."""
    earlier = [close for close in closes if close < day.replace(day=1)]
    return earlier[-1] if earlier and month_number(day) - month_number(earlier[-1]) == 1 else None


def month_number(day: date) -> int:
    """Months since year 0, to count months between days."""
    return day.year * 12 + day.month


def period(session: Session, month: date | None, *, months_back: int = 13) -> Period | None:
    """The period that ends in the month of `month`, or the newest; None: nothing has been closed.

    Args:
        session: a reading transaction.
        month: any day of the month; None or a month without a close: the newest.
        months_back: how many month closes to keep.
    """
    closes = days.month_closes(session)
    if not closes:
        return None
    matching = [close for close in closes if month is not None and month_number(close) == month_number(month)]
    as_of = matching[0] if matching else closes[-1]
    kept = tuple(close for close in closes if close <= as_of)[-months_back:]
    return Period(as_of, kept, is_newest=as_of == closes[-1])
