"""The way from a figure of performance to the cases that it counts, and from there to the borrower."""

import streamlit as st

from components import dates, exports, notices, tables
from components.empty import empty
from components.performance_charts import written
from components.tables import Column, Kind
from services import performance
from services.actors import Actor, Permission
from services.performance import DEFINITIONS, CasePage, CountedCase, Figure, Performance, PerformanceFilter
from services.performance.definitions import Unit

_RATES_OF = {
    Figure.COLLECTED_SHARE: Figure.COLLECTED,
    Figure.CURE_RATE: Figure.CURED,
    Figure.RPC_OF_ATTEMPTS: Figure.RIGHT_PARTY,
    Figure.RPC_OF_CONNECTS: Figure.RIGHT_PARTY,
    Figure.KEPT_RATE: Figure.KEPT,
}
"""Rates whose cases are those of another figure: that one is offered."""
_OFFERED = tuple(figure for figure in Figure if figure not in _RATES_OF)


def show(actor: Actor, seen: Performance, chosen: PerformanceFilter, picked: str | None) -> None:
    """Which figure, and its cases: of the chosen row, else of all that is shown."""
    if not actor.may(Permission.VIEW_BORROWER):
        return
    row = next((row for row in seen.rows if row.key == picked), None)
    labels = {DEFINITIONS[figure].label: figure for figure in _OFFERED}
    label = st.selectbox(
        f"Cases behind a figure, {row.name if row else 'all shown'}",
        list(labels),
        index=None,
        key="cases",
        bind="query-params",
        placeholder="Choose a figure",
        width=320,
        help="Exactly those that the day-end counted. Choose a row above for one agent, team, bucket …",
    )
    if label not in labels:
        return
    figure, key = labels[label], row.key if row else None
    place = f"performance.cases.{seen.as_of}.{seen.dimension}.{key}.{figure}"
    after = tables.position(place)
    found = performance.cases_behind(actor, chosen, figure, dimension=seen.dimension, key=key, after=after)
    if found is None or not found.is_kept:
        empty(
            "The cases of this month are not kept.",
            "The day was closed before they were. Close it again, or choose the newest month.",
        )
    elif not found.number:
        empty(f"No case counts in “{label}” here.")
    else:
        _list(found, figure, place, is_first=after is None)
        if actor.may(Permission.EXPORT_PORTFOLIO):
            exports.downloads(
                f"{label} {row.name if row else 'all'} {seen.as_of}",
                lambda: performance.export_cases(actor, chosen, figure, dimension=seen.dimension, key=key),
                columns=performance.EXPORT_FIELDS,
                key="performance.cases.export",
            )


def _list(found: CasePage, figure: Figure, place: str, *, is_first: bool) -> None:
    definition = DEFINITIONS[figure]
    unit = Unit.MONEY if figure is Figure.KEPT_AMOUNT_RATE else definition.unit
    unit = Unit.COUNT if unit is Unit.SHARE else unit
    kind: Kind = "money" if unit is Unit.MONEY else "number"
    columns = (
        Column("borrower", "Borrower", is_pinned=True, width=230),
        Column("value", definition.label, kind, "What the case brings to the figure"),
        Column("owner", "Had by", width=150),
        Column("bucket", "Opening bucket", width=150),
        Column("product", "Product", width=150),
        Column("to_collect", "To collect", "money"),
        Column("collected", "Collected", "money"),
        Column("attempts", "Attempts", "number"),
        Column("promises", "Promises", "number"),
        Column("closed_on", "Closed on", "date", help="Empty: open"),
    )
    picked = tables.table([_row(one) for one in found.cases], columns, key=place, select="id")
    total = f"{written(found.total, unit)} in all, as of {dates.day(found.as_of)}".replace("$", "\\$")
    noun = "case" if found.number == 1 else "cases"
    st.caption(f"{found.number:,} {noun} · {total}")
    tables.next_page(place, found.next_after, is_first=is_first)
    chosen = next((one for one in found.cases if _id(one) == picked), None)
    if chosen is not None:
        st.page_link(
            "pages/borrower.py",
            label=notices.plain(f"{chosen.borrower_name} · {chosen.borrower_number}"),
            icon=":material/person:",
            query_params={"borrower": str(chosen.borrower_id)},
        )


def _id(one: CountedCase) -> str:
    return f"{one.case_id}.{one.owner_name}"


def _row(one: CountedCase) -> dict[str, object]:
    return {
        "id": _id(one),
        "borrower": f"{one.borrower_name} · {one.borrower_number}",
        "value": one.value,
        "owner": one.owner_name or "Nobody",
        "bucket": one.bucket,
        "product": one.product,
        "to_collect": one.to_collect,
        "collected": one.collected,
        "attempts": one.attempts,
        "promises": one.promises,
        "closed_on": one.closed_on,
    }
