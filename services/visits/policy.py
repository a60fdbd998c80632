"""The limits of field work: reading and changing them."""

from dataclasses import asdict
from decimal import Decimal

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import visits as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.visits.values import Policy

_RANGES = {
    "near_metres": (20, 10_000),
    "visits_per_day": (1, 60),
    "plan_days": (1, 90),
    "deposit_days": (0, 30),
}
_AMOUNTS = ("cash_per_day", "cash_in_hand")


def load_policy(session: Session) -> Policy:
    """The limits, read in the caller's transaction."""
    return Policy(**queries.policy(session)._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def current(actor: Actor) -> Policy:
    """The limits, for who works in the field or changes settings.

    Raises:
        NotAllowed: the actor does neither.
    """
    if not actor.may(Permission.CONFIGURE):
        actor.require(Permission.MAKE_VISITS)
    with reading() as session:
        return load_policy(session)


def near_metres() -> int:
    """From how far a check-in is marked. Holds no personal data: any signed-in actor may know it."""
    with reading() as session:
        return load_policy(session).near_metres


def change(actor: Actor, policy: Policy, *, reason: str) -> None:
    """Set the limits of field work from now on.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a limit cannot be, or the reason is missing.
    """
    actor.require(Permission.CONFIGURE)
    wrong = {
        name: f"Enter {low:,} to {high:,}."
        for name, (low, high) in _RANGES.items()
        if not low <= getattr(policy, name) <= high
    }
    wrong |= {name: "Enter an amount above zero." for name in _AMOUNTS if getattr(policy, name) <= 0}
    if not reason.strip():
        wrong["reason"] = "Say why the limits change."
    if wrong:
        raise InvalidInput(wrong)
    with transaction() as session:
        before = load_policy(session)
        if before == policy:
            return
        queries.change_policy(session, asdict(policy))
        audit.record(
            session,
            actor,
            "field_policy.changed",
            subject=("field_policy", 1),
            summary="changed the limits of field work",
            before=_written(before),
            after=_written(policy),
            reason=reason.strip(),
        )


def _written(policy: Policy) -> dict[str, int | str]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(policy).items()}
