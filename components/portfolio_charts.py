"""Figures of the portfolio's charts: buckets, roll matrix, trends, flow, vintages, segments.

They are written as Plotly's plain values rather than its objects, which check each value as it is set: of a page seen
for the first time that was more than half. Tests have Plotly check them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from components import charts, money
from components.charts import Spec
from components.palette import Palette
from components.portfolio_words import percent
from services.portfolio import Measure, Outcome, Overview, Rolls, Vintage, WorstSegments
from services.portfolio.rolls import WAYS_OUT, Cell, RollMonth

OUTCOME_LABELS: dict[Outcome, str] = {
    Outcome.FORWARD: "rolled forward",
    Outcome.STABILISED: "stayed",
    Outcome.BACK: "rolled back",
    Outcome.CURE: "cured",
}
SHADED = Decimal("0.2")
"""Cells of a larger share are so deep that their text takes the page's ground as its colour."""
_DASHES = {Outcome.FORWARD: "solid", Outcome.STABILISED: "dot", Outcome.BACK: "dash", Outcome.CURE: "solid"}


def _bars_layout(*, right: int) -> dict[str, Any]:
    """Lying bars, the first on top, without an axis: figures stand beside them. `right`: room for those, pixels."""
    return {
        "showlegend": False,
        "margin": {"l": 8, "r": right, "t": 8, "b": 8},
        "bargap": 0.35,
        "yaxis": {"autorange": "reversed"},
        "xaxis": {"rangemode": "tozero", "showticklabels": False, "showgrid": False},
    }


def outcome_colours(colours: Palette) -> dict[Outcome, str]:
    """Colour of each outcome; dashes tell them apart too."""
    return {
        Outcome.FORWARD: colours.broken,
        Outcome.STABILISED: colours.unknown,
        Outcome.BACK: colours.due_soon,
        Outcome.CURE: colours.cured,
    }


def ageing(seen: Overview, colours: Palette) -> Spec:
    """Past-due buckets now as bars, the month's start as marks."""
    ages = [age for age in seen.ageing if age.bucket]
    labels = [age.label for age in ages]
    of = len(seen.ageing)
    bars = {
        "type": "bar",
        "x": [age.now.loans for age in ages],
        "y": labels,
        "orientation": "h",
        "marker": {"color": [colours.bucket(age.bucket, of) for age in ages]},
        "customdata": [(money.full(age.now.outstanding), money.full(age.now.overdue)) for age in ages],
        "hovertemplate": "<b>%{y}</b>: %{x:,} accounts<br>outstanding %{customdata[0]}<br>"
        "overdue %{customdata[1]}<extra>now</extra>",
        "name": "now",
    }
    opening = [(age.label, age.opening) for age in ages if age.opening is not None]
    marks = {
        "type": "scatter",
        "x": [was.loans for _, was in opening],
        "y": [label for label, _ in opening],
        "mode": "markers",
        "marker": {"symbol": "line-ns", "size": 20, "line": {"width": 2.5, "color": colours.text}},
        "customdata": [money.full(was.outstanding) for _, was in opening],
        "hovertemplate": "<b>%{y}</b>: %{x:,} accounts<br>outstanding %{customdata}<extra>month start</extra>",
        "name": "month start",
    }
    counts = {  # past whichever of bar and mark is longer, so that neither strikes the count through
        "type": "scatter",
        "x": [max(age.now.loans, age.opening.loans if age.opening else 0) for age in ages],
        "y": labels,
        "mode": "text",
        "text": [f"  {money.count(age.now.loans)}" for age in ages],
        "textposition": "middle right",
        "cliponaxis": False,
        "hoverinfo": "skip",
    }
    return {"data": [bars, marks, counts], "layout": _bars_layout(right=44)}


def matrix(seen: Rolls, month: RollMonth, measure: Measure, colours: Palette) -> Spec:
    """Opening bucket by closing bucket and way out; cells say their share of the row."""
    labels = seen.bucket_labels
    starts = [code for code in range(len(labels)) if month.row(code).loans]
    ends = [*range(len(labels)), *month.ways_out]
    names = [*labels, *(WAYS_OUT[code].replace(" ", "<br>") for code in month.ways_out)]
    rows = [_row_name(labels[start], month.row(start), measure) for start in starts]
    shares = [[month.share(start, end, measure) or Decimal(0) for end in ends] for start in starts]
    heat = {
        "type": "heatmap",
        # the root lets small shares be seen beside the large ones of the diagonal; the numbers are exact
        "z": [[float(share) ** 0.5 for share in row] for row in shares],
        "x": names,
        "y": rows,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [list(step) for step in colours.heat],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    named = list(zip(ends, names, strict=True))
    cells = _cells(month, list(zip(starts, rows, strict=True)), named, measure, colours)
    out = len(labels) - 0.5
    line = {"width": 2, "color": colours.muted}
    layout = {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 4},
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "xaxis": {"side": "top", "showgrid": False},
        "shapes": [{"type": "line", "x0": out, "x1": out, "y0": 0, "y1": 1, "yref": "y domain", "line": line}],
    }
    return {"data": [heat, cells], "layout": layout}


