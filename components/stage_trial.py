"""The dry run of stage rules: how many cases would move, from where to where, which; and applying them from a date."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import plotly.graph_objects as go
import streamlit as st

from components import charts, dates, form_fields, money, notices, palette, stage_cached, tables
from components.form_fields import Places
from components.stage_words import stage
from components.tables import Column
from services import stages
from services.actors import Actor
from services.cases import STAGES
from services.stages import Outcome, RuleSet, Sample, Strategy

_TRIED = "strategy.tried"
_SAMPLES = (
    Column("way", "Would go", width="medium"),
    Column("number", "Borrower"),
    Column("max_dpd", "DPD", "number"),
    Column("overdue_amount", "Overdue", "money"),
    Column("risk_band", "Risk band", "number"),
    Column("product", "Product"),
    Column("is_npa", "NPA", "flag", width="small"),
)


@dataclass(frozen=True, slots=True)
class _SampleRow:
    borrower_id: int
    way: str
    number: str
    max_dpd: int
    overdue_amount: Decimal
    risk_band: int
    product: str | None
    is_npa: bool


def show(actor: Actor, strategy: Strategy, wanted: RuleSet, *, seen_version: int, on_saved: Callable[[], None]) -> None:
    """A button that tries the rules; what it found, and the form that applies them, until the rules are edited again.

    Args:
        actor: a leader.
        strategy: the versions that there are.
        wanted: the rules in the grid.
        seen_version: the newest version when the grid was drawn first.
        on_saved: called once the rules are saved, before the page is drawn anew.
    """
    digest = charts.digest(wanted)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Try it", type="primary", icon=":material/science:", key="strategy.try"):
            st.session_state[_TRIED] = digest
        st.caption("A dry run on all open cases. Nothing is changed.", width="content")
    if st.session_state.get(_TRIED) != digest:
        return
    with notices.showing_errors():
        outcome = stage_cached.outcome(actor, wanted)
        _found(outcome)
        if (saved := _apply(actor, strategy, wanted, outcome, seen_version)) is not None:
            st.session_state.pop(_TRIED, None)
            stage_cached.clear()
            on_saved()
            notices.after_rerun(saved)


def _found(outcome: Outcome) -> None:
    if not outcome.cases:
        st.info("There is no open case to try the rules on. They can be applied all the same.", icon=":material/info:")
    elif not outcome.moved:
        st.markdown(f"##### None of {money.count(outcome.cases)} open cases would move")
    else:
        share = Decimal(outcome.moved) / outcome.cases * 100
        st.markdown(
            f"##### {money.count(outcome.moved)} of {money.count(outcome.cases)} open cases would move "
            f"({share:.1f} %), with {money.short(outcome.moved_amount).replace('$', chr(92) + '$')} overdue"
        )
    for note in outcome.notes:
        st.caption(f":material/info: {note}")
    if outcome.cases:
        _matrix(outcome)
    if outcome.samples:
        _samples(outcome)


def _matrix(outcome: Outcome) -> None:
    st.caption("Where open cases stand now (rows) and where these rules would put them (columns). Framed: they stay.")
    rows = sum(1 for code in STAGES if any(way.from_stage == code for way in outcome.ways))
    figure = charts.drawn(lambda: _heat(outcome, palette.current()), of=charts.digest(("stages", outcome.ways)))
    charts.show(figure, key="strategy.matrix", height=60 + 46 * max(rows, 2))


def _heat(outcome: Outcome, colours: palette.Palette) -> go.Figure:
    """Cases by stage now and then; shades tell the share of the row."""
    cells = {(way.from_stage, way.to_stage): way for way in outcome.ways}
    starts = [code for code in STAGES if any(start == code for start, _ in cells)]
    whole = {start: sum(way.cases for way in outcome.ways if way.from_stage == start) for start in starts}
    names = [f"{stage(start)} ({money.count(whole[start])})" for start in starts]
    grid = [[cells.get((start, end)) for end in STAGES] for start in starts]
    shares = [
        [cell.cases / whole[start] if cell else 0.0 for cell in row] for start, row in zip(starts, grid, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=[[share**0.5 for share in row] for row in shares],  # the root lets small shares be seen
            x=[stage(end) for end in STAGES],
            y=names,
            zmin=0,
            zmax=1,
            colorscale=[list(step) for step in colours.heat],
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[[money.full(cell.overdue_amount) if cell else money.NOTHING for cell in row] for row in grid],
            hovertemplate="%{y} → %{x}<br>%{customdata} overdue<extra></extra>",
        )
    )
    for row, start in enumerate(starts):
        for column, end in enumerate(STAGES):
            cell = grid[row][column]
            ink = colours.surface if shares[row][column] > 0.2 else colours.text
            said = money.count(cell.cases) if cell else ""
            figure.add_annotation(x=column, y=row, text=said, showarrow=False, font={"color": ink, "size": 13})
            if start == end:
                edges = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
                figure.add_shape(type="rect", **edges, line={"color": colours.muted, "width": 1})
    figure.update_yaxes(autorange="reversed", showgrid=False, title=None)
    figure.update_xaxes(side="top", showgrid=False, title=None)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 4})
    return figure


def _samples(outcome: Outcome) -> None:
    st.markdown("**The largest cases of each move**")
    chosen = tables.table(
        [_row(sample) for sample in outcome.samples], _SAMPLES, key="strategy.samples", select="borrower_id"
    )
    if chosen is not None:
        st.page_link(
            "pages/borrower.py",
            label="Open this borrower",
            icon=":material/person_search:",
            query_params={"borrower": str(chosen)},
        )


def _row(sample: Sample) -> _SampleRow:
    return _SampleRow(
        borrower_id=sample.borrower_id,
        way=f"{stage(sample.from_stage)} → {stage(sample.to_stage)}",
        number=sample.number,
        max_dpd=sample.max_dpd,
        overdue_amount=sample.overdue_amount,
        risk_band=sample.risk_band,
        product=sample.product,
        is_npa=sample.is_npa,
    )


def _apply(actor: Actor, strategy: Strategy, wanted: RuleSet, outcome: Outcome, seen_version: int) -> str | None:
    """The form that applies the rules; what to say once that is done."""
    form, places = form_fields.drawn("strategy.apply"), Places()
    with st.form("strategy_apply", border=True):
        left, right = st.columns([1, 3])
        with left:
            begins = st.date_input(
                "Apply from date",
                value=strategy.today,
                min_value=strategy.today,
                max_value=strategy.today + timedelta(days=stages.FURTHEST_DAYS),
                key=f"{form}.from",
                format="DD/MM/YYYY",
                help="Today: cases move as soon as a worker is free. Later: by the close of the night before that date",
            )
            places.under("effective_from")
        with right:
            reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300, placeholder="Why the rules change")
            places.under("reason")
        is_seen = st.checkbox(
            f"I have looked at what moves: {money.count(outcome.moved)} cases as they stand now", key=f"{form}.seen"
        )
        places.under("seen")
        is_sent = st.form_submit_button("Apply these rules", type="primary", icon=":material/check:")
    if is_sent and not is_seen:
        places.tell("seen", "Tick this when you have looked at the dry run above.")
    elif is_sent:
        with places.showing_errors():
            version = stages.save(
                actor,
                wanted,
                seen_version=seen_version,
                effective_from=begins,
                reason=reason,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            return f"Version {version} of the stage rules holds from {dates.day(begins)}"
    return None
