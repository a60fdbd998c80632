"""What a rule of the gate may say: which parameters each check takes, and which values they may have."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from services.errors import InvalidInput
from services.policy.facts import POINT_KIND

CHANNELS: Final = tuple(POINT_KIND)
ADDABLE: Final = ("hours", "cap", "calendar")
"""Checks of which a lender may add rules of its own; the others exist once for each of their sources."""
SEVERITIES: Final = {"block": "Stops the contact", "warn": "Warns, and lets it pass"}
_NARROWED = ("channels", "automated_only", "microfinance_only")
"""What narrows any rule."""
_TAKES: Final[dict[str, tuple[str, ...]]] = {
    "hold": ("kinds",),
    "regional_hold": ("kinds",),
    "consent": ("must_be_given",),
    "calendar": ("dates", "yearly", "weekdays"),
    "hours": ("from", "to"),
    "visit_place": ("residence_after", "workplace_after", "needs_choice"),
    "cap": ("per_day", "per_week"),
}
_WIDEST: Final = {"IN-01": ("08:00", "19:00"), "IN-02": ("09:00", "18:00")}
"""Hours of the rules that the law sets: a lender may narrow them."""
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_MOST = 100


def checked(rule: str, source: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a rule without those that say nothing.

    Raises:
        InvalidInput: a value cannot be, or one that the check needs is missing.
    """
    said = {name: value for name, value in parameters.items() if value or (value == 0 and value is not False)}
    unknown = said.keys() - {*_NARROWED, *_TAKES.get(rule, ())}
    assert not unknown, f"{rule} takes no {unknown}"
    wrong: dict[str, str] = {}
    channels = said.get("channels", [])
    if channels != "all" and set(channels) - set(CHANNELS):
        wrong["channels"] = "Choose among the channels."
    look = _CHECKS.get(rule)
    if look is not None:
        wrong |= look(said, source)
    if wrong:
        raise InvalidInput(wrong)
    return said


def _hours(said: Mapping[str, Any], source: str) -> dict[str, str]:
    wrong = {name: "Enter a time." for name in ("from", "to") if not _TIME.match(str(said.get(name, "")))}
    if wrong:
        return wrong
    if said["from"] >= said["to"]:
        return {"to": "The hours must end after they begin."}
    widest = _WIDEST.get(source[:5])
    if widest and (said["from"] < widest[0] or said["to"] > widest[1]):
        field = "from" if said["from"] < widest[0] else "to"
        return {field: f"{source[:5]} allows {widest[0]} to {widest[1]}: narrower is fine, wider is not."}
    return {}


def _cap(said: Mapping[str, Any], _source: str) -> dict[str, str]:
    given = {name: said[name] for name in ("per_day", "per_week") if name in said}
    if not given:
        return {"per_day": "Enter a number for the day, for seven days, or for both."}
    wrong = {name: f"Enter 1 to {_MOST}." for name, most in given.items() if not 1 <= most <= _MOST}
    if not wrong and given.get("per_week", _MOST) < given.get("per_day", 0):
        wrong["per_week"] = "In seven days no fewer than in one."
    return wrong


def _calendar(said: Mapping[str, Any], _source: str) -> dict[str, str]:
    if not any(said.get(name) for name in ("dates", "yearly", "weekdays")):
        return {"dates": "Enter at least one day."}
    try:
        for written in said.get("dates", []):
            date.fromisoformat(written)
        for written in said.get("yearly", []):
            date.fromisoformat(f"2024-{written}")  # a leap year: 29 February is a day
    except ValueError:
        return {"dates": f"“{written}” is no date."}
    if set(said.get("weekdays", [])) - set(range(1, 8)):
        return {"weekdays": "Choose among the days of the week."}
    return {}


def _kinds(said: Mapping[str, Any], _source: str) -> dict[str, str]:
    return {} if said.get("kinds") else {"kinds": "Choose at least one kind; to stop the rule, end it."}


def _visits(said: Mapping[str, Any], _source: str) -> dict[str, str]:
    return {
        name: "Enter 0 to 20 visits."
        for name in ("residence_after", "workplace_after")
        if not 0 <= said.get(name, 0) <= 20
    }


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any], str], dict[str, str]]]] = {
    "hold": _kinds,
    "regional_hold": _kinds,
    "hours": _hours,
    "cap": _cap,
    "calendar": _calendar,
    "visit_place": _visits,
}
