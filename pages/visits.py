"""Visits: a field agent's day, money and sheet; a leader's view of the field."""

import streamlit as st

from components import visits_money, visits_plan, visits_sheet, visits_team, visits_today
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_VISITS)
sees_all, makes = actor.may(Permission.VIEW_ALL_CASES), actor.may(Permission.MAKE_VISITS)
if "visit" in st.query_params:
    visits_today.show(actor)
elif not sees_all:
    today, money, plan, sheet = st.tabs(["Today", "Money", "Plan", "Sheet"])
    with today:
        visits_today.show(actor)
    with money:
        visits_money.own(actor)
    with plan:
        visits_plan.show(actor)
    with sheet:
        visits_sheet.show(actor)
else:
    names = ["Team", "Money", *(["Plan", "My day", "My money", "My sheet"] if makes else [])]
    drawn = st.tabs(names)
    with drawn[0]:
        visits_team.show(actor)
    with drawn[1]:
        visits_money.of_all(actor)
    if makes:
        with drawn[2]:
            visits_plan.show(actor)
        with drawn[3]:
            visits_today.show(actor)
        with drawn[4]:
            visits_money.own(actor)
        with drawn[5]:
            visits_sheet.show(actor)