def _cells(
    month: RollMonth,
    starts: Sequence[tuple[int, str]],
    ends: Sequence[tuple[int, str]],
    measure: Measure,
    colours: Palette,
) -> dict[str, Any]:
    """Texts of the cells, and what a click meets: a heat map itself cannot be clicked."""
    grid = [(start, end) for start in starts for end in ends]
    moved = [month.cells.get((start, end), Cell()) for (start, _), (end, _) in grid]
    shares = [month.share(start, end, measure) or Decimal(0) for (start, _), (end, _) in grid]
    told = zip(grid, moved, shares, strict=True)
    return {
        "type": "scatter",
        "x": [name for _, (_, name) in grid],
        "y": [name for (_, name), _ in grid],
        "mode": "markers+text",
        "marker": {"symbol": "square", "size": 34, "opacity": 0.01, "color": colours.accent},
        "text": [f"{share * 100:.1f}" if cell.loans else "" for cell, share in zip(moved, shares, strict=True)],
        "textfont": {"size": 12, "color": [colours.surface if share > SHADED else colours.text for share in shares]},
        "selected": {"marker": {"opacity": 0.25}},
        "unselected": {"marker": {"opacity": 0.01}},
        "customdata": [
            (start, end, money.count(cell.loans), money.full(cell.amount), percent(share))
            for ((start, _), (end, _)), cell, share in told
        ],
        "hovertemplate": "%{y} → %{x}<br><b>%{customdata[4]}</b> of the row by "
        + measure.value
        + "<br>%{customdata[2]} accounts, %{customdata[3]}<extra></extra>",
        "showlegend": False,
    }


def _row_name(label: str, row: Cell, measure: Measure) -> str:
    size = money.count(row.loans) if measure is Measure.COUNT else money.short(row.amount)
    return f"{label}<br><span style='font-size:10px'>{size}</span>"


def highest(seen: Rolls, measure: Measure) -> float:
    """The largest share of any past-due bucket's outcomes: the common top of the small multiples."""
    shares = (
        month.outcome(bucket, outcome, measure) or Decimal(0)
        for month in seen.months
        for bucket in range(1, len(seen.bucket_labels))
        for outcome in Outcome
    )
    return float(max(shares, default=Decimal(0))) or 1.0  # an axis from nothing to nothing would go below it


def trend(seen: Rolls, bucket: int, measure: Measure, colours: Palette, *, top: float) -> Spec:
    """Outcomes of one bucket by month."""
    by = outcome_colours(colours)
    impossible = {
        outcome for outcome, end in ((Outcome.BACK, 1), (Outcome.FORWARD, len(seen.bucket_labels) - 1)) if bucket == end
    }
    lines = [_line(seen, bucket, measure, outcome, by[outcome]) for outcome in Outcome if outcome not in impossible]
    layout = {
        "showlegend": False,
        "margin": {"l": 4, "r": 8, "t": 24, "b": 4},
        "title": {"text": seen.bucket_labels[bucket], "font": {"size": 13}, "x": 0.02, "y": 0.98},
        "yaxis": {"range": [0, top * 104], "ticksuffix": " %", "nticks": 4},
        "xaxis": {"tickformat": "%b<br>%Y", "nticks": 4, "showgrid": False},
    }
    return {"data": lines, "layout": layout}


def _line(seen: Rolls, bucket: int, measure: Measure, outcome: Outcome, colour: str) -> dict[str, Any]:
    shares = [month.outcome(bucket, outcome, measure) for month in seen.months]
    return {
        "type": "scatter",
        "x": [month.closing_on for month in seen.months],
        "y": [float(share) * 100 if share is not None else None for share in shares],
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2, "dash": _DASHES[outcome]},
        "marker": {"size": 4},
        "name": OUTCOME_LABELS[outcome],
        "hovertemplate": "%{x|%b %Y}: %{y:.1f} %<extra>" + OUTCOME_LABELS[outcome] + "</extra>",
    }


