"""The form of the limits of field work."""

from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from components import notices
from components.form_fields import Places
from services import money, visits
from services.actors import Actor

_FIGURES = (
    ("visits_per_day", "Visits of an agent's day", 60, "Most that may be planned"),
    ("plan_days", "Planned ahead, days", 90, "Farthest day of a visit"),
    ("near_metres", "Near the address, metres", 10_000, "A check-in farther away is marked"),
    ("deposit_days", "Deposited within, days", 30, "Money held longer is marked as overdue"),
)
_AMOUNTS = (
    ("cash_per_day", "Cash from one borrower a day", "Below 2,00,000 by section 269ST of the Income-tax Act"),
    ("cash_in_hand", "Cash that an agent may hold", "Beyond it no more is taken until it is deposited"),
)


def show(actor: Actor) -> None:
    """Each limit with its meaning, and the reason of a change."""
    now, places = visits.current(actor), Places()
    with st.form("field_policy", border=True, width=640):
        columns = st.columns(2)
        figures: dict[str, int] = {}
        for place, (name, label, most, meaning) in enumerate(_FIGURES):
            with columns[place % 2]:
                figures[name] = int(
                    st.number_input(
                        label, value=getattr(now, name), min_value=0, max_value=most, step=1, help=meaning,
                        key=f"field_policy.{name}",
                    )
                )  # fmt: skip
                places.under(name)
        typed: dict[str, str] = {}
        for place, (name, label, meaning) in enumerate(_AMOUNTS):
            with columns[place % 2]:
                typed[name] = st.text_input(
                    label, value=f"{getattr(now, name):.0f}", help=meaning, key=f"field_policy.{name}"
                )
                places.under(name)
        reason = st.text_input("Why do they change?", key="field_policy.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Save the limits of field work", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            amounts = {name: money.parse(value, field=name) for name, value in typed.items()}
            visits.change(actor, _policy(figures, amounts), reason=reason)
            notices.after_rerun("The limits of field work are saved")


def _policy(figures: Mapping[str, int], amounts: Mapping[str, Decimal]) -> visits.Policy:
    return visits.Policy(
        near_metres=figures["near_metres"],
        visits_per_day=figures["visits_per_day"],
        plan_days=figures["plan_days"],
        deposit_days=figures["deposit_days"],
        cash_per_day=amounts["cash_per_day"],
        cash_in_hand=amounts["cash_in_hand"],
    )
