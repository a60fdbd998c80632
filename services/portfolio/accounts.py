"""The accounts behind a figure: pages, totals, and which accounts a figure is made of."""

import json
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries.portfolio import accounts as queries
from db.queries.portfolio.accounts import Account, AccountFilter, AccountsOf, AccountTotals, Cursor, Move, SortBy
from services import audit, lender
from services.actors import Actor, Permission
from services.portfolio.definitions import FigureKey
from services.portfolio.filtering import PortfolioFilter
from services.portfolio.promise_days import end_of_day
from services.wording import counted

__all__ = [
    "Account",
    "AccountFilter",
    "AccountPage",
    "AccountTotals",
    "AccountsOf",
    "Cursor",
    "Move",
    "SortBy",
    "attribute_keys",
    "attribute_values",
    "behind",
    "export",
    "is_kept",
    "page",
    "totals",
]

PAGE = 50
_FIGURES: dict[FigureKey, AccountsOf] = {
    FigureKey.OVERDUE: AccountsOf.OVERDUE,
    FigureKey.DELINQUENT: AccountsOf.PAST_DUE,
    FigureKey.EFFICIENCY: AccountsOf.DEMAND_UNPAID,
    FigureKey.RECOVERY: AccountsOf.OVERDUE,
    FigureKey.PROMISES: AccountsOf.PROMISE_PENDING,
    FigureKey.NPA: AccountsOf.NPA,
}


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A page of accounts and where its neighbours begin."""

    accounts: tuple[Account, ...]
    before: Cursor | None
    """None: this is the first page."""
    after: Cursor | None
    """None: this is the last page."""
    as_of: date | None
    """The day of the figures; None: nothing has been closed."""


def behind(key: FigureKey, chosen: PortfolioFilter, as_of: date | None = None) -> AccountFilter:
    """The accounts that a headline figure is made of.

    Args:
        key: the figure.
        chosen: part of the book.
        as_of: the closed day that the figure is of; None: as they stand now.
    """
    return AccountFilter(scope=chosen, of=_FIGURES[key], as_of=as_of)


def page(
    actor: Actor,
    chosen: AccountFilter,
    *,
    sort: SortBy = SortBy.OVERDUE,
    cursor: Cursor | None = None,
) -> AccountPage:
    """A page of accounts.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        as_of, dates = _dates(session, chosen)
        found = queries.account_page(
            session,
            chosen,
            sort=sort,
            cursor=cursor,
            limit=PAGE + 1,
            dates=dates,
        )
    return _page(found, cursor, as_of)


def _page(found: list[Account], cursor: Cursor | None, as_of: date | None) -> AccountPage:
    is_back = cursor is not None and cursor.is_backwards
    has_more = len(found) > PAGE
    shown = found[-PAGE:] if is_back else found[:PAGE]
    has_before = has_more if is_back else cursor is not None
    has_after = True if is_back else has_more
    if not shown:
        return AccountPage((), None, None, as_of)
    first, last = shown[0], shown[-1]
    return AccountPage(
        accounts=tuple(shown),
        before=Cursor(first.sort_value, first.loan_id, is_backwards=True) if has_before else None,
        after=Cursor(last.sort_value, last.loan_id) if has_after else None,
        as_of=as_of,
    )


def totals(actor: Actor, chosen: AccountFilter) -> AccountTotals:
    """Count and sums of all accounts that the filter leaves.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        _, dates = _dates(session, chosen)
        return queries.account_totals(session, chosen, dates=dates)


def is_kept(actor: Actor, day: date) -> bool:
    """Whether accounts are kept as they stood at a day-end; not of days that were never closed.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        return queries.has_day(session, day)


def attribute_keys(actor: Actor) -> list[str]:
    """Columns of the lender's own file that accounts may be filtered on.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        return queries.attribute_keys(session)


def attribute_values(actor: Actor, key: str) -> list[str]:
    """The commonest values of such a column.

    Raises:
        NotAllowed: the actor may not view the portfolio.
    """
    actor.require(Permission.VIEW_PORTFOLIO)
    with reading() as session:
        return queries.attribute_values(session, key)


def _dates(session: Session, chosen: AccountFilter) -> tuple[date | None, queries.Dates]:
    """The day of the figures, and the days by which promises choose accounts."""
    settings = lender.load(session)
    day = chosen.move.closing_on if chosen.move is not None else chosen.as_of
    newest = settings.closed_through
    today = day or max(settings.today, newest or settings.today)
    ended_at = end_of_day(day, settings.time_zone) if day is not None and day <= settings.today else None
    return day or newest, queries.Dates((day or newest or today).replace(day=1), today, ended_at)


EXPORT_LIMIT = 100_000
"""Most accounts that one file holds."""
CONFIRM_ABOVE = 5_000
"""Larger files are confirmed first."""


def export(actor: Actor, chosen: AccountFilter, *, sort: SortBy = SortBy.OVERDUE) -> list[Account]:
    """The first `EXPORT_LIMIT` accounts that the filter leaves, for a file. Recorded in the audit trail.

    Raises:
        NotAllowed: the actor may not export portfolio figures.
    """
    actor.require(Permission.EXPORT_PORTFOLIO)
    with transaction() as session:
        _, dates = _dates(session, chosen)
        rows = queries.all_accounts(session, chosen, sort=sort, limit=EXPORT_LIMIT, dates=dates)
        found = list(rows)
        audit.record(
            session,
            actor,
            "accounts.exported",
            subject=("accounts", chosen.of),
            summary=f"exported {counted(len(found), 'account')}",
            after={"filter": _described(chosen), "sort": sort.value, "accounts": len(found)},
        )
    return found


def _described(chosen: AccountFilter) -> dict[str, object]:
    """The filter as JSON: what it narrows, nothing that it leaves open."""
    given = {name: held for name, held in asdict(chosen).items() if held}
    return {name: json.loads(json.dumps(held, default=str)) for name, held in given.items()}