def flow(seen: Rolls, months: Sequence[RollMonth], measure: Measure, colours: Palette) -> Spec:
    """Moves past due, a column a month-end. Loans that stay current are left out: they would hide the rest."""
    labels = seen.bucket_labels
    names: list[str] = []
    shades: list[str] = []
    places: dict[tuple[int, int], int] = {}

    def place(column: int, code: int) -> int:
        if (column, code) not in places:
            places[column, code] = len(names)
            names.append(labels[code] if code < len(labels) else WAYS_OUT[code])
            shades.append(colours.bucket(code, len(labels)) if code < len(labels) else colours.unknown)
        return places[column, code]

    links: list[tuple[int, int, float, str]] = []
    for column, month in enumerate(months):
        for (start, end), cell in sorted(month.cells.items()):
            if cell.loans and not (start == 0 and (end == 0 or end in WAYS_OUT)):
                told = f"{money.count(cell.loans)} accounts, {money.short(cell.amount)}"
                links.append((place(column, start), place(column + 1, end), float(cell.by(measure)), told))
    sankey = {
        "type": "sankey",
        "node": {
            "label": names,
            "color": shades,
            "pad": 12,
            "thickness": 14,
            "hovertemplate": "%{label}<extra></extra>",
        },
        "link": {
            "source": [link[0] for link in links],
            "target": [link[1] for link in links],
            "value": [link[2] for link in links],
            "customdata": [link[3] for link in links],
            "color": [_veiled(shades[link[0]]) for link in links],
            "hovertemplate": "%{source.label} → %{target.label}: %{customdata}<extra></extra>",
        },
    }
    return {"data": [sankey], "layout": {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}}}


def _veiled(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"


def vintages(curves: Sequence[Vintage], days: int, colours: Palette) -> Spec:
    """Share past due by age, a line a quarter; newer quarters deeper."""
    lines = [
        _curve(curve, days, colours.bucket(position + 1, len(curves) + 1), dash="dot" if position % 2 else "solid")
        for position, curve in enumerate(curves)
    ]
    layout = {
        "title": {"text": f"{days}+ days past due", "font": {"size": 13}, "x": 0.02, "y": 0.98},
        "legend": {"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "font": {"size": 11}},
        "margin": {"l": 4, "r": 8, "t": 24, "b": 4},
        "yaxis": {"ticksuffix": " %", "rangemode": "tozero", "nticks": 5},
        "xaxis": {"title": {"text": "months since the quarter began", "standoff": 4}, "showgrid": False},
    }
    return {"data": lines, "layout": layout}


def _curve(curve: Vintage, days: int, colour: str, *, dash: str) -> dict[str, Any]:
    """A quarter's line; there are more quarters than shades, so neighbours also differ by their dash."""
    shares = [(p.month, p.share_30 if days == 30 else p.share_90, p.loans) for p in curve.points]
    known = [(month, share, loans) for month, share, loans in shares if share is not None]
    return {
        "type": "scatter",
        "x": [month for month, _, _ in known],
        "y": [float(share) * 100 for _, share, _ in known],
        "customdata": [money.count(loans) for _, _, loans in known],
        "mode": "lines",
        "line": {"width": 2, "color": colour, "dash": dash},
        "name": curve.label,
        "hovertemplate": "month %{x}: %{y:.1f} % of %{customdata} loans<extra>" + curve.label + "</extra>",
    }


def segments(found: WorstSegments, colours: Palette, *, most: int = 10) -> Spec:
    """Roll forward of the worst segments as bars; the month before as marks."""
    shown = found.segments[:most]
    names = [segment.name for segment in shown]
    bars = {
        "type": "bar",
        "x": [float(segment.forward) * 100 for segment in shown],
        "y": names,
        "orientation": "h",
        "marker": {"color": [colours.unknown if segment.is_small else colours.broken for segment in shown]},
        "text": [f"{percent(segment.forward)} of {money.count(segment.loans)}" for segment in shown],
        "textposition": "inside",
        "insidetextanchor": "start",
        "textfont": {"color": colours.surface},
        "customdata": [money.count(segment.loans) for segment in shown],
        "hovertemplate": "%{y}: %{x:.1f} % of %{customdata} accounts rolled forward<extra></extra>",
    }
    before = [(segment.name, segment.forward - segment.change) for segment in shown if segment.change is not None]
    marks = {
        "type": "scatter",
        "x": [float(share) * 100 for _, share in before],
        "y": [name for name, _ in before],
        "mode": "markers",
        "marker": {"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": colours.text}},
        "hovertemplate": "%{y}: %{x:.1f} % the month before<extra></extra>",
    }
    layout = _bars_layout(right=12)
    layout["yaxis"] |= charts.named_axis(names)
    return {"data": [bars, marks], "layout": layout}
