"""The portfolio, each morning: what changed, six figures, how buckets roll, and where it is worst."""

import streamlit as st

from components import portfolio_cached, portfolio_figures, portfolio_filters, portfolio_panels, portfolio_rolls
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_PORTFOLIO)
reads = portfolio_cached.reads(actor)
choices = reads.choices
if not choices.months:
    portfolio_panels.no_book(actor)
    st.stop()

chosen = portfolio_filters.row(choices)
overview = reads.overview(chosen.filter, chosen.month)
rolls = reads.rolls(chosen.filter, chosen.month)
assert overview is not None  # a month is closed: the filter row offered it
assert rolls is not None
month = rolls.latest

portfolio_figures.changes(overview, chosen.filter, choices)
portfolio_figures.figures(overview, chosen.filter, choices)

left, right = st.columns([2, 1], gap="medium")
with left:
    measure = portfolio_rolls.measure_switch()
    if month is None:
        portfolio_rolls.no_rolls()
    else:
        portfolio_rolls.matrix(rolls, month, measure, chosen=chosen.filter, choices=choices)
        portfolio_rolls.matrix_export(rolls, month)
with right:
    portfolio_panels.ageing(overview, chosen.filter, choices)
if month is not None:
    portfolio_rolls.trends(rolls, measure)
    portfolio_rolls.flow(rolls, measure)
portfolio_panels.vintages(reads.vintages(chosen.filter, chosen.month, measure), chosen.filter)
if month is not None:
    dimension = portfolio_panels.dimension_switch(choices)
    worst = reads.segments(chosen.filter, chosen.month, dimension, measure)
    portfolio_panels.segments(actor, worst, measure, chosen=chosen.filter, choices=choices)
