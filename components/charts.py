"""The one way a chart is shown: the product's template, the theme's colours, no tool bar."""

import hashlib
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
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


@cache
def _template_spec(colours: palette.Palette) -> dict[str, Any]:
    spec: dict[str, Any] = template(colours).to_plotly_json()
    return spec


NAME_SHOWN = 24
"""Letters of a name that stand beside a chart; the whole is told when pointing at its mark."""


def named_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names, long ones cut, so that they leave room for what is drawn."""
    cut = [name if len(name) <= NAME_SHOWN else f"{name[: NAME_SHOWN - 1]}…" for name in names]
    return {"tickmode": "array", "tickvals": list(names), "ticktext": cut}


Spec = dict[str, Any]
"""A figure as the plain values that the browser gets: `data`, its traces, and `layout`."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as plain values, not to be checked again."""

    spec: Spec


class _Checked(go.Figure):  # type: ignore[misc]  # plotly has no types
    """Stands for a figure whose values were checked when it was built, so that Streamlit does not build it again."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.__dict__["_spec"] = spec

    def to_dict(self) -> dict[str, Any]:
        """The values as they are."""
        spec: dict[str, Any] = self.__dict__["_spec"]
        return spec


def digest(seen: object) -> str:
    """Names what is drawn by its content, for `drawn`."""
    return hashlib.blake2b(pickle.dumps(seen), digest_size=16).hexdigest()


def drawn(draw: Callable[[], go.Figure | Spec], *, of: str) -> Drawing:
    """A figure, built once for the same content and theme: Plotly's objects take some 10 ms each to build.

    Args:
        draw: builds it.
        of: all that it depends on but the theme, see `digest`; figures hold no personal data.
    """
    return Drawing(_spec(of, palette.is_dark(), draw))


@st.cache_data(ttl=900, max_entries=500, show_spinner=False)
def _spec(of: str, is_dark: bool, _draw: Callable[[], go.Figure | Spec]) -> Spec:  # noqa: ARG001, FBT001 - the key
    figure = _draw()
    spec: Spec = figure.to_dict() if isinstance(figure, go.Figure) else figure
    return spec


def show(
    figure: go.Figure | Drawing,
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
    spec = figure.spec if isinstance(figure, Drawing) else figure.to_dict()
    layout = {**spec.get("layout", {}), "template": _template_spec(palette.current())}
    if height is not None:
        layout["height"] = height
    if on_select is None:
        st.plotly_chart(_Checked({**spec, "layout": layout}), theme=None, key=key, config=_CONFIG)
        return []
    layout["clickmode"] = "event+select"
    state: Any = st.plotly_chart(
        _Checked({**spec, "layout": layout}),
        theme=None,
        key=key,
        config=_CONFIG,
        on_select=on_select,  # type: ignore[arg-type]  # "rerun" or a callback
        selection_mode="points",
    )
    return list(state.selection.points)
