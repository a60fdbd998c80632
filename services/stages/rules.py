"""What stage rules are: an ordered list of conditions, each with the stage it gives, and a stage for all the rest."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from db.base import AnyRow
from db.queries import stage_rules as queries


@dataclass(frozen=True, slots=True)
class Rule:
    """A stage, and which cases it is for: all conditions must hold, one that is None or empty asks nothing."""

    stage: str
    min_dpd: int | None = None
    max_dpd: int | None = None
    """Days past due of the worst loan, both ends included."""
    min_overdue: Decimal | None = None
    below_overdue: Decimal | None = None
    """Overdue on all loans of the borrower: `min_overdue` or more, less than `below_overdue`."""
    risk_bands: tuple[int, ...] = ()
    """Of the riskiest loan; 0: not scored."""
    product_ids: tuple[int, ...] = ()
    """Of the worst loan."""
    is_npa: bool | None = None
    """Whether any loan of the borrower is non-performing."""

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing, and so takes every case."""
        return self == Rule(self.stage)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in their order: the first that matches decides; a case that none matches gets the default stage."""

    rules: tuple[Rule, ...]
    default_stage: str

    def stored(self, version: int = 0) -> queries.Rules:
        """As statements take it."""
        return queries.Rules(
            [_stored(rule, place) for place, rule in enumerate(self.rules, 1)], self.default_stage, version
        )

    def as_json(self) -> dict[str, Any]:
        """As the audit trail keeps it: only the conditions that ask something."""
        rules = [
            {name: value for name, value in _stored(rule, place).items() if value is not None}
            for place, rule in enumerate(self.rules, 1)
        ]
        return {"rules": rules, "default_stage": self.default_stage}


def _stored(rule: Rule, position: int) -> dict[str, Any]:
    values = asdict(rule) | {"position": position}
    for name in ("min_overdue", "below_overdue"):
        values[name] = None if values[name] is None else str(values[name])
    for name in ("risk_bands", "product_ids"):
        values[name] = list(values[name]) or None
    return values


def read(row: AnyRow) -> Rule:
    """A rule from its row."""
    values = {name: getattr(row, name) for name in Rule.__slots__}
    listed = {"risk_bands": tuple(row.risk_bands or ()), "product_ids": tuple(row.product_ids or ())}
    return Rule(**values | listed)
