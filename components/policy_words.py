"""What a contact rule says, in words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services import contacts, holds, regional_holds
from services.policy import PolicyRuleView

CHECKS = {
    "hold": "Hold on the borrower",
    "regional_hold": "Hold of a region",
    "open_promise": "Open promise",
    "contact_point": "Number or address on file",
    "consent": "Consent",
    "calendar": "Days without contact",
    "hours": "Hours",
    "avoided_hours": "Hours to avoid",
    "visit_place": "Place of a visit",
    "agent_notice": "Notice of the agent",
    "cap": "Most contacts",
}
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def sentence(rule: PolicyRuleView) -> str:
    """'Call, visit: only 08:00–19:00, the borrower's time'."""
    return said(rule.rule, rule.parameters)


def said(rule: str, parameters: Mapping[str, Any]) -> str:
    """As `sentence`, of parameters."""
    return f"{_whom(parameters)}: {_LIMITS[rule](parameters)}"


def _whom(parameters: Mapping[str, Any]) -> str:
    channels = parameters.get("channels", "all")
    named = contacts.CHANNELS
    whom = "Any contact" if channels == "all" else ", ".join(named[one] for one in named if one in channels)
    if parameters.get("automated_only"):
        whom = f"{whom}, automated"
    return f"{whom}, microfinance loans" if parameters.get("microfinance_only") else whom


def _hold(parameters: Mapping[str, Any]) -> str:
    return f"not while on hold ({', '.join(holds.KINDS[kind].lower() for kind in parameters['kinds'])})"


def _regional(parameters: Mapping[str, Any]) -> str:
    kinds = ", ".join(regional_holds.KINDS[kind].lower() for kind in parameters["kinds"])
    return f"not during a hold where the borrower lives ({kinds})"


def _consent(parameters: Mapping[str, Any]) -> str:
    return "only with consent" if parameters.get("must_be_given") else "not where it was refused"


def _calendar(parameters: Mapping[str, Any]) -> str:
    days = [WEEKDAYS[number - 1] for number in sorted(parameters.get("weekdays", []))]
    return f"not on {_listed([*days, *written_days(parameters)])}"


def written_days(parameters: Mapping[str, Any]) -> list[str]:
    """The days of a calendar: '15 Aug' for each year, '8 Nov 2026' for once."""
    yearly = [date.fromisoformat(f"2024-{day}") for day in sorted(parameters.get("yearly", []))]
    once = [date.fromisoformat(day) for day in sorted(parameters.get("dates", []))]
    return [*(f"{day.day} {day:%b}" for day in yearly), *(f"{day.day} {day:%b %Y}" for day in once)]


def _cap(parameters: Mapping[str, Any]) -> str:
    parts = []
    if parameters.get("per_day") is not None:
        parts.append(f"{parameters['per_day']} a day")
    if parameters.get("per_week") is not None:
        parts.append(f"{parameters['per_week']} in seven days")
    return f"at most {_listed(parts)}"


def _place(parameters: Mapping[str, Any]) -> str:
    first = "the agreed place first" if parameters.get("needs_choice") else "where the borrower chose first"
    home, work = parameters.get("residence_after", 0), parameters.get("workplace_after", 0)
    return f"{first}, then the home after {_visits(home)}, then the place of work after {_visits(work)}"


def _visits(number: int) -> str:
    return "no failed visit" if number == 0 else f"{number} failed visit{'' if number == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_LIMITS = {
    "hold": _hold,
    "regional_hold": _regional,
    "open_promise": lambda _: "not about the debt while a promise is open",
    "contact_point": lambda _: "only to a number or address on file",
    "consent": _consent,
    "calendar": _calendar,
    "hours": lambda said: f"only {said['from']}–{said['to']}, the borrower's time",
    "avoided_hours": lambda _: "not in hours that the borrower asked to avoid",
    "visit_place": _place,
    "agent_notice": lambda _: "not before the borrower was told of the agent",
    "cap": _cap,
}
