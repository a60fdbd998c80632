"""Stages of cases: rules in versions that a leader edits, a dry run before they hold, and their application."""

from services.stages.applying import apply
from services.stages.checking import MOST_RULES, check, notes
from services.stages.rules import Rule, RuleSet
from services.stages.trying import Outcome, Sample, Way, try_out
from services.stages.versions import (
    FURTHEST_DAYS,
    StageCount,
    StageVersion,
    State,
    Strategy,
    counts,
    save,
    view,
    withdraw,
)

__all__ = [
    "FURTHEST_DAYS",
    "MOST_RULES",
    "Outcome",
    "Rule",
    "RuleSet",
    "Sample",
    "StageCount",
    "StageVersion",
    "State",
    "Strategy",
    "Way",
    "apply",
    "check",
    "counts",
    "notes",
    "save",
    "try_out",
    "view",
    "withdraw",
]
