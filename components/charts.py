"""The one way a chart is shown: the product's template, the theme's colours, no tool bar."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from components import palette

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
_CONFIG = {"displayModeBar": False, "responsive": True, "doubleClick": False, "showAxisDragHandles": False}


def template(colours: palette.Palette) -> go.layout.Template:
    """Plotly's defaults as this product wants them, on a transparent ground so that both themes show through."""
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zerolinecolor": colours.grid,
        "tickfont": {"color": colours.muted, "size": 12},
        "title": {"font": {"color": colours.muted, "size": 12}},
        "automargin": True,
        "fixedrange": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": colours.text},
            "colorway": [
                colours.accent,
                colours.due_soon,
                colours.cured,
                colours.broken,
                colours.unknown,
                colours.buckets[-1],
            ],
            "colorscale": {"sequential": [list(step) for step in colours.heat]},
            "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
            "hoverlabel": {
                "bgcolor": colours.surface,
                "bordercolor": colours.grid,
                "font": {"family": FONT, "size": 13, "color": colours.text},
                "align": "left",
            },
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
            "xaxis": axis,
            "yaxis": axis,
            "separators": ".,",
            "bargap": 0.25,
            "dragmode": False,
            "hovermode": "closest",
        }
    )


def show(
    figure: go.Figure,
    *,
    key: str,
    on_select: Callable[[], None] | str | None = None,
    height: int | None = None,
) -> list[dict[str, Any]]:
    """Draw a figure in the product's look.

    Args:
        figure: what to draw; colours of state come from `palette.current()`.
        key: name of the widget, '<page>.<chart>'.
        on_select: "rerun" to run the page again when points are clicked, or a callback; None: clicks do nothing.
        height: pixels; None: the figure's own.

    Returns:
        The points clicked, as Plotly describes them ('x', 'y', 'customdata', ...); empty without `on_select`.
    """
    figure.update_layout(template=template(palette.current()))
    if height is not None:
        figure.update_layout(height=height)
    if on_select is None:
        st.plotly_chart(figure, theme=None, key=key, config=_CONFIG)
        return []
    figure.update_layout(clickmode="event+select")
    state: Any = st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config=_CONFIG,
        on_select=on_select,  # type: ignore[arg-type]  # "rerun" or a callback
        selection_mode="points",
    )
    return list(state.selection.points)
