"""The form of the limits of hardship relief."""

import streamlit as st

from components import notices
from components.form_fields import Places
from services import hardship
from services.actors import Actor

_FIGURES = (
    ("max_holiday_months", "Longest payment holiday, months", 24, "From its first day"),
    ("max_months", "Longest lower instalment, months", 60, "From its first instalment"),
    ("open_days", "An application stops reminders for, days", 120, "Undecided after that, they go on"),
    ("review_days", "Reviewed within, days", 170, "Of its first day, at the latest"),
)


def show(actor: Actor) -> None:
    """Each limit with its meaning, and the reason of a change."""
    now, places = hardship.current(actor), Places()
    with st.form("hardship_policy", border=True, width=640):
        columns = st.columns(2)
        values: dict[str, int] = {}
        for place, (name, label, most, meaning) in enumerate(_FIGURES):
            with columns[place % 2]:
                values[name] = int(
                    st.number_input(
                        label, value=getattr(now, name), min_value=0, max_value=most, step=1, help=meaning,
                        key=f"hardship_policy.{name}",
                    )
                )  # fmt: skip
                places.under(name)
        reason = st.text_input("Why do they change?", key="hardship_policy.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Save the limits of relief", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            hardship.change(actor, hardship.Policy(**values), reason=reason)
            notices.after_rerun("The limits of relief are saved")
