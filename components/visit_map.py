"""A day's visits on a map without streets: where they lie to each other, and the way between them. No map server."""

from collections.abc import Sequence
from math import cos, radians

import plotly.graph_objects as go

from components import charts, money, palette
from services.visits import STATUSES, Position, Visit

_KM_A_DEGREE = 111.2
HEIGHT = 320


def show(visits: Sequence[Visit], *, start: Position | None) -> None:
    """Draw the visits that have a position, numbered in their order; nothing where none has one."""
    placed = [(number, visit) for number, visit in enumerate(visits, start=1) if visit.position is not None]
    if not placed:
        return
    seen = ([(v.id, n, v.status, v.position) for n, v in placed], start)
    charts.show(charts.drawn(lambda: _figure(placed, start), of=charts.digest(seen)), key="visits.map", height=HEIGHT)


def _figure(placed: Sequence[tuple[int, Visit]], start: Position | None) -> go.Figure:
    colours = palette.current()
    middle = placed[0][1].position
    assert middle is not None
    spots = [(number, visit, _km(visit.position, middle)) for number, visit in placed if visit.position is not None]
    way = [_km(start, middle)] if start else []
    way += [spot for _, visit, spot in spots if visit.is_open]
    figure = go.Figure()
    figure.add_scatter(
        x=[x for x, _ in way], y=[y for _, y in way], mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": colours.muted, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    for status, colour in (
        ("planned", colours.accent),
        ("checked_in", colours.due_soon),
        ("done", colours.cured),
        ("missed", colours.broken),
    ):
        of_status = [(number, visit, spot) for number, visit, spot in spots if visit.status == status]
        if of_status:
            _add(figure, of_status, STATUSES[status], colour)
    if start:
        x, y = _km(start, middle)
        figure.add_scatter(x=[x], y=[y], mode="markers", name="you", hovertemplate="You<extra></extra>",
                           marker={"symbol": "cross", "size": 14, "color": colours.text})  # fmt: skip
    figure.update_xaxes(title="km to the east", zeroline=False)
    figure.update_yaxes(title="km to the north", zeroline=False, scaleanchor="x", scaleratio=1)
    figure.update_layout(margin={"t": 34})
    return figure


def _add(figure: go.Figure, spots: Sequence[tuple[int, Visit, tuple[float, float]]], name: str, colour: str) -> None:
    figure.add_scatter(
        x=[x for _, _, (x, _) in spots],
        y=[y for _, _, (_, y) in spots],
        mode="markers+text",
        name=name,
        text=[str(number) for number, _, _ in spots],
        textfont={"color": palette.current().surface, "size": 12},
        marker={"size": 24, "color": colour},
        customdata=[[visit.borrower_name, money.full(visit.overdue_amount)] for _, visit, _ in spots],
        hovertemplate="%{text}. %{customdata[0]}<br>overdue %{customdata[1]}<extra></extra>",
    )


def _km(position: Position, middle: Position) -> tuple[float, float]:
    """Kilometres east and north of the middle: flat, which a day's visits are."""
    east = (position.longitude - middle.longitude) * _KM_A_DEGREE * cos(radians(middle.latitude))
    return (round(east, 3), round((position.latitude - middle.latitude) * _KM_A_DEGREE, 3))
