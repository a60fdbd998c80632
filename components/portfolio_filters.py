"""The one row of filters on top of portfolio pages. Every filter lives in the URL, so that a link shows the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from components.notices import plain
from services.portfolio import NOT_GIVEN, RISK_BANDS, FilterChoices, PortfolioFilter

NOT_GIVEN_LABEL = "not given"
OWN = "in_"
"""Begins the names, in the address, of filters on pages that lead to others. A link to another page loses what the page
that it stands on calls the same: Streamlit takes such parameters for those of the page that is left."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the row is set to."""

    filter: PortfolioFilter
    month: date | None
    """Last closed day of the chosen month; None: the newest."""


def product_labels(choices: FilterChoices) -> dict[str, str]:
    """Product code to what the filter calls it: the name, with the code where two share a name."""
    names = list(choices.products.values())
    return {code: name if names.count(name) == 1 else f"{name} ({code})" for code, name in choices.products.items()}


def value_label(value: str) -> str:
    """What the filter calls a segment's value."""
    return NOT_GIVEN_LABEL if value == NOT_GIVEN else value


def month_label(close: date) -> str:
    """'Nov 2026'."""
    return f"{close:%b %Y}"


def segment_row(choices: FilterChoices, *, prefix: str = "") -> PortfolioFilter:
    """Filters by product, region, branch, lender attribute and risk band, in the current container."""
    attribute = choices.attribute_name or "attributes"
    codes = {label: code for code, label in product_labels(choices).items()}
    bands = {label: band for band, label in RISK_BANDS.items()}
    return PortfolioFilter(
        products=tuple(codes[label] for label in _several(f"{prefix}product", "products", list(codes))),
        regions=_values(f"{prefix}region", "regions", choices.regions),
        branches=_values(f"{prefix}branch", "branches", choices.branches),
        attributes=_values(f"{prefix}attribute", attribute, choices.attributes),
        risk_bands=tuple(bands[label] for label in _several(f"{prefix}band", "risk bands", list(bands))),
    )


def row(choices: FilterChoices) -> Chosen:
    """The whole row, with the month."""
    with st.grid(6, min_column_width=150, gap="xsmall"):
        chosen = segment_row(choices, prefix=OWN)
        months = {month_label(close): close for close in choices.months}
        label = st.selectbox(
            "As of the end of",
            list(months),
            key="month",
            bind="query-params",
            label_visibility="collapsed",
            help="The last closed day of the month",
        )
    return Chosen(chosen, months.get(label))


def _several(key: str, noun: str, options: Sequence[str]) -> list[str]:
    """A filter of several values; not drawn where there is no choice."""
    if len(options) < 2:
        return []
    return st.multiselect(
        plain(noun.capitalize()),
        options,
        key=key,
        bind="query-params",
        placeholder=f"All {noun}",
        label_visibility="collapsed",
    )


def _values(key: str, noun: str, values: tuple[str, ...]) -> tuple[str, ...]:
    by_label = {value_label(value): value for value in values}
    return tuple(by_label[label] for label in _several(key, noun, list(by_label)))
