"""Allocation rules as rows of a table: their conditions in words, and to whom they give."""

from components import allocation_cached, languages, money
from components.tables import Column
from services import allocation
from services.actors import Actor
from services.allocation import WAYS, Rule, RuleChoices

COLUMNS = (
    Column("place", "#", "number", width=45, is_pinned=True),
    Column("name", "Rule", width="medium", is_pinned=True),
    Column("about", "Which cases", width=360),
    Column("target", "To whom", width=250),
    Column("way", "How", width=170),
    Column("is_enabled", "On", "flag", width=60),
)
"""Of a table of `row`s."""


def target_names(actor: Actor, choices: RuleChoices) -> dict[str, dict[int, str]]:
    """Names by id of all that a rule may give to: teams, agencies, people."""
    return {
        "team": choices.teams,
        "agency": {agency.id: agency.name for agency in allocation.agencies(actor)},
        "people": {worker.id: worker.name for worker in allocation_cached.workers(actor)},
    }


def row(place: int, rule: Rule, choices: RuleChoices, names: dict[str, dict[int, str]]) -> dict[str, object]:
    """A rule as a row; `place` counts from 1."""
    if rule.team_id is not None:
        target = f"Team {names['team'].get(rule.team_id, '?')}"
    elif rule.agency_id is not None:
        target = f"Agency {names['agency'].get(rule.agency_id, '?')}"
    else:
        target = ", ".join(names["people"].get(user, "someone who left") for user in rule.user_ids)
    return {
        "place": place,
        "name": rule.name,
        "about": about(rule, choices),
        "target": target,
        "way": WAYS[rule.way.value].capitalize(),
        "is_enabled": rule.is_enabled,
    }


def about(rule: Rule, choices: RuleChoices) -> str:
    """A rule's conditions in words: 'Hard, Recovery · West · 61 DPD and more'."""
    parts = [
        ", ".join(choices.stages.get(stage, stage) for stage in rule.stages),
        ", ".join(choices.products.get(product, "?") for product in rule.product_ids),
        ", ".join(rule.regions),
        ", ".join(map(languages.named, rule.languages)),
        ", ".join(f"risk {choices.risk_bands.get(band, '?').lower()}" for band in rule.risk_bands),
        _span(rule.min_dpd, rule.max_dpd, "DPD", str),
        _span(rule.min_overdue, rule.max_overdue, "overdue", money.full),
        _span(rule.min_outstanding, rule.max_outstanding, "outstanding", money.full),
    ]
    return " · ".join(part for part in parts if part) or "Every case"


def _span(low: object, high: object, what: str, write: object) -> str:
    if low is None and high is None:
        return ""
    written = [write(bound) if bound is not None else "" for bound in (low, high)]  # type: ignore[operator]
    if high is None:
        return f"{what} {written[0]} or more"
    return f"{what} up to {written[1]}" if low is None else f"{what} {written[0]}–{written[1]}"
