"""The limits of relief: reading and changing them."""

from dataclasses import asdict

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import hardship as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.hardship.values import Policy

_RANGES = {
    "max_holiday_months": (1, 24),
    "max_months": (1, 60),
    "open_days": (1, 120),
    "review_days": (1, 170),
}


def load_policy(session: Session) -> Policy:
    """The limits, read in the caller's transaction."""
    return Policy(**queries.policy(session)._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def current(actor: Actor) -> Policy:
    """The limits, for who applies for borrowers or changes settings.

    Raises:
        NotAllowed: the actor does neither.
    """
    if not actor.may(Permission.CONFIGURE):
        actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return load_policy(session)


def change(actor: Actor, policy: Policy, *, reason: str) -> None:
    """Set the limits of relief asked for from now on.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a limit cannot be, or the reason is missing.
    """
    actor.require(Permission.CONFIGURE)
    wrong = {
        name: f"Enter {low} to {high}."
        for name, (low, high) in _RANGES.items()
        if not low <= getattr(policy, name) <= high
    }
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
            "hardship_policy.changed",
            subject=("hardship_policy", 1),
            summary="changed the limits of hardship relief",
            before=asdict(before),
            after=asdict(policy),
            reason=reason.strip(),
        )
