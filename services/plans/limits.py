"""The lender's limits of plans: reading and changing them."""

from dataclasses import asdict
from decimal import Decimal

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import plans as queries
from services import audit, money
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.plans.values import Limits


def load_limits(session: Session) -> Limits:
    """The limits, read in the caller's transaction."""
    row = queries.limits(session)
    return Limits(**{name.removeprefix("plan_"): value for name, value in row._mapping.items()})  # noqa: SLF001 - public


def current_limits(actor: Actor) -> Limits:
    """The limits, for who makes plans or settings.

    Raises:
        NotAllowed: the actor may not see borrowers, nor change settings.
    """
    if not actor.may(Permission.CONFIGURE):
        actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return load_limits(session)


def change_limits(actor: Actor, limits: Limits, *, reason: str) -> None:
    """Set the limits of plans made from now on; grace and break days hold at once for all plans that run.

    Plans that run are derived by the new days at the next close, or when a fact about their loan arrives.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a limit cannot be, or the reason is missing.
    """
    actor.require(Permission.CONFIGURE)
    _check(limits, reason)
    with transaction() as session:
        before = load_limits(session)
        if before == limits:
            return
        queries.change_limits(session, {f"plan_{name}": value for name, value in asdict(limits).items()})
        audit.record(
            session,
            actor,
            "plan_limits.changed",
            subject=("lender", 1),
            summary="changed the limits of repayment plans",
            before=_written(before),
            after=_written(limits),
            reason=reason.strip(),
        )


def _written(limits: Limits) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(limits).items()}


def _check(limits: Limits, reason: str) -> None:
    wrong: dict[str, str] = {}
    if not 0 <= limits.grace_days <= 365:
        wrong["grace_days"] = "Grace is 0 days or more."
    if not limits.grace_days < limits.break_days <= 365:
        wrong["break_days"] = "A plan breaks later than its grace ends, within 365 days."
    for name, months in (("max_months", limits.max_months), ("restructure_months", limits.restructure_months)):
        if not 1 <= months <= 120:
            wrong[name] = "Enter 1 to 120 months."
    if not 1 <= limits.max_share <= 100:
        wrong["max_share"] = "Enter 1 to 100 percent: a plan never takes more than the borrower has left."
    for name, amount in (("min_instalment", limits.min_instalment), ("agent_amount", limits.agent_amount)):
        if amount < 0 or amount != money.quantize(amount) or amount > Decimal(10) ** 13:
            wrong[name] = "Enter an amount of zero or more, with at most two decimals."
    if not reason.strip():
        wrong["reason"] = "Say why the limits change."
    if wrong:
        raise InvalidInput(wrong)
