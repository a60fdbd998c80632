"""Limits: what repayment plans, settlements and relief may be, and from when they count as behind or broken."""

import streamlit as st

from components import hardship_policy_form, plan_limits_form, settlement_policy_form
from components.guard import guard
from services import plans
from services.actors import Permission

actor = guard(Permission.CONFIGURE)
of_plans, of_settlements, of_relief = st.tabs(["Plans", "Settlements", "Hardship"])
with of_plans:
    st.caption("They hold for plans made from now on; the days of grace and of breaking hold for running plans, too.")
    plan_limits_form.show(actor, plans.current_limits(actor))
with of_settlements:
    st.caption("It holds for offers made from now on; the days of grace hold for settlements that run, too.")
    settlement_policy_form.show(actor)
with of_relief:
    st.caption("They hold for relief applied for from now on.")
    hardship_policy_form.show(actor)
