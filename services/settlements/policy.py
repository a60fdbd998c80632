"""The lender's policy of settlements, and what loans bring without one: reading and changing them."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import settlements as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.settlements.values import Expectation, Policy

_RANGES = {
    "grace_days": (0, 60, "Grace is 0 to 60 days."),
    "discount_percent": (0, 100, "The discount is 0 to 100 percent a year."),
    "restructure_months": (1, 60, "Enter 1 to 60 months."),
    "max_months": (1, 60, "Enter 1 to 60 months."),
    "cooling_months": (0, 120, "Enter 0 to 120 months."),
    "valid_days": (1, 180, "Enter 1 to 180 days."),
}


def load_policy(session: Session) -> Policy:
    """The policy, read in the caller's transaction."""
    return Policy(**queries.policy(session)._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def load_expectations(session: Session) -> tuple[Expectation, ...]:
    """What is expected without a settlement, by days past due, lowest first."""
    return tuple(Expectation(**row._mapping) for row in queries.expectations(session))  # noqa: SLF001


def current(actor: Actor) -> tuple[Policy, tuple[Expectation, ...]]:
    """Policy and expectations, for who makes offers, reads them, or changes settings.

    Raises:
        NotAllowed: the actor does none of it.
    """
    if not actor.may(Permission.CONFIGURE):
        actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        return load_policy(session), load_expectations(session)


def change(actor: Actor, policy: Policy, lines: Sequence[Expectation], *, reason: str) -> None:
    """Set policy and expectations for offers made from now on; grace holds at once for all that run.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a figure cannot be, or the reason is missing.
    """
    actor.require(Permission.CONFIGURE)
    _check(policy, lines, reason)
    wanted = tuple(sorted(lines, key=lambda line: line.dpd_from))
    with transaction() as session:
        before, lines_before = load_policy(session), load_expectations(session)
        if (before, lines_before) == (policy, wanted):
            return
        queries.change_policy(session, asdict(policy))
        queries.replace_expectations(session, [asdict(line) for line in wanted])
        audit.record(
            session,
            actor,
            "settlement_policy.changed",
            subject=("settlement_policy", 1),
            summary="changed the policy of settlements",
            before=_written(before, lines_before),
            after=_written(policy, wanted),
            reason=reason.strip(),
        )


def _written(policy: Policy, lines: Sequence[Expectation]) -> dict[str, object]:
    values: dict[str, object] = {name: str(value) for name, value in asdict(policy).items()}
    return values | {"expected": [[str(value) for value in asdict(line).values()] for line in lines]}


def _check(policy: Policy, lines: Sequence[Expectation], reason: str) -> None:
    wrong = {
        name: sentence for name, (low, high, sentence) in _RANGES.items() if not low <= getattr(policy, name) <= high
    }
    starts = [line.dpd_from for line in lines]
    if not starts or min(starts) != 0 or len(set(starts)) != len(starts):
        wrong["lines"] = "The lines begin at 0 days past due, each at a day of its own."
    for line in lines:
        shares = (line.secured_percent, line.unsecured_percent)
        if any(not 0 <= share <= 100 or share != share.quantize(Decimal("0.01")) for share in shares):
            wrong["lines"] = "Shares are 0 to 100 percent, with at most two decimals."
        elif not 0 <= line.months <= 240 or line.dpd_from > 32_000:
            wrong["lines"] = "Months are 0 to 240."
    if not reason.strip():
        wrong["reason"] = "Say why the policy changes, such as the board's decision and its date."
    if wrong:
        raise InvalidInput(wrong)
