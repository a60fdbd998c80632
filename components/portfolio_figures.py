"""The head of the portfolio page: what changed in one line, and six figures with their year."""

from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from components import money
from components.dates import day
from components.portfolio_links import ACCOUNTS, account_query
from components.portfolio_words import movement, nothing_moved, percent, points, signed
from services.portfolio import DEFINITIONS, FigureKey, FilterChoices, Overview, PortfolioFilter, Unit, accounts
from services.portfolio.accounts import AccountFilter, AccountsOf
from services.portfolio.changes import Changes, Moved, Movement
from services.portfolio.figures import Figure

_OF_MONTH = {FigureKey.EFFICIENCY, FigureKey.RECOVERY}
"""Figures that grow over a month: an unfinished month is not compared with a whole one."""
_GOOD_WHEN_UP = {FigureKey.EFFICIENCY, FigureKey.RECOVERY}


def changes(seen: Overview, chosen: PortfolioFilter, choices: FilterChoices) -> None:
    """One line a period: the largest movements, each a link to its accounts."""
    for period in (seen.since_day_before, seen.since_opening):
        if period is not None:
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                _line(period, chosen, choices, seen.as_of)


def _line(period: Changes, chosen: PortfolioFilter, choices: FilterChoices, as_of: date) -> None:
    if not period.movements:
        st.markdown(nothing_moved(period), width="content")
        return
    st.markdown(f"**Since {day(period.since)}**", width="content")
    for moved in period.movements:
        st.page_link(
            ACCOUNTS,
            label=f":primary[{movement(moved, choices.bucket_labels)}]",
            query_params=account_query(_behind(moved, chosen, as_of), choices),
            help=f"{_exact(moved)} See the accounts.",
        )
    if period.collected is not None:
        st.markdown(f"collected {money.short(period.collected)}", width="content", help=money.full(period.collected))


def _exact(moved: Movement) -> str:
    loans = f", {signed(money.counted(abs(moved.loans), 'account'), moved.loans)}" if moved.loans else ""
    what = "overdue" if moved.what is Moved.OVERDUE else "outstanding"
    return f"{signed(money.full(abs(moved.amount)), moved.amount)} {what}{loans}."


def _behind(moved: Movement, chosen: PortfolioFilter, as_of: date) -> AccountFilter:
    if moved.what is Moved.OVERDUE:
        return AccountFilter(scope=chosen, of=AccountsOf.OVERDUE, as_of=as_of)
    if moved.what is Moved.NPA:
        return AccountFilter(scope=chosen, of=AccountsOf.NPA, as_of=as_of)
    return AccountFilter(scope=chosen, buckets=(moved.bucket or 0,), as_of=as_of)


def figures(seen: Overview, chosen: PortfolioFilter, choices: FilterChoices) -> None:
    """Six cards: value, change, year, and the way to the accounts."""
    grid = st.grid(6, min_column_width=158, gap="xsmall", border=True, key="portfolio_figures")
    for figure in seen.figures:
        with grid.cell():
            _card(figure, seen)
            st.page_link(
                ACCOUNTS,
                label=f":primary[{_second(figure)}]",
                query_params=account_query(accounts.behind(figure.key, chosen, _day_of(figure, seen)), choices),
                help="See the accounts behind this figure",
            )


def _day_of(figure: Figure, seen: Overview) -> date | None:
    """The day that a figure is of: payments since then do not change it, and so not the accounts behind it."""
    return None if figure.key is FigureKey.PROMISES and seen.is_newest else seen.as_of


def _card(figure: Figure, seen: Overview) -> None:
    definition = DEFINITIONS[figure.key]
    delta = _delta(figure, seen)
    known = [float(value) for _, value in figure.trend if value is not None]
    is_flat = delta is None or not any(digit in delta for digit in "123456789")
    up_is_good = figure.key in _GOOD_WHEN_UP
    st.metric(
        definition.label,
        written(figure.value, definition.unit),
        delta,
        delta_color="off" if is_flat or figure.key is FigureKey.PROMISES else "normal" if up_is_good else "inverse",
        delta_arrow="off" if is_flat else "auto",
        delta_description=f"on {seen.opening_on:%-d %b}" if delta and seen.opening_on else None,
        chart_data=known if len(known) > 1 else None,
        help=_help(figure, seen),
    )


def written(value: Decimal | None, unit: Unit) -> str:
    """A figure as its card shows it."""
    if value is None:
        return "–"
    if unit is Unit.MONEY:
        return money.short(value)
    return percent(value) if unit is Unit.SHARE else money.count(int(value))


def _delta(figure: Figure, seen: Overview) -> str | None:
    is_month_end = (seen.as_of + timedelta(days=1)).day == 1
    if figure.value is None or figure.previous is None or (figure.key in _OF_MONTH and not is_month_end):
        return None
    change, unit = figure.value - figure.previous, DEFINITIONS[figure.key].unit
    if unit is Unit.SHARE:
        return points(change).replace("−", "-")  # the metric reads its direction from an ASCII sign
    size = money.short(abs(change)) if unit is Unit.MONEY else money.count(int(abs(change)))
    return f"{'-' if change < 0 else ''}{size}"


def _help(figure: Figure, seen: Overview) -> str:
    definition = DEFINITIONS[figure.key]
    exact = f" Exactly {money.full(figure.value)}." if definition.unit is Unit.MONEY and figure.value else ""
    partial = ""
    if figure.key in _OF_MONTH and figure.previous is not None and seen.opening_on is not None:
        partial = f" {seen.opening_on:%B}: {percent(figure.previous)}."
    on = _day_of(figure, seen)
    when = day(on) if on is not None else "now"
    return f"{definition.meaning}\n\n**As of {when}.**{exact}{partial} The line shows up to 12 month-ends."


def _second(figure: Figure) -> str:
    second = figure.second
    match figure.key:
        case FigureKey.DELINQUENT:
            return f"of {money.count(int(second or 0))} active"
        case FigureKey.EFFICIENCY:
            return f"{percent(second)} incl. arrears"
        case FigureKey.PROMISES:
            return f"{money.short(figure.amount)} · {money.count(int(second or 0))} broken"
        case FigureKey.NPA:
            return money.counted(int(second or 0), "account")
        case FigureKey.RECOVERY:
            return "of overdue assigned"
        case _:
            return "see the accounts"
