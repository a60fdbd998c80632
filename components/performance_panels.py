"""Panels of the performance page: the month in figures, the fair ranking, the table, and a trend."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from components import charts, exports, notices, palette, performance_charts, tables
from components.dates import day
from components.empty import empty
from components.performance_cached import Reads
from components.performance_charts import written
from components.performance_filters import BY
from components.tables import Column, Kind
from services.actors import Actor, Permission
from services.exports import Field
from services.performance import DEFINITIONS, Dimension, Figure, Measure, Performance, PerformanceFilter, Ranked, Row
from services.performance.definitions import COST_MEANING, INDEX_MEANING, TARGET_MEANING, Unit
from services.performance.sums import Sums

_MEASURES = {"Collected": Measure.COLLECTED, "Cured": Measure.CURED, "Promises kept": Measure.KEPT}
_NOUNS = {
    Dimension.AGENT: ("agent", "agents"),
    Dimension.TEAM: ("team", "teams"),
    Dimension.AGENCY: ("agency", "agencies"),
}
_BY_POINT, _BY_LOW = "Best first", "Surest first"
_CARDS = (Figure.CASES, Figure.WORKED, Figure.PROMISE_RATE, Figure.KEPT_RATE, Figure.COLLECTED, Figure.CURED)
_KINDS: dict[Unit, Kind] = {Unit.COUNT: "number", Unit.MONEY: "money", Unit.SHARE: "percent"}


def nothing(actor: Actor) -> None:
    """Said before the first sums."""
    ask = "Close a day on [Jobs](/jobs)." if actor.may(Permission.MANAGE_JOBS) else "Ask an admin to close a day."
    empty(
        "No day has been summed yet, so there is no performance to show",
        f"{ask} Each day-end close sums what came of the cases.",
        icon=":material/leaderboard:",
    )


def none_match() -> None:
    """Said when the filter leaves no case."""
    empty("No case matches these filters", "Remove a filter, or choose another month.", icon=":material/search_off:")


def cards(seen: Performance) -> None:
    """The month so far, in figures of all that is shown."""
    so_far = "the whole month" if seen.is_month_over else "the month to date"
    st.caption(f"As of {day(seen.as_of)}, {so_far}. Credit goes to who had the case on the date of each fact.")
    with st.grid(7, min_column_width=135, gap="xsmall", border=True, key="performance_cards"):
        for figure in _CARDS:
            definition, sums = DEFINITIONS[figure], seen.total.sums
            st.metric(
                definition.label,
                written(definition.of(figure)(sums), definition.unit),
                help=f"{definition.meaning}\n\n{_beside(figure, sums)}",
            )
        if seen.has_costs:
            cost = seen.total.cost_to_collect
            st.metric("Cost to collect", written(cost, Unit.SHARE), help=COST_MEANING)
        else:
            definition = DEFINITIONS[Figure.COLLECTED_SHARE]
            share = definition.of(Figure.COLLECTED_SHARE)(seen.total.sums)
            st.metric(definition.label, written(share, definition.unit), help=definition.meaning)


def _beside(figure: Figure, sums: Sums) -> str:
    """The numbers that a card's figure is made of."""
    parts = {
        Figure.CASES: f"{sums.case_share:,.0f} cases; {sums.cases:,} counting each owner.",
        Figure.WORKED: f"{sums.worked:,} of {sums.cases:,}: {written(sums.worked_share, Unit.SHARE)}.",
        Figure.PROMISE_RATE: f"{sums.right_party_promised:,} of {sums.right_party:,}.",
        Figure.KEPT_RATE: f"{sums.kept:,} of {sums.fallen_due:,}; by amount "
        f"{written(sums.kept_amount_rate, Unit.SHARE)}.",
        Figure.COLLECTED: f"{written(sums.collected_share, Unit.SHARE)} of "
        f"{written(sums.to_collect, Unit.MONEY)} to collect.",
        Figure.CURED: f"{written(sums.cure_rate, Unit.SHARE)} of cases.",
    }
    return parts[figure]


def ranking(seen: Performance) -> str | None:
    """Agents, teams or agencies by their index; the key of the one that is clicked."""
    with st.container(horizontal=True, gap="small"):
        label = st.segmented_control(
            "Compared by",
            list(_MEASURES),
            default="Collected",
            required=True,
            key="measure",
            bind="query-params",
            label_visibility="collapsed",
        )
        order = st.segmented_control(
            "Order",
            [_BY_POINT, _BY_LOW],
            default=_BY_POINT,
            required=True,
            key="order",
            bind="query-params",
            label_visibility="collapsed",
        )
    ranked = seen.ranking[_MEASURES[label or "Collected"]]
    if not ranked:
        st.info("Nobody had cases from which anything was to be expected.", icon=":material/info:")
        return None
    if order == _BY_LOW:
        ranked = tuple(sorted(ranked, key=lambda one: -one.index.low))
    st.markdown(f"##### {headline(ranked, _NOUNS[seen.dimension])}", help=INDEX_MEANING)
    figure = charts.drawn(
        lambda: performance_charts.ranking(ranked, palette.current()), of=charts.digest(("ranking", ranked))
    )
    points = charts.show(figure, key="performance.ranking", on_select="rerun", height=110 + 30 * len(ranked))
    return str(points[0]["customdata"][5]) if points and points[0].get("customdata") else None


