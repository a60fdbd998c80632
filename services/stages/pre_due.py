"""The stage before anything is overdue: from when before an instalment, and of which risk, borrowers are called.

Such a case opens by itself when an instalment is near, becomes an overdue one by itself the day after it fell due, and
closes when it is paid. It is no delinquency: nothing counts it as overdue, worked, cured or rolled.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from db.engine import reading, transaction
from db.queries import cases as queries
from db.queries import lender as lender_queries
from services import audit, lender
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.scoring import BANDS

MOST_DAYS: Final = 15


@dataclass(frozen=True, slots=True)
class PreDue:
    """Who is called before an instalment."""

    days: int
    """From so many days before it; 0: nobody."""
    bands: tuple[int, ...]
    """Risk bands of the loan; empty: all."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a setting would bring today."""

    borrowers: int
    amount: Decimal
    """That falls due from them."""


def current(actor: Actor) -> PreDue:
    """The setting in force.

    Raises:
        NotAllowed: the actor may not see strategy.
    """
    actor.require(Permission.VIEW_STRATEGY)
    settings = lender.current()
    return PreDue(settings.pre_due_days, settings.pre_due_bands)


def try_out(actor: Actor, wanted: PreDue) -> Trial:
    """How many borrowers would be in the stage today.

    Raises:
        NotAllowed: the actor may not see strategy.
        InvalidInput: the days or bands cannot be.
    """
    actor.require(Permission.VIEW_STRATEGY)
    _check(wanted)
    if not wanted.days:
        return Trial(0, Decimal(0))
    with reading() as session:
        as_of = lender.load(session).today
        row = queries.pre_due_borrowers(session, as_of=as_of, pre_due=queries.PreDue(wanted.days, wanted.bands))
        return Trial(row.borrowers, row.amount)


def change(actor: Actor, wanted: PreDue, *, reason: str) -> None:
    """Set who is called before an instalment: cases open and close by it from the next day-end close.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: the days or bands cannot be, or no reason is given.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    _check(wanted, reason=reason)
    with transaction() as session:
        before = lender.load(session)
        if (before.pre_due_days, before.pre_due_bands) == (wanted.days, wanted.bands):
            return
        lender_queries.set_pre_due(session, days=wanted.days, bands=wanted.bands)
        audit.record(
            session,
            actor,
            "setting.changed",
            subject=("lender", "pre_due"),
            summary=_said(wanted),
            before={"days": before.pre_due_days, "bands": list(before.pre_due_bands)},
            after={"days": wanted.days, "bands": list(wanted.bands)},
            reason=reason.strip(),
        )


def _said(wanted: PreDue) -> str:
    if not wanted.days:
        return "calls nobody before an instalment any more"
    return f"calls borrowers from {wanted.days} days before an instalment"


def _check(wanted: PreDue, *, reason: str | None = None) -> None:
    wrong = {}
    if not 0 <= wanted.days <= MOST_DAYS:
        wrong["days"] = f"Choose 0 to {MOST_DAYS} days; 0 calls nobody."
    if not _are_bands(wanted.bands):
        wrong["bands"] = "Choose risk bands of the list."
    if reason is not None and not reason.strip():
        wrong["reason"] = "Say why it changes."
    if wrong:
        raise InvalidInput(wrong)


def _are_bands(bands: Collection[int]) -> bool:
    return set(bands) <= BANDS.keys()
