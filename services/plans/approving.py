"""Plans that need another person's yes: what changes the loan (IN-16), and what is above an agent's amount."""

from sqlalchemy.orm import Session

from services.actors import Actor
from services.errors import Refused
from services.plans.values import APPROVAL_REASONS, Agreed, Plan


def ask(session: Session, actor: Actor, plan_id: int, agreed: Agreed) -> None:
    """Refuse what needs approval.

    Raises:
        Refused: always; approvals are not there.
    """
    reasons = "; ".join(APPROVAL_REASONS[code] for code in agreed.assessment.approval_reasons)
    raise Refused(f"This plan needs approval: {reasons}. Agree on smaller terms.")


def withdraw(session: Session, actor: Actor, plan: Plan, reason: str) -> None:
    """Close the request that waits about a plan, when the plan is cancelled before it is decided."""