def headline(ranked: Sequence[Ranked], nouns: tuple[str, str] = ("agent", "agents")) -> str:
    """What the ranking says: who does better or worse than their buckets suggest, beyond chance."""
    better = [one for one in ranked if one.index.is_distinct and one.index.value > 1]
    worse = [one for one in ranked if one.index.is_distinct and one.index.value < 1]
    if not better and not worse:
        return f"No {nouns[0]} can be told from the book"
    parts = []
    if better:
        parts.append(f"{_named(better, nouns[1])} above")
    if worse:
        parts.append(f"{_named(worse, nouns[1])} below")
    return f"{' and '.join(parts)} what their buckets suggest"


def _named(ranked: Sequence[Ranked], noun: str) -> str:
    if len(ranked) > 2:
        return f"{len(ranked)} {noun}"
    return " and ".join(notices.plain(one.name) for one in ranked)


def table(seen: Performance) -> str | None:
    """All figures, a row each; the key of the chosen row."""
    columns = [
        Column("name", BY[seen.dimension], is_pinned=True, width=190),
        *(Column(f.value, DEFINITIONS[f].label, _KINDS[DEFINITIONS[f].unit], DEFINITIONS[f].meaning) for f in Figure),
    ]
    if seen.has_targets:
        columns += [
            Column("target", "Target", "money"),
            Column("achieved", "Of target", "percent", TARGET_MEANING),
        ]
    if seen.has_costs:
        columns.append(Column("cost_to_collect", "Cost to collect", "percent", COST_MEANING))
    rows = [cells(row) for row in (*seen.rows, seen.total)]
    chosen = tables.table(rows, columns, key="performance.table", select="key")
    return str(chosen) if chosen else None


def cells(row: Row) -> dict[str, Any]:
    """A row as the table and files show it."""
    return {
        "key": row.key,
        "name": row.name,
        **{figure.value: DEFINITIONS[figure].of(figure)(row.sums) for figure in Figure},
        "target": row.target,
        "achieved": row.achieved,
        "cost": row.cost,
        "cost_to_collect": row.cost_to_collect,
    }


def export(actor: Actor, seen: Performance) -> None:
    """The table as files, for those who may export."""
    if not actor.may(Permission.EXPORT_PORTFOLIO):
        return
    fields = [Field("name", BY[seen.dimension]), *(Field(f.value, DEFINITIONS[f].label) for f in Figure)]
    if seen.has_targets:
        fields += [Field("target", "Target"), Field("achieved", "Of target")]
    if seen.has_costs:
        fields += [Field("cost", "Cost"), Field("cost_to_collect", "Cost to collect")]
    label = f"Performance by {BY[seen.dimension].lower()} {seen.as_of}"
    rows = [cells(row) for row in (*seen.rows, seen.total)]
    exports.downloads(label, rows, columns=fields, key="performance.export")


def trend(reads: Reads, chosen: PerformanceFilter, seen: Performance, picked: str | None) -> None:
    """One figure over months, or the days of this one; of the chosen agent, else of all that is shown."""
    labels = {DEFINITIONS[figure].label: figure for figure in Figure}
    owner = next((row for row in seen.rows if seen.dimension is Dimension.AGENT and row.key == picked), None)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        label = st.selectbox(
            "Trend of",
            list(labels),
            index=list(Figure).index(Figure.COLLECTED),
            key="trend",
            bind="query-params",
            width=190,
        )
        span = st.segmented_control(
            "Over", ["Months", "Days"], default="Months", required=True, key="span", bind="query-params"
        )
    by_day = span == "Days"
    figure = labels.get(label, Figure.COLLECTED)
    points = reads.trend(chosen, by_day=by_day, owner_id=int(owner.key) if owner else None)
    whose = notices.plain(owner.name) if owner else "all shown"
    st.markdown(f"##### {DEFINITIONS[figure].label}, {whose}", help=DEFINITIONS[figure].meaning)
    if len(points) < 2:
        st.caption("A trend needs two closed days." if by_day else "A trend needs two closed months.")
        return
    if not seen.is_month_over:
        st.caption(f"The last point is the month to date, {day(seen.as_of)}." if not by_day else "Month to date.")
    drawn = charts.drawn(
        lambda: performance_charts.trend(points, figure, palette.current(), by_day=by_day),
        of=charts.digest(("performance trend", figure, by_day, points)),
    )
    charts.show(drawn, key="performance.trend", height=260)
