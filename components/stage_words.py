"""Stage rules in words: what a rule asks, and what one version changed of another."""

from collections.abc import Mapping
from difflib import SequenceMatcher

from components import money
from services.cases import ALL_STAGES
from services.scoring import BANDS
from services.stages import Rule, RuleSet

Products = Mapping[int, str]


def stage(code: str) -> str:
    """The stage as screens say it."""
    return ALL_STAGES.get(code, code)


def rule(asked: Rule, products: Products) -> str:
    """'31–60 days past due, overdue ₹25,000 or more, product Gold → Mid'."""
    parts = [
        _days(asked),
        _overdue(asked),
        _either("risk", [BANDS[band].lower() for band in asked.risk_bands if band in BANDS]),
        _either("product", [products.get(key, "no longer there") for key in asked.product_ids]),
        {True: "NPA", False: "not NPA", None: ""}[asked.is_npa],
    ]
    return f"{', '.join(part for part in parts if part)} → {stage(asked.stage)}"


def _days(asked: Rule) -> str:
    low, high = asked.min_dpd, asked.max_dpd
    if low is None and high is None:
        return ""
    if high is None:
        return f"{low} or more days past due"
    if low is None:
        return f"up to {high} days past due"
    return f"{low} days past due" if low == high else f"{low}–{high} days past due"


def _overdue(asked: Rule) -> str:
    least, below = asked.min_overdue, asked.below_overdue
    if least is None and below is None:
        return ""
    if below is None:
        return f"overdue {money.full(least)} or more"
    if least is None:
        return f"overdue less than {money.full(below)}"
    return f"overdue {money.full(least)} or more and less than {money.full(below)}"


def _either(what: str, options: list[str]) -> str:
    return f"{what} {' or '.join(options)}" if options else ""


def lines(rules: RuleSet, products: Products) -> list[str]:
    """A line a rule, in their order, and one for all other cases."""
    numbered = [rule(asked, products) for asked in rules.rules]
    return [*numbered, f"all other cases → {stage(rules.default_stage)}"]


def changes(before: RuleSet, after: RuleSet, products: Products) -> list[str]:
    """What was added and removed, in words; a rule that was moved is told as moved."""
    old, new = lines(before, products), lines(after, products)
    added, removed = [], []
    for how, first, last, start, end in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if how != "equal":
            removed += old[first:last]
            added += new[start:end]
    moved = [line for line in added if line in removed]
    told = [f"Added: {line}" for line in added if line not in moved]
    told += [f"Removed: {line}" for line in removed if line not in moved]
    return told + [f"Moved to place {new.index(line) + 1}: {line}" for line in moved]
