"""Panels of the portfolio page beneath and beside the matrix: buckets, vintages, worst segments."""

import streamlit as st

from components import charts, exports, money, palette, portfolio_charts, tables
from components.empty import empty
from components.portfolio_links import ACCOUNTS, account_query, queue_query
from components.portfolio_words import ageing as ageing_words
from components.portfolio_words import segments as segment_words
from components.portfolio_words import vintages as vintage_words
from components.tables import Column
from services.actors import Actor, Permission
from services.exports import Field
from services.portfolio import Dimension, FilterChoices, Measure, Overview, PortfolioFilter, Vintage, WorstSegments
from services.portfolio.accounts import AccountFilter
from services.portfolio.definitions import SEGMENT_MEANING, VINTAGE_MEANING
from services.portfolio.segments import cohort, of_segment

QUEUE = "pages/queue.py"
NEWEST_VINTAGES = 8
_SEGMENT_COLUMNS = (
    Column("name", "Segment", is_pinned=True),
    Column("loans", "Accounts", "number", help="Past due at the opening, the last bucket left out"),
    Column("exposure", "Exposure", "money", help="Their outstanding principal at the opening"),
    Column("forward", "Rolled forward", "percent", help=SEGMENT_MEANING),
    Column("change_points", "Change, pts", "points", help="Against the month before, in percentage points"),
)
_SEGMENT_FIELDS = (
    Field("name", "Segment"),
    Field("loans", "Accounts past due at the opening"),
    Field("exposure", "Their outstanding at the opening"),
    Field("forward_loans", "Accounts that rolled forward"),
    Field("forward", "Rolled forward", "share"),
    Field("change", "Change on the month before", "share"),
)


def no_book(actor: Actor) -> None:
    """Said before the first close."""
    may_import = actor.may(Permission.IMPORT)
    step = "Import your loan book on [Imports](/imports)." if may_import else "Ask an admin to import the loan book."
    empty(
        "No day has been closed yet, so there is nothing to show",
        f"{step} The day-end close that follows fills this page.",
        icon=":material/monitoring:",
    )


def ageing(seen: Overview, chosen: PortfolioFilter, choices: FilterChoices) -> None:
    """Buckets now against the month's start, and the way to each."""
    st.markdown(
        f"##### {ageing_words(seen)}",
        help="Active accounts by days past due at the day-end; the mark is the last day-end of the month before.",
    )
    rows = len(seen.ageing)
    figure = charts.drawn(
        lambda: portfolio_charts.ageing(seen, palette.current()), of=charts.digest(("ageing", seen.ageing))
    )
    st.caption("Accounts by bucket; the upright mark is the month's start" if seen.opening_on else "Accounts by bucket")
    points = charts.show(figure, key="portfolio.ageing", on_select="rerun", height=60 + 38 * (rows - 1))
    picked = {str(point.get("y")) for point in points}
    for age in seen.ageing:
        if age.label in picked:
            st.page_link(
                ACCOUNTS,
                label=f"See the accounts in {age.label}",
                icon=":material/table_rows:",
                query_params=account_query(
                    AccountFilter(scope=chosen, buckets=(age.bucket,), as_of=seen.as_of), choices
                ),
            )
    exports.downloads(f"Buckets {seen.as_of}", lambda: _age_rows(seen), key="portfolio.ageing.export")


def _age_rows(seen: Overview) -> list[dict[str, object]]:
    return [
        {
            "as_of": seen.as_of,
            "bucket": age.label,
            "accounts": age.now.loans,
            "outstanding": age.now.outstanding,
            "overdue": age.now.overdue,
            "accounts_at_month_start": age.opening.loans if age.opening else None,
            "outstanding_at_month_start": age.opening.outstanding if age.opening else None,
            "overdue_at_month_start": age.opening.overdue if age.opening else None,
        }
        for age in seen.ageing
    ]


