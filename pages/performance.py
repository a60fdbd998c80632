"""Performance: what came of cases by agent, bucket, product and region, compared fairly; targets, costs and reports."""

import streamlit as st

from components import (
    follow_up_figures,
    performance_cached,
    performance_cases,
    performance_filters,
    performance_panels,
    performance_plans,
    performance_reports,
    portfolio_cached,
)
from components.guard import guard
from components.performance_filters import View
from services.actors import Permission

actor = guard(Permission.VIEW_PERFORMANCE)
reads = performance_cached.reads(actor)
choices = reads.choices
if not choices.months:
    performance_panels.nothing(actor)
    st.stop()

view = performance_filters.view_switch()
if view is View.FOLLOW_UPS:
    follow_up_figures.show(actor)
    st.stop()
if view is View.REPORTS:
    performance_reports.show(actor)
    st.stop()
if view is View.PLANS:
    performance_plans.show(actor, performance_filters.month_choice(choices) or choices.months[0])
    st.stop()

book = portfolio_cached.reads(actor).choices
chosen = performance_filters.row(choices, book)
dimension = performance_filters.dimension_switch(choices)
seen = reads.overview(chosen, dimension)
assert seen is not None  # a month is summed: the filter row offered it
if not seen.rows:
    performance_panels.none_match()
    st.stop()

performance_panels.cards(seen)
clicked = performance_panels.ranking(seen) if seen.ranking else None
picked = performance_panels.table(seen) or clicked
if picked is not None:
    performance_filters.drill(actor, seen, picked, chosen, book)
performance_panels.export(actor, seen)
performance_cases.show(actor, seen, chosen, picked)
performance_panels.trend(reads, chosen, seen, picked)
