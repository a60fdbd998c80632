"""Roll rates on the portfolio page: the matrix with its drill, trends, and the flow on demand."""

from collections.abc import Sequence

import streamlit as st

from components import charts, exports, money, palette, portfolio_charts
from components.dates import day
from components.empty import empty
from components.portfolio_links import ACCOUNTS, account_query
from components.portfolio_words import percent, rolls, trend
from services.portfolio import FilterChoices, Measure, Outcome, PortfolioFilter, Rolls
from services.portfolio.accounts import AccountFilter, Move
from services.portfolio.definitions import OUTCOME_MEANINGS, ROLL_MEANING
from services.portfolio.rolls import WAYS_OUT, Cell, RollMonth

MOST_STEPS = 6
_MEASURES = {"Accounts": Measure.COUNT, "Amount": Measure.AMOUNT}


def measure_switch() -> Measure:
    """Count or amount, kept in the URL."""
    label = st.segmented_control(
        "Shares of",
        list(_MEASURES),
        default="Accounts",
        required=True,
        key="measure",
        bind="query-params",
        label_visibility="collapsed",
    )
    return _MEASURES[label or "Accounts"]


def no_rolls() -> None:
    """Said when no two month-ends in a row are closed."""
    empty(
        "Roll rates need two month-ends in a row",
        "Only one is closed so far. Import payments or a snapshot of an earlier month and close that month-end, or "
        "wait for the next: the daily close fills this by itself.",
        icon=":material/grid_on:",
    )


def matrix(seen: Rolls, month: RollMonth, measure: Measure, *, chosen: PortfolioFilter, choices: FilterChoices) -> None:
    """The heat map; a clicked cell opens the way to its accounts."""
    st.markdown(f"##### {rolls(seen, measure)}", help=ROLL_MEANING)
    st.caption(f"Where accounts of {day(month.opening_on)} (rows) were on {day(month.closing_on)}, % of the row")
    rows = sum(1 for code in range(len(seen.bucket_labels)) if month.row(code).loans)
    points = charts.show(
        charts.drawn(
            lambda: portfolio_charts.matrix(seen, month, measure, palette.current()),
            of=charts.digest(("matrix", month, measure)),
        ),
        key="portfolio.matrix",
        on_select="rerun",
        height=60 + 38 * max(rows, 2),
    )
    if points and points[0].get("customdata"):
        start, end = (int(code) for code in points[0]["customdata"][:2])
        link = _cell(seen, month, (start, end), measure)
        wanted = AccountFilter(scope=chosen, move=Move(month.opening_on, month.closing_on, (start,), (end,)))
        st.page_link(ACCOUNTS, label=link, icon=":material/table_rows:", query_params=account_query(wanted, choices))


def _cell(seen: Rolls, month: RollMonth, move: tuple[int, int], measure: Measure) -> str:
    start, end = move
    cell = month.cells.get(move, Cell())
    ended = WAYS_OUT[end].lower() if end in WAYS_OUT else seen.bucket_labels[end]
    moved = f"{money.counted(cell.loans, 'account')} ({money.short(cell.amount)})"
    share = percent(month.share(start, end, measure))
    return f"{moved} went from {seen.bucket_labels[start]} to {ended}, {share}: see them"


def matrix_export(seen: Rolls, month: RollMonth) -> None:
    """The matrix as files: a row a move, with count, amount and shares."""
    labels = {**dict(enumerate(seen.bucket_labels)), **WAYS_OUT}
    rows = [
        {
            "opening_on": month.opening_on,
            "closing_on": month.closing_on,
            "from": labels[start],
            "to": labels[end],
            "accounts": cell.loans,
            "outstanding_at_opening": cell.amount,
            "share_of_accounts": month.share(start, end, Measure.COUNT),
            "share_of_amount": month.share(start, end, Measure.AMOUNT),
        }
        for (start, end), cell in sorted(month.cells.items())
    ]
    exports.downloads(f"Roll matrix {month.closing_on:%Y-%m}", rows, key="portfolio.matrix.export")


def trends(seen: Rolls, measure: Measure) -> None:
    """Small multiples: a chart a bucket, all with the same scale."""
    colours = palette.current()
    st.markdown(f"##### {trend(seen, measure)}", help="  \n".join(_meanings()))
    st.html(_legend(portfolio_charts.outcome_colours(colours)))
    top = portfolio_charts.highest(seen, measure)
    content = charts.digest((seen, measure))
    with st.grid(5, min_column_width=150, gap="xsmall"):
        for bucket in range(1, len(seen.bucket_labels)):
            figure = charts.drawn(
                lambda bucket=bucket: portfolio_charts.trend(seen, bucket, measure, colours, top=top),  # type: ignore[misc]
                of=f"trend {bucket} {content}",
            )
            charts.show(figure, key=f"portfolio.trend.{bucket}", height=190)
    exports.downloads("Roll trends", lambda: _trend_rows(seen), key="portfolio.trends.export")


def _meanings() -> Sequence[str]:
    return [f"**{name.capitalize()}**: {meaning}" for name, meaning in OUTCOME_MEANINGS.items()]


def _legend(colours: dict[Outcome, str]) -> str:
    marks = {Outcome.FORWARD: "━", Outcome.STABILISED: "•", Outcome.BACK: "╍", Outcome.CURE: "━"}
    parts = (
        f"<span><b style='color:{colours[outcome]}'>{marks[outcome]}{marks[outcome]}</b> "
        f"{portfolio_charts.OUTCOME_LABELS[outcome]}</span>"
        for outcome in Outcome
    )
    return f"<div style='display:flex;gap:1rem;flex-wrap:wrap;font-size:.85rem'>{''.join(parts)}</div>"


def _trend_rows(seen: Rolls) -> list[dict[str, object]]:
    return [
        {
            "opening_on": month.opening_on,
            "closing_on": month.closing_on,
            "bucket": seen.bucket_labels[bucket],
            "accounts": month.row(bucket).loans,
            "outstanding_at_opening": month.row(bucket).amount,
            **{
                f"{outcome.value}_share_of_{'accounts' if measure is Measure.COUNT else 'amount'}": month.outcome(
                    bucket, outcome, measure
                )
                for measure in Measure
                for outcome in Outcome
            },
        }
        for month in seen.months
        for bucket in range(len(seen.bucket_labels))
    ]


def flow(seen: Rolls, measure: Measure) -> None:
    """The flow between two month-ends, drawn when asked for; a column each month-end between."""
    if not st.toggle("Show the flow between two month-ends", key="flow", bind="query-params"):
        return
    openings = {day(month.opening_on): month.opening_on for month in seen.months}
    closings = {day(month.closing_on): month.closing_on for month in seen.months}
    with st.container(horizontal=True, gap="small"):
        first = st.selectbox("From", list(openings), index=len(openings) - 1, key="flow_from", width=170)
        last = st.selectbox("To", list(closings), index=len(closings) - 1, key="flow_to", width=170)
    months = [
        month for month in seen.months if month.opening_on >= openings[first] and month.closing_on <= closings[last]
    ]
    if not months:
        st.info("Choose a later second month-end.", icon=":material/info:")
        return
    if len(months) > MOST_STEPS:
        st.info(f"The last {MOST_STEPS} months of these are shown.", icon=":material/info:")
    st.caption(
        "Accounts that were or fell past due, from left to right by month-end. Those that stay current are left out, "
        "since they would hide the rest."
    )
    figure = portfolio_charts.flow(seen, months[-MOST_STEPS:], measure, palette.current())
    charts.show(charts.Drawing(figure), key="portfolio.flow", height=420)
