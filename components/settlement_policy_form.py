"""The form of the policy of settlements: limits, and what loans are expected to bring without one."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from components import notices
from components.form_fields import Places
from services import settlements
from services.actors import Actor

_FIGURES = (
    ("grace_days", "Days of grace", 60, "A part unpaid for longer breaks the settlement"),
    ("valid_days", "Longest time to accept, days", 180, "From the day of the offer"),
    ("max_months", "Longest settlement, months", 60, "From the offer to the last part"),
    (
        "restructure_months",
        "Restructuring beyond, months",
        60,
        "The RBI says 3: longer counts as restructuring (IN-19)",
    ),
    (
        "cooling_months",
        "No new loan for, months",
        120,
        "After a completed settlement; the RBI asks for a cooling period",
    ),
)


def show(actor: Actor) -> None:
    """Each figure with its meaning, the table of expectations, and the reason of a change."""
    policy, lines = settlements.current(actor)
    places = Places()
    with st.form("settlement_policy", border=True, width=640):
        columns = st.columns(2)
        values: dict[str, Any] = {}
        for place, (name, label, most, meaning) in enumerate(_FIGURES):
            with columns[place % 2]:
                values[name] = int(
                    st.number_input(
                        label, value=getattr(policy, name), min_value=0, max_value=most, step=1, help=meaning,
                        key=f"settlement_policy.{name}",
                    )
                )  # fmt: skip
                places.under(name)
        with columns[1]:
            rate = st.number_input(
                "Discount, percent a year", value=float(policy.discount_percent), min_value=0.0, max_value=100.0,
                step=0.5, format="%.2f", key="settlement_policy.discount_percent",
                help="At which later money is taken to today, for the offer and for what is expected without it",
            )  # fmt: skip
            places.under("discount_percent")
        table = _expected(lines)
        places.under("lines")
        reason = st.text_input(
            "Why does it change?", key="settlement_policy.reason", max_chars=300,
            placeholder="The board's decision and its date",
        )  # fmt: skip
        places.under("reason")
        is_sent = st.form_submit_button("Save the policy", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            wanted = settlements.Policy(**values, discount_percent=_decimal(rate))
            settlements.change(actor, wanted, _lines(table), reason=reason)
            notices.after_rerun("The policy of settlements is saved")


def _expected(lines: tuple[settlements.Expectation, ...]) -> pd.DataFrame:
    st.markdown("**What a loan is expected to bring without a settlement**")
    frame = pd.DataFrame(
        {
            "dpd_from": [line.dpd_from for line in lines],
            "secured": [float(line.secured_percent) for line in lines],  # for the editor: read back to two decimals
            "unsecured": [float(line.unsecured_percent) for line in lines],
            "months": [line.months for line in lines],
        }
    )
    percent: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.2f", "required": True}
    shown: Any = st.data_editor(
        frame,
        hide_index=True,
        num_rows="dynamic",
        row_height=32,
        key="settlement_policy.lines",
        column_config={
            "dpd_from": st.column_config.NumberColumn("From days past due", min_value=0, step=1, required=True),
            "secured": st.column_config.NumberColumn("Secured, %", **percent),
            "unsecured": st.column_config.NumberColumn("Unsecured, %", **percent),
            "months": st.column_config.NumberColumn("After months", min_value=0, max_value=240, step=1, required=True),
        },
    )
    return pd.DataFrame(shown)


def _lines(frame: pd.DataFrame) -> list[settlements.Expectation]:
    return [
        settlements.Expectation(
            int(row["dpd_from"]), _decimal(row["secured"]), _decimal(row["unsecured"]), int(row["months"])
        )
        for row in frame.dropna().to_dict("records")
    ]


def _decimal(typed: Any) -> Decimal:
    return Decimal(str(typed)).quantize(Decimal("0.01"))
