"""Limits: what repayment plans, settlements, relief and field work may be, and when they are behind or broken."""

import streamlit as st

from components import field_policy_form, hardship_policy_form, plan_limits_form, settlement_policy_form
from components.guard import guard
from services import plans
from services.actors import Permission

actor = guard(Permission.CONFIGURE)
of_plans, of_settlements, of_relief, of_field = st.tabs(["Plans", "Settlements", "Hardship", "Field"])
with of_plans:
    st.caption("They hold for plans made from now on; the days of grace and of breaking hold for running plans, too.")
    plan_limits_form.show(actor, plans.current_limits(actor))
with of_settlements:
    st.caption("It holds for offers made from now on; the days of grace hold for settlements that run, too.")
    settlement_policy_form.show(actor)
with of_relief:
    st.caption("They hold for relief applied for from now on.")
    hardship_policy_form.show(actor)
with of_field:
    st.caption("They hold for visits planned and money taken from now on.")
    field_policy_form.show(actor)
