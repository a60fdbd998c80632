"""Plan limits: what a repayment plan may be, and from when it counts as behind or broken."""

import streamlit as st

from components import plan_limits_form
from components.guard import guard
from services import plans
from services.actors import Permission

actor = guard(Permission.CONFIGURE)
st.title("Plan limits", anchor=False)
st.caption("They hold for plans made from now on; the days of grace and of breaking hold for running plans, too.")
plan_limits_form.show(actor, plans.current_limits(actor))