def vintages(curves: tuple[Vintage, ...], chosen: PortfolioFilter) -> None:
    """Two charts, 30+ and 90+, of the newest quarters; and whether a chosen filter does not hold for them."""
    shown = [curve for curve in curves if len(curve.points) > 1][-NEWEST_VINTAGES:]
    if not shown:
        empty(
            "Vintage curves need a few month-ends",
            "They show from the second closed month-end on, for loans whose disbursal date is known.",
            icon=":material/show_chart:",
        )
        return
    st.markdown(f"##### {vintage_words(shown)}", help=VINTAGE_MEANING)
    if chosen.risk_bands:
        st.caption(
            ":material/filter_alt_off: Of all risk bands: a curve follows the loans of a quarter from their disbursal, "
            "and a band is known only later. The other filters hold."
        )
    left, right = st.columns(2)
    content = charts.digest(shown)
    for days, place in ((30, left), (90, right)):
        with place:
            figure = charts.drawn(
                lambda days=days: portfolio_charts.vintages(shown, days, palette.current()),  # type: ignore[misc]
                of=f"vintages {days} {content}",
            )
            charts.show(figure, key=f"portfolio.vintage.{days}", height=290)
    exports.downloads("Vintages", lambda: _vintage_rows(curves), key="portfolio.vintages.export")


def _vintage_rows(curves: tuple[Vintage, ...]) -> list[dict[str, object]]:
    return [
        {"vintage": curve.label, "as_of": p.as_of, "month": p.month, "loans": p.loans, "loans_30_plus": p.loans_30,
         "loans_90_plus": p.loans_90, "share_30_plus": p.share_30, "share_90_plus": p.share_90}
        for curve in curves
        for p in curve.points
    ]  # fmt: skip


def dimension_switch(choices: FilterChoices) -> Dimension:
    """What segments are told apart by, kept in the URL; only what the book knows is offered."""
    offered = {"Branch": Dimension.BRANCH, "Region": Dimension.REGION, "Product": Dimension.PRODUCT}
    if choices.attribute_name:
        offered[choices.attribute_name.replace("_", " ").capitalize()] = Dimension.ATTRIBUTE
    label = st.segmented_control(
        "Segments by",
        list(offered),
        default="Branch",
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    return offered[label or "Branch"]


def segments(
    actor: Actor, found: WorstSegments | None, measure: Measure, *, chosen: PortfolioFilter, choices: FilterChoices
) -> None:
    """The worst segments as bars and as a table; a chosen row leads to its accounts and its queue."""
    if found is None or not found.segments:
        empty("No segment had past-due accounts that could get worse", "Widen the filters or choose another month.")
        return
    st.markdown(f"##### {segment_words(found, measure)}", help=SEGMENT_MEANING)
    left, right = st.columns([2, 3])
    with left:
        shown = min(len(found.segments), 10)
        figure = charts.drawn(
            lambda: portfolio_charts.segments(found, palette.current()), of=charts.digest(("segments", found))
        )
        charts.show(figure, key="portfolio.segments.bars", height=50 + 32 * shown)
    with right:
        value = tables.table(found.segments, _SEGMENT_COLUMNS, key="portfolio.segments", select="value", height=370)
        if value is None:
            st.caption("Choose a row to see its accounts, or to open it as a filter of the queue.")
        else:
            _segment_links(actor, found, value, chosen=chosen, choices=choices)
        exports.downloads(
            f"Segments by {found.dimension.value} {found.closing_on:%Y-%m}",
            found.segments,
            columns=_SEGMENT_FIELDS,
            key="portfolio.segments.export",
        )


def _segment_links(
    actor: Actor, found: WorstSegments, value: str, *, chosen: PortfolioFilter, choices: FilterChoices
) -> None:
    """The accounts that the row counts, those of them that got worse, and the queue as it is now."""
    row = next(segment for segment in found.segments if segment.value == value)
    narrowed = of_segment(chosen, found.dimension, value)
    with st.container(horizontal=True, gap="small"):
        for words, is_forward in (
            (f"See its {money.counted(row.loans, 'account')}", False),
            (f"See the {money.count(row.forward_loans)} that rolled forward", True),
        ):
            if row.forward_loans or not is_forward:
                query = account_query(cohort(found, chosen, value, is_forward=is_forward), choices)
                st.page_link(ACCOUNTS, label=words, icon=":material/table_rows:", query_params=query)
        if (named := queue_query(narrowed, choices)) and actor.may(Permission.WORK_QUEUE):
            st.page_link(QUEUE, label="Open as queue filter", icon=":material/filter_alt:", query_params=named)
