"""The one gate: may this borrower be contacted over this channel now, and if not, by which rule and from when."""

from services.policy.asking import ask, ask_many, kept, lock_borrower, preview_channels, preview_many, zone_of
from services.policy.checks import GateAnswer
from services.policy.rules import PolicyRuleView, add, change, end, resume, rules, take_back

__all__ = [
    "GateAnswer",
    "PolicyRuleView",
    "add",
    "ask",
    "ask_many",
    "change",
    "end",
    "kept",
    "lock_borrower",
    "preview_channels",
    "preview_many",
    "resume",
    "rules",
    "take_back",
    "zone_of",
]
