"""The fields of a contact rule: those that its check takes, and what narrows it."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import streamlit as st

from components.form_fields import Places
from components.policy_words import WEEKDAYS, written_days
from services import contacts, holds, regional_holds
from services.errors import InvalidInput
from services.policy import terms


def draw(form: str, places: Places, rule: str, now: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the fields as they stand now; what is entered, for `read`."""
    entered: dict[str, Any] = {}
    if rule in _FIELDS:
        entered |= _FIELDS[rule](form, places, now)
    if rule != "visit_place":
        entered["channels"] = st.multiselect(
            "Channels", list(terms.CHANNELS), default=_channels(now), format_func=contacts.CHANNELS.__getitem__,
            key=f"{form}.channels", placeholder="All channels",
        )  # fmt: skip
        places.under("channels")
    kept = {name: now[name] for name in ("automated_only", "microfinance_only", "needs_choice") if name in now}
    return {**kept, **({"channels": ["visit"]} if rule == "visit_place" else {}), **entered}


def read(entered: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered as parameters of a rule.

    Raises:
        InvalidInput: a day cannot be read.
    """
    parameters = dict(entered)
    if "days" in parameters:
        parameters |= _days(parameters.pop("days"))
    return {name: f"{value:%H:%M}" if isinstance(value, time) else value for name, value in parameters.items()}


def _channels(now: Mapping[str, Any]) -> list[str]:
    channels = now.get("channels", "all")
    return [] if channels == "all" else list(channels)


def _hours(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
    entered = {}
    for column, (name, label, usual) in zip(
        st.columns(2), (("from", "From", "08:00"), ("to", "Until", "19:00")), strict=True
    ):
        with column:
            entered[name] = st.time_input(
                label, value=time.fromisoformat(now.get(name, usual)), step=1800, key=f"{form}.{name}"
            )
            places.under(name)
    return entered


def _cap(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
    entered = {}
    labels = (("per_day", "Most in a day"), ("per_week", "Most in seven days"))
    for column, (name, label) in zip(st.columns(2), labels, strict=True):
        with column:
            entered[name] = st.number_input(
                label, value=now.get(name), min_value=1, max_value=100, step=1, key=f"{form}.{name}",
                placeholder="No limit",
            )  # fmt: skip
            places.under(name)
    return entered


def _calendar(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
    days = st.text_area(
        "Days, one a line", value="\n".join(written_days(now)), key=f"{form}.days", height=110,
        placeholder="15 Aug\n8 Nov 2026", help="15 Aug for each year, 8 Nov 2026 for once",
    )  # fmt: skip
    places.under("dates", "yearly")
    weekdays = st.multiselect(
        "Days of the week", list(range(1, 8)), default=now.get("weekdays", []), key=f"{form}.weekdays",
        format_func=lambda number: WEEKDAYS[number - 1], placeholder="None",
    )  # fmt: skip
    places.under("weekdays")
    return {"days": days, "weekdays": weekdays}


def _days(typed: str) -> dict[str, list[str]]:
    yearly, once = [], []
    for line in (line.strip() for line in typed.splitlines()):
        if not line:
            continue
        day = _read(line, "%d %b %Y") or _read(line, "%d %B %Y") or _read(line, "%Y-%m-%d")
        if day is not None:
            once.append(day.isoformat())
            continue
        day = _read(f"{line} 2024", "%d %b %Y") or _read(f"{line} 2024", "%d %B %Y")  # 29 February is a day, too
        if day is None:
            raise InvalidInput({"dates": f"“{line}” cannot be read: write 15 Aug or 8 Nov 2026."})
        yearly.append(f"{day:%m-%d}")
    return {"dates": sorted(set(once)), "yearly": sorted(set(yearly))}


def _read(written: str, form: str) -> date | None:
    try:
        return datetime.strptime(written, form).date()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return None


def _consent(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
    must = st.checkbox(
        "Only where consent was given", value=now.get("must_be_given", False), key=f"{form}.must_be_given"
    )
    places.under("must_be_given")
    return {"must_be_given": must}


def _kinds(known: Mapping[str, str]) -> Any:
    def fields(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
        kinds = st.multiselect(
            "Kinds of hold", list(known), default=now.get("kinds", []), format_func=known.__getitem__,
            key=f"{form}.kinds",
        )  # fmt: skip
        places.under("kinds")
        return {"kinds": kinds}

    return fields


def _place(form: str, places: Places, now: Mapping[str, Any]) -> dict[str, Any]:
    entered = {}
    labels = (
        ("residence_after", "Failed visits before the home"),
        ("workplace_after", "Failed visits at home before the place of work"),
    )
    for name, label in labels:
        entered[name] = int(
            st.number_input(
                label, value=now.get(name, 0), min_value=0, max_value=20, step=1, key=f"{form}.{name}", width=320
            )
        )
        places.under(name)
    return entered


_FIELDS: dict[str, Any] = {
    "hours": _hours,
    "cap": _cap,
    "calendar": _calendar,
    "consent": _consent,
    "hold": _kinds(holds.KINDS),
    "regional_hold": _kinds(regional_holds.KINDS),
    "visit_place": _place,
}
