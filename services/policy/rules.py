"""The rules themselves: what is in force, and switching one on or off."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from db.engine import reading, transaction
from db.queries import policy as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import NotFound


@dataclass(frozen=True, slots=True)
class PolicyRuleView:
    """A rule of the gate with where it comes from."""

    id: int
    rule: str
    source: str
    parameters: dict[str, Any]
    severity: str
    effective_from: date
    effective_to: date | None
    is_enabled: bool


def rules(actor: Actor) -> list[PolicyRuleView]:
    """Every rule, in force or not.

    Raises:
        NotAllowed: the actor may not see them.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        return [PolicyRuleView(**row._mapping) for row in queries.all_rules(session)]  # noqa: SLF001 - public by docs


def switch(actor: Actor, rule_id: int, *, is_enabled: bool, reason: str) -> None:
    """Switch a rule on or off, such as one that the lender has verified.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such rule.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        if not queries.set_enabled(session, rule_id, is_enabled=is_enabled):
            raise NotFound("There is no such rule.")
        audit.record(
            session,
            actor,
            "policy_rule.switched",
            subject=("policy_rule", rule_id),
            summary=f"switched policy rule {rule_id} {'on' if is_enabled else 'off'}",
            reason=reason,
        )
