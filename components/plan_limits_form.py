"""The form of the limits of repayment plans."""

from typing import Any

import streamlit as st

from components import notices
from components.form_fields import Places
from services import money as amounts
from services import plans
from services.actors import Actor

_DAYS_AND_MONTHS = (
    ("grace_days", "Days of grace", "An instalment unpaid for longer puts the plan behind"),
    ("break_days", "Days until broken", "An instalment unpaid for longer breaks the plan"),
    ("max_months", "Longest plan, months", "From the day it is made to the last instalment"),
    ("restructure_months", "Restructuring beyond, months", "A longer plan changes the loan (IN-16) and needs approval"),
    ("max_share", "Usual share of what is left, percent", "More needs a leader's reason; more than all is refused"),
)  # fmt: skip
_AMOUNTS = (
    ("min_instalment", "Smallest instalment", "The last instalment may be smaller"),
    ("agent_amount", "An agent's largest plan", "A larger plan of an agent needs approval"),
)


def show(actor: Actor, limits: plans.Limits) -> None:
    """Each limit with its meaning, and the reason of a change."""
    places = Places()
    with st.form("plan_limits", border=True, width=640):
        columns = st.columns(2)
        values: dict[str, Any] = {}
        for place, (name, label, meaning) in enumerate(_DAYS_AND_MONTHS):
            with columns[place % 2]:
                values[name] = int(
                    st.number_input(
                        label, value=getattr(limits, name), min_value=0, max_value=365, step=1, help=meaning,
                        key=f"plan_limits.{name}",
                    )
                )  # fmt: skip
                places.under(name)
        typed: dict[str, str] = {}
        for place, (name, label, meaning) in enumerate(_AMOUNTS):
            with columns[(place + 1) % 2]:
                typed[name] = st.text_input(
                    label, value=f"{getattr(limits, name):f}", help=meaning, key=f"plan_limits.{name}"
                )
                places.under(name)
        reason = st.text_input("Why do they change?", key="plan_limits.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Save the limits", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            wanted: dict[str, Any] = {name: amounts.parse(amount, field=name) for name, amount in typed.items()}
            plans.change_limits(actor, plans.Limits(**values, **wanted), reason=reason)
            notices.after_rerun("The limits are saved")
