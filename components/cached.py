"""Reads that pages share and that may be a moment old, each keyed by whose view it is and by the book's version.

Rules: only functions that read; `ttl` and `max_entries` always; the key holds `actor.scope` words (role, and the user
where the view is a user's own) and `version()`; values are frozen dataclasses; never personal data, never a balance
that a decision rests on.
"""

from dataclasses import dataclass

import streamlit as st

from services import lender


@dataclass(frozen=True, slots=True)
class LenderFormat:
    """What formatting needs of the lender's settings."""

    name: str
    currency: str
    locale: str
    time_zone: str


@st.cache_resource(ttl=60, max_entries=1, show_spinner=False)
def lender_format() -> LenderFormat:
    """Currency, locale and time zone of the lender: a change shows within a minute.

    One object for all, since it never changes: tables ask for it with every amount.
    """
    settings = lender.current()
    return LenderFormat(settings.name, settings.currency, settings.locale, settings.time_zone)


def version() -> int:
    """The version of facts and state, read now: the part of a cache's key that makes it fresh."""
    return lender.current().data_version
