"""Whether a set of rules can hold: each rule makes sense alone, and some case can reach it past those before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from services.cases import STAGES
from services.errors import InvalidInput
from services.scoring import BANDS
from services.stages.rules import Rule, RuleSet

MOST_RULES = 30
MOST_DPD = 10_000
_NO_END: Final = Decimal("Infinity")
_OTHER_PRODUCTS = 0
"""Stands for every product that no rule names; ids of products begin at 1."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Cases by their facts: ranges are half-open, sets are listed."""

    dpd: tuple[int, int]
    overdue: tuple[Decimal, Decimal]
    bands: frozenset[int]
    products: frozenset[int]
    classes: frozenset[bool]


def check(wanted: RuleSet, *, product_ids: Collection[int]) -> None:
    """Refuse rules that contradict themselves, or that no case can reach.

    Args:
        wanted: the rules.
        product_ids: the products that there are.

    Raises:
        InvalidInput: by 'rule.N' and 'default_stage', each with its sentence.
    """
    wrong: dict[str, str] = {}
    if wanted.default_stage not in STAGES:
        wrong["default_stage"] = "Choose the stage of cases that no rule matches."
    if len(wanted.rules) > MOST_RULES:
        wrong["rules"] = f"There are {len(wanted.rules)} rules; at most {MOST_RULES} can be kept apart. Join some."
    for number, rule in enumerate(wanted.rules, 1):
        if sentence := _alone(rule, product_ids):
            wrong[f"rule.{number}"] = f"Rule {number}: {sentence}"
    if not wrong:
        wrong = _unreachable(wanted)
    if wrong:
        raise InvalidInput(wrong)


def _alone(rule: Rule, product_ids: Collection[int]) -> str | None:
    """What is wrong with a rule by itself."""
    low, high = rule.min_dpd, rule.max_dpd
    least, below = rule.min_overdue, rule.below_overdue
    if rule.stage not in STAGES:
        return "choose its stage."
    if rule.is_empty:
        return "it asks nothing, so it would take every case. Give it a condition, or use the stage of all other cases."
    if any(days is not None and not 0 <= days <= MOST_DPD for days in (low, high)):
        return f"days past due are between 0 and {MOST_DPD:,}."
    if low is not None and high is not None and low > high:
        return f"days past due from {low} to {high} is no range; the first must not be greater."
    if any(amount is not None and amount < 0 for amount in (least, below)):
        return "an overdue amount is not less than 0."
    if below is not None and below <= (least or 0):
        return f"no overdue amount is {least or 0:,} or more and less than {below:,}."
    if not set(rule.risk_bands) <= BANDS.keys():
        return "choose risk bands of the list."
    if not set(rule.product_ids) <= set(product_ids):
        return "a product of it is not there any more; choose products of the list."
    return None


def _unreachable(wanted: RuleSet) -> dict[str, str]:
    """Rules before which others have taken every case that they could match."""
    named = _products(wanted)
    wrong = {}
    for place, rule in enumerate(wanted.rules):
        left = [_box(rule, named)]
        takers = []
        for number, earlier in enumerate(wanted.rules[:place], 1):
            rest = _without(left, _box(earlier, named))
            if rest != left:
                takers.append(number)
            left = rest
        if not left:
            wrong[f"rule.{place + 1}"] = (
                f"Rule {place + 1} can never decide: {_listed(takers)} before it "
                f"{'takes' if len(takers) == 1 else 'take'} every case that it matches. Move it up, or remove it."
            )
    return wrong


def notes(wanted: RuleSet) -> list[str]:
    """What a leader should know of rules that can hold: which overlap, and whether the default is ever reached."""
    named = _products(wanted)
    boxes = [_box(rule, named) for rule in wanted.rules]
    found = []
    for place, rule in enumerate(wanted.rules):
        first = [
            number
            for number, (earlier, box) in enumerate(zip(wanted.rules[:place], boxes[:place], strict=True), 1)
            if earlier.stage != rule.stage and _common(box, boxes[place]) is not None
        ]
        if first:
            found.append(
                f"Rule {place + 1} overlaps with {_listed(first)}: for cases that both match the first decides."
            )
    left = [_box(Rule(wanted.default_stage), named)]
    for box in boxes:
        left = _without(left, box)
    if not left:
        found.append("The rules take every case, so the stage of all other cases is never used.")
    return found


def _listed(numbers: Sequence[int]) -> str:
    words = [str(number) for number in numbers]
    if len(words) == 1:
        return f"rule {words[0]}"
    return f"rules {', '.join(words[:-1])} and {words[-1]}"


def _products(wanted: RuleSet) -> frozenset[int]:
    return frozenset({_OTHER_PRODUCTS, *(product for rule in wanted.rules for product in rule.product_ids)})


def _box(rule: Rule, products: frozenset[int]) -> _Box:
    return _Box(
        dpd=(rule.min_dpd or 0, MOST_DPD + 1 if rule.max_dpd is None else rule.max_dpd + 1),
        overdue=(rule.min_overdue or Decimal(0), _NO_END if rule.below_overdue is None else rule.below_overdue),
        bands=frozenset(rule.risk_bands or BANDS),
        products=frozenset(rule.product_ids) or products,
        classes=frozenset({True, False} if rule.is_npa is None else {rule.is_npa}),
    )


def _common(one: _Box, other: _Box) -> _Box | None:
    """The cases in both; None when there are none."""
    both = _Box(
        dpd=(max(one.dpd[0], other.dpd[0]), min(one.dpd[1], other.dpd[1])),
        overdue=(max(one.overdue[0], other.overdue[0]), min(one.overdue[1], other.overdue[1])),
        bands=one.bands & other.bands,
        products=one.products & other.products,
        classes=one.classes & other.classes,
    )
    is_empty = both.dpd[0] >= both.dpd[1] or both.overdue[0] >= both.overdue[1]
    return None if is_empty or not (both.bands and both.products and both.classes) else both


def _without(boxes: Sequence[_Box], taken: _Box) -> list[_Box]:
    """The cases of the boxes that are not in `taken`, as boxes that do not overlap."""
    return [piece for box in boxes for piece in _cut(box, taken)]


def _cut(box: _Box, taken: _Box) -> list[_Box]:
    middle = _common(box, taken)
    if middle is None:
        return [box]
    pieces = []
    rest = box
    for name in ("dpd", "overdue"):
        (low, high), (first, last) = getattr(rest, name), getattr(middle, name)
        pieces += [_with(rest, name, part) for part in ((low, first), (last, high)) if part[0] < part[1]]
        rest = _with(rest, name, (first, last))
    for name in ("bands", "products", "classes"):
        if outside := getattr(rest, name) - getattr(middle, name):
            pieces.append(_with(rest, name, outside))
        rest = _with(rest, name, getattr(middle, name))
    return pieces


def _with(box: _Box, name: str, value: Any) -> _Box:
    changed: dict[str, Any] = {name: value}
    return replace(box, **changed)
