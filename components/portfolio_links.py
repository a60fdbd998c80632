"""Addresses of the accounts behind a figure: an account filter as query parameters, and back."""

from datetime import date

from components.portfolio_filters import product_labels, value_label
from components.queue_list import RISKS
from services.portfolio import NOT_GIVEN, RISK_BANDS, FilterChoices, PortfolioFilter
from services.portfolio.accounts import AccountFilter, AccountsOf, Move
from services.portfolio.rolls import WAYS_OUT

ACCOUNTS = "pages/accounts.py"
OF_LABELS: dict[AccountsOf, str] = {
    AccountsOf.PAST_DUE: "Past due",
    AccountsOf.OVERDUE: "Something overdue",
    AccountsOf.ACTIVE: "All active",
    AccountsOf.DEMAND_UNPAID: "Month's due unpaid",
    AccountsOf.NPA: "NPA",
    AccountsOf.PROMISE_PENDING: "Promise pending",
    AccountsOf.PROMISE_BROKEN: "Promise broken this month",
}
Query = dict[str, str | list[str]]
_WORSE = "worse"
"""Stands in an address for whatever bucket is worse than the one at the opening."""


def scope_query(chosen: PortfolioFilter, choices: FilterChoices) -> Query:
    """The segment filters as the filter row names them in the URL."""
    products = product_labels(choices)
    query: Query = {
        "product": [products[code] for code in chosen.products if code in products],
        "region": [value_label(value) for value in chosen.regions],
        "branch": [value_label(value) for value in chosen.branches],
        "attribute": [value_label(value) for value in chosen.attributes],
        "band": [RISK_BANDS[band] for band in chosen.risk_bands],
    }
    return {name: values for name, values in query.items() if values}


def account_query(chosen: AccountFilter, choices: FilterChoices) -> Query:
    """The address of the accounts that a filter leaves."""
    query = scope_query(chosen.scope, choices)
    if chosen.move is not None:
        move = chosen.move
        starts = ".".join(str(code) for code in move.from_buckets)
        ends = _WORSE if move.is_forward else ".".join(str(code) for code in move.to)
        query["move"] = f"{move.opening_on}~{move.closing_on}~{starts}~{ends}"
        return query
    if chosen.of is not AccountsOf.PAST_DUE:
        query["of"] = OF_LABELS[chosen.of]
    if chosen.buckets:
        query["bucket"] = [choices.bucket_labels[code] for code in chosen.buckets]
    if chosen.as_of is not None:
        query["day"] = chosen.as_of.isoformat()
    return query


def queue_query(scope: PortfolioFilter, choices: FilterChoices) -> Query:
    """The queue's filter for the same borrowers, as far as it has one: one value of each field, any risk bands."""
    products = product_labels(choices)
    fields = {
        "product": [products[code] for code in scope.products if code in products],
        "region": [value for value in scope.regions if value != NOT_GIVEN],
        "branch": [value for value in scope.branches if value != NOT_GIVEN],
        "attribute": [value for value in scope.attributes if value != NOT_GIVEN],
    }
    query: Query = {name: values[0] for name, values in fields.items() if len(values) == 1}
    bands = [RISKS[str(band)] for band in scope.risk_bands if str(band) in RISKS]
    return query | ({"band": bands} if bands and query else {})


def read_move(written: str | None) -> Move | None:
    """The move that an address names; None: none, or not one."""
    try:
        opening, closing, starts, ends = (written or "").split("~")
        is_forward = ends == _WORSE
        move = Move(
            date.fromisoformat(opening),
            date.fromisoformat(closing),
            _codes(starts),
            () if is_forward else _codes(ends),
            is_forward=is_forward,
        )
    except ValueError:
        return None
    return move if all(0 <= code <= max(WAYS_OUT) for code in (*move.from_buckets, *move.to)) else None


def _codes(written: str) -> tuple[int, ...]:
    return tuple(int(code) for code in written.split("."))


def read_day(written: str | None) -> date | None:
    """The day that an address names; None: none, or not one."""
    try:
        return date.fromisoformat(written or "")
    except ValueError:
        return None
