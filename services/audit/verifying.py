"""Checking the trail against its seals, and saying where it first breaks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import audit as queries
from services.actors import Actor, Permission
from services.audit.recording import record
from services.wording import counted

SEALS_A_STEP = 20
"""200,000 events at most are hashed in one statement."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a check of the whole chain."""

    verified_at: datetime
    is_intact: bool
    seals: int
    events: int
    sealed_through: datetime | None
    """Moment of the newest event under a seal."""
    finding: str | None
    """Where the chain first breaks, and how; None when it holds."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far the trail is sealed, and the last check of it."""

    seals: int
    events: int
    unsealed: int
    sealed_through: datetime | None
    head: str | None
    """Hash of the newest seal: noted elsewhere, it proves later that nothing up to it was changed."""
    last: Verification | None


def verify(actor: Actor, *, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Recompute every digest and every seal, keep the result, and record that it was checked.

    Args:
        actor: who asks.
        progress: called with seals checked and seals in all.

    Raises:
        NotAllowed: the actor may not verify the trail.
    """
    actor.require(Permission.VERIFY_AUDIT)
    with reading(statement_timeout_ms=0) as session:
        state = queries.chain_state(session)
        finding = _first_break(session, progress) or _shortened(session, state)
    with transaction() as session:
        facts = {
            "is_intact": finding is None,
            "seals": state.seals,
            "events": int(state.events),
            "sealed_through": state.sealed_through,
            "finding": finding,
        }
        at = queries.insert_verification(session, verified_by=actor.id, **facts)
        outcome = "found the audit trail intact" if finding is None else "found the audit trail broken"
        record(
            session,
            actor,
            "audit.verified",
            subject=("audit_trail", state.seals),
            summary=f"{outcome}: {counted(int(state.events), 'event')} under {counted(state.seals, 'seal')}",
            after={"is_intact": finding is None, "finding": finding},
        )
    return Verification(verified_at=at, **facts)


def _shortened(session: Session, state: AnyRow) -> str | None:
    before = queries.most_sealed_before(session)
    if state.seals >= before.seals and state.events >= before.events:
        return None
    return (
        f"The chain has become shorter: an earlier check saw {counted(before.seals, 'seal')} over "
        f"{counted(before.events, 'event')}, now there are {state.seals:,} over {int(state.events):,}. Seals were "
        "removed from its end."
    )


def _first_break(session: Session, progress: Callable[[int, int], None] | None) -> str | None:
    ids = queries.seal_ids(session)
    for start in range(0, len(ids), SEALS_A_STEP):
        step = ids[start : start + SEALS_A_STEP]
        broken = queries.broken_link(session, step[0], step[-1])
        if broken is not None:
            return _sentence(broken)
        if progress is not None:
            progress(start + len(step), len(ids))
    return None


def _sentence(broken: AnyRow) -> str:
    events = f"events {broken.first_event_id} to {broken.last_event_id}"
    seal = f"seal {broken.seal_id} of {broken.sealed_at} UTC ({events})"
    if broken.found < broken.events:
        return (
            f"{broken.events - broken.found} of {counted(broken.events, 'event')} missing; first broken link: {seal}."
        )
    if broken.found > broken.events:
        return f"{counted(broken.found - broken.events, 'event')} slipped in; first broken link: {seal}."
    if broken.altered_event_id is not None:
        return f"Event {broken.altered_event_id} was changed after it was recorded; first broken link: {seal}."
    if broken.is_detached:
        return f"The link before it was removed or changed; first broken link: {seal}."
    return f"Its events, its time or its hash were changed; first broken link: {seal}."


def state(actor: Actor) -> ChainState:
    """How far the trail is sealed and what the last check found, for the head of the audit page.

    Raises:
        NotAllowed: the actor may not read the audit trail.
    """
    actor.require(Permission.VIEW_AUDIT)
    with reading() as session:
        chain = queries.chain_state(session)
        last = queries.last_verification(session)
    return ChainState(
        seals=chain.seals,
        events=int(chain.events),
        unsealed=chain.unsealed,
        sealed_through=chain.sealed_through,
        head=chain.head.hex() if chain.head else None,
        last=Verification(**last._mapping) if last else None,  # noqa: SLF001 - SQLAlchemy's public name
    )
