"""The grid of stage rules: a row a rule, edited in place; and the rules that the grid says."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from components.stage_words import Products
from components.tables import ROW_HEIGHT
from services.cases import STAGES
from services.money import quantize
from services.scoring import BANDS
from services.stages import Rule, RuleSet

_CLASSES = {"NPA": True, "Not NPA": False}
_CODES = {label: code for code, label in STAGES.items()}
_BAND_CODES = {label: band for band, label in BANDS.items()}
COLUMNS = ("place", "stage", "min_dpd", "max_dpd", "min_overdue", "below_overdue", "bands", "products", "npa")
_CONDITIONS = COLUMNS[2:]


def frame(rules: Sequence[Rule], products: Products) -> pd.DataFrame:
    """Rules as the grid shows them."""
    classes = {is_npa: label for label, is_npa in _CLASSES.items()}
    rows = [
        {
            "place": place,
            "stage": STAGES[rule.stage],
            "min_dpd": rule.min_dpd,
            "max_dpd": rule.max_dpd,
            "min_overdue": _number(rule.min_overdue),
            "below_overdue": _number(rule.below_overdue),
            "bands": [BANDS[band] for band in rule.risk_bands],
            "products": [products[key] for key in rule.product_ids if key in products],
            "npa": None if rule.is_npa is None else classes[rule.is_npa],
        }
        for place, rule in enumerate(rules, 1)
    ]
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = dict.fromkeys(("place", "min_dpd", "max_dpd"), "Int64")
    return made.astype({**whole, **dict.fromkeys(("min_overdue", "below_overdue"), "Float64")})


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)  # a grid edits floats; two places survive the way there and back


def rules_of(edited: pd.DataFrame, products: Products) -> tuple[Rule, ...]:
    """The rules that a grid says, in the order of their places; rows in which nothing stands are passed over."""
    keys = {name: key for key, name in products.items()}
    rows: list[dict[str, Any]] = [{str(name): held for name, held in row.items()} for row in edited.to_dict("records")]
    rows = [row for row in rows if any(_given(row[name]) for name in ("stage", *_CONDITIONS))]
    rows.sort(key=lambda row: float(row["place"]) if _given(row["place"]) else float("inf"))
    return tuple(_rule(row, keys) for row in rows)


def _given(held: Any) -> bool:
    if isinstance(held, (list, tuple)):
        return bool(held)
    return held is not None and not pd.isna(held) and held != ""


def _rule(row: Mapping[str, Any], keys: Mapping[str, int]) -> Rule:
    return Rule(
        stage=_CODES.get(row["stage"], "") if _given(row["stage"]) else "",
        min_dpd=_whole(row["min_dpd"]),
        max_dpd=_whole(row["max_dpd"]),
        min_overdue=_amount(row["min_overdue"]),
        below_overdue=_amount(row["below_overdue"]),
        risk_bands=tuple(sorted(_BAND_CODES[label] for label in _several(row["bands"]))),
        product_ids=tuple(sorted(keys[name] for name in _several(row["products"]))),
        is_npa=_CLASSES.get(row["npa"]) if _given(row["npa"]) else None,
    )


def _whole(held: Any) -> int | None:
    return int(held) if _given(held) else None


def _amount(held: Any) -> Decimal | None:
    return quantize(Decimal(str(held))) if _given(held) else None


def _several(held: Any) -> Sequence[str]:
    return held if isinstance(held, (list, tuple)) else []


def edit(start: RuleSet, products: Products, *, key: str) -> RuleSet:
    """Draw the grid, and the stage of all other cases beneath it.

    Args:
        start: the rules to begin with.
        products: names by id.
        key: a new key draws the grid anew from `start`.

    Returns:
        The rules as they stand in the grid now, not checked.
    """
    edited = st.data_editor(
        frame(start.rules, products),
        num_rows="dynamic",
        hide_index=True,
        column_config=_config(products),
        column_order=list(COLUMNS),
        key=f"{key}.rules",
        width="stretch",
        row_height=ROW_HEIGHT,
        placeholder="any",
    )
    codes = list(STAGES)
    default = st.selectbox(
        "All other cases",
        codes,
        index=codes.index(start.default_stage),
        format_func=STAGES.__getitem__,
        key=f"{key}.default",
        width=220,
        help="The stage of a case that no rule matches, so that every case has one",
    )
    return RuleSet(rules_of(edited, products), default)


def _config(products: Products) -> dict[str, Any]:
    column = st.column_config
    return {
        "place": column.NumberColumn(
            "Place", min_value=1, step=1, width=80, help="The first rule that matches decides"
        ),
        "stage": column.SelectboxColumn("Stage", options=list(STAGES.values()), width=100),
        "min_dpd": column.NumberColumn("DPD from", min_value=0, step=1, width=100, help="Days past due, worst loan"),
        "max_dpd": column.NumberColumn("DPD to", min_value=0, step=1, width=85, help="Included; empty: no end"),
        "min_overdue": column.NumberColumn(
            "Overdue from", min_value=0.0, step=0.01, format="localized", width=120, help="Overdue on all loans"
        ),
        "below_overdue": column.NumberColumn(
            "Overdue below",
            min_value=0.0,
            step=0.01,
            format="localized",
            width=115,
            help="Less than this; empty: no end",
        ),
        "bands": column.MultiselectColumn(
            "Risk", options=list(BANDS.values()), help="Of the riskiest loan; empty: any"
        ),
        "products": column.MultiselectColumn(
            "Products", options=list(products.values()), help="Of the worst loan; empty: any"
        ),
        "npa": column.SelectboxColumn("Class", options=list(_CLASSES), width=90, help="Empty: any class"),
    }


def shown(rules: RuleSet, products: Products, *, key: str) -> None:
    """Draw rules for looking only."""
    config = _config(products)
    st.dataframe(
        frame(rules.rules, products),
        hide_index=True,
        column_config=config,
        column_order=list(COLUMNS),
        key=key,
        row_height=ROW_HEIGHT,
        placeholder="any",
    )
    st.markdown(f"All other cases: **{STAGES[rules.default_stage]}**")
