"""Charts of the performance page: agents' indices with their intervals, and a figure's trend."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from components import charts, money
from components.dates import day
from components.palette import Palette
from services.performance import Figure, Ranked, TrendPoint
from services.performance.definitions import DEFINITIONS, Unit

_WIDEST = 3.0
"""Indices beyond it are drawn at the edge: one agent with two cases must not squeeze all others together."""


def ranking(ranked: Sequence[Ranked], colours: Palette) -> go.Figure:
    """A dot and a 95 % interval an agent, first on top, against the line of the book."""
    figure = go.Figure()
    names = [one.name for one in ranked]
    groups = (
        ("differs from the book", True, colours.accent, "circle"),
        ("not distinguishable", False, colours.unknown, "circle-open"),
    )
    for label, is_distinct, colour, symbol in groups:
        drawn = [one for one in ranked if one.index.is_distinct is is_distinct]
        if not drawn:
            continue
        shown = [min(one.index.value, _WIDEST) for one in drawn]
        figure.add_scatter(
            x=shown,
            y=[one.name for one in drawn],
            mode="markers",
            name=label,
            marker={"size": 11, "color": colour, "symbol": symbol, "line": {"width": 2, "color": colour}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [max(min(one.index.high, _WIDEST) - at, 0) for one, at in zip(drawn, shown, strict=True)],
                "arrayminus": [max(at - max(one.index.low, 0), 0) for one, at in zip(drawn, shown, strict=True)],
                "color": colour,
                "thickness": 2,
                "width": 5,
            },
            customdata=[_told(one) for one in drawn],
            hovertemplate="<b>%{y}</b>: %{customdata[0]}<br>95 %% interval %{customdata[1]}<br>"
            "actual %{customdata[2]}, expected %{customdata[3]}<br>%{customdata[4]}<extra></extra>".replace("%%", "%"),
        )
    figure.add_vline(x=1, line={"width": 1.5, "color": colours.text, "dash": "dash"})
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], title=None, showgrid=False, **charts.named_axis(names)
    )
    figure.update_xaxes(title="actual ÷ expected", rangemode="tozero", zeroline=False, tickformat=".1f")
    figure.update_layout(margin={"l": 8, "r": 16, "t": 30, "b": 8}, legend={"y": 1.0}, showlegend=True)
    return figure


def _told(one: Ranked) -> tuple[str, str, str, str, str, str]:
    index = one.index
    note = "fewer than 30: too few to tell" if index.is_few else "1 lies inside: not distinguishable"
    number = money.count(int(index.number))
    return (
        f"{index.value:.2f}",
        f"{max(index.low, 0):.2f} to {index.high:.2f}",
        money.count(round(index.actual)),
        money.count(round(index.expected)),
        f"{number} cases; {note}" if not index.is_distinct else f"{number} cases",
        one.key,
    )


def trend(points: Sequence[TrendPoint], figure: Figure, colours: Palette, *, by_day: bool) -> go.Figure:
    """One figure by month, or running up over the days of a month."""
    definition = DEFINITIONS[figure]
    values = [definition.of(figure)(point.sums) for point in points]
    drawn = go.Figure(
        go.Scatter(
            x=[day(point.as_of) if by_day else f"{point.as_of:%b %Y}" for point in points],
            y=[float(value) if value is not None else None for value in values],
            mode="lines+markers",
            line={"color": colours.accent, "width": 2},
            customdata=[
                (written(value, definition.unit), day(point.as_of)) for point, value in zip(points, values, strict=True)
            ],
            hovertemplate=f"{definition.label} %{{customdata[0]}}<br>to %{{customdata[1]}}<extra></extra>",
        )
    )
    drawn.update_yaxes(rangemode="tozero", **_ticks(values, definition.unit))
    drawn.update_xaxes(type="category", showgrid=False)
    drawn.update_layout(showlegend=False, margin={"l": 8, "r": 16, "t": 8, "b": 8})
    return drawn


def _ticks(values: Sequence[Decimal | int | None], unit: Unit) -> dict[str, Any]:
    """An axis' marks: shares in percent, amounts in the currency's own units."""
    if unit is Unit.SHARE:
        return {"tickformat": ".0%"}
    known = [float(value) for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if unit is Unit.COUNT or low == high:
        return {"tickformat": ",d"}
    rough = (high - low) / 4
    size = 10.0 ** floor(log10(rough))
    step = next(size * by for by in (1, 2, 5, 10) if size * by >= rough)
    marks = [step * place for place in range(floor(low / step), ceil(high / step) + 1)]
    return {"tickvals": marks, "ticktext": [money.short(Decimal(str(mark))) for mark in marks]}


def written(value: Decimal | int | None, unit: Unit) -> str:
    """A figure as screens write it."""
    if value is None:
        return money.NOTHING
    if unit is Unit.SHARE:
        return f"{value * 100:.1f} %"
    return money.short(Decimal(value)) if unit is Unit.MONEY else money.count(int(value))
