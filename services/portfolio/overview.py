"""The head of the portfolio page: figures, buckets and what changed, in a fixed number of statements."""

from dataclasses import dataclass, replace
from datetime import date

from db.engine import reading
from db.queries.portfolio import days as day_queries
from db.queries.portfolio import promises as promise_queries
from services import lender
from services.actors import Actor, Permission
from services.portfolio.changes import Changes, changes
from services.portfolio.definitions import FigureKey
from services.portfolio.figures import BucketSum, DayTotals, Figure, headline, refreshed, totals_by_day
from services.portfolio.filtering import Period, PortfolioFilter, month_number, period


@dataclass(frozen=True, slots=True)
class BucketAge:
    """A bucket now against the start of the month."""

    bucket: int
    label: str
    now: BucketSum
    opening: BucketSum | None
    """None: the month before was not closed."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the head of the portfolio page shows."""

    as_of: date
    opening_on: date | None
    is_newest: bool
    figures: tuple[Figure, ...]
    ageing: tuple[BucketAge, ...]
    since_day_before: Changes | None
    since_opening: Changes | None


def overview(actor: Actor, chosen: PortfolioFilter, month: date | None = None) -> Overview | None:
    """Figures, buckets and changes at the newest day-end of a month; None: no day has been closed yet.

    Promises are those of the day-end; see `with_promises_now`.

    Args:
        actor: who looks.
        chosen: part of the book.
        month: any day of the month; None: the newest.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        when = period(session, month)
        if when is None:
            return None
        settings = lender.load(session)
        rows, day_before = day_queries.day_sums(session, chosen, when.closes, with_day_before=when.as_of)
        promises = {row.as_of: row for row in promise_queries.promises_at(session, chosen, when.closes)}
    by_day = totals_by_day(rows)
    return Overview(
        as_of=when.as_of,
        opening_on=when.opening_on,
        is_newest=when.is_newest,
        figures=headline(when, by_day, promises),
        ageing=_ageing(settings.bucket_labels, when, by_day),
        # nothing where it is the opening, which is told anyway
        since_day_before=_since(day_before, when, by_day) if day_before != when.opening_on else None,
        since_opening=_since(when.opening_on, when, by_day),
    )


def with_promises_now(actor: Actor, chosen: PortfolioFilter, seen: Overview) -> Overview:
    """The same with promises as they stand now, so that one counts the moment it is recorded.

    Apart from `overview`, which may be kept until the book changes. A past month stays as it was.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    if not seen.is_newest:
        return seen
    with reading() as session:
        today = max(lender.load(session).today, seen.as_of)
        now = promise_queries.promises_now(session, chosen, month_start=seen.as_of.replace(day=1), today=today)
    figures = tuple(refreshed(figure, now) if figure.key is FigureKey.PROMISES else figure for figure in seen.figures)
    return replace(seen, figures=figures)


def _ageing(labels: tuple[str, ...], when: Period, days: dict[date, DayTotals]) -> tuple[BucketAge, ...]:
    now = days.get(when.as_of, DayTotals({}))
    opening = days.get(when.opening_on, DayTotals({})) if when.opening_on else None
    return tuple(
        BucketAge(
            code,
            label,
            now.buckets.get(code, BucketSum()),
            opening.buckets.get(code, BucketSum()) if opening is not None else None,
        )
        for code, label in enumerate(labels)
    )


def _since(since: date | None, when: Period, days: dict[date, DayTotals]) -> Changes | None:
    if since is None:
        return None
    return changes(
        since,
        days.get(since, DayTotals({})),
        days.get(when.as_of, DayTotals({})),
        is_opening=since == when.opening_on,
        same_month=month_number(since) == month_number(when.as_of),
    )
