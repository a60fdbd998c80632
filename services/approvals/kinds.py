"""What each kind of request is about, and what its decision does. A capability registers its kind once, at import."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import import_module

from sqlalchemy.orm import Session

from services.actors import Actor

Fact = tuple[str, str | Decimal | date | None]
"""Label and value of something that a decider should know; amounts as Decimal, dates as date."""
Act = Callable[[Session, Actor, int], None]
"""(the decision's transaction, who decided, id of the subject). It raises a CollectionsError to stop the decision."""

CAPABILITIES: tuple[str, ...] = (
    "services.plans.approving",
    "services.settlements.approving",
    "services.hardship.approving",
    "services.legal.approving",
    "services.waivers",
)
"""Modules whose import registers a kind: whoever adds a kind adds its module here, so that every process knows it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A kind of request."""

    label: str
    """As screens say it: 'Settlement'."""
    on_approved: Act
    on_refused: Act
    on_withdrawn: Act | None = None
    facts: Callable[[Session, int], Sequence[Fact]] | None = None
    """What a decider should see of the subject, beside amount, percentage and reason."""


_OUTCOMES: dict[str, Outcome] = {}


def register(kind: str, outcome: Outcome) -> None:
    """Make a kind known. Registering it again, as a reload does, replaces it."""
    _OUTCOMES[kind] = outcome


def outcome_of(kind: str) -> Outcome:
    """What the decision of a kind does.

    Raises:
        LookupError: no capability registered the kind.
    """
    _load()
    if kind not in _OUTCOMES:
        raise LookupError(f"No capability registered requests of the kind {kind!r}: see CAPABILITIES.")
    return _OUTCOMES[kind]


def facts_of(session: Session, kind: str, subject_id: int) -> tuple[Fact, ...]:
    """What a decider should see of a subject; nothing for a kind that tells nothing, or is no longer known."""
    _load()
    known = _OUTCOMES.get(kind)
    return tuple(known.facts(session, subject_id)) if known is not None and known.facts is not None else ()


def label_of(kind: str) -> str:
    """The kind's name on screens; a kind that nobody registered shows its code."""
    _load()
    known = _OUTCOMES.get(kind)
    return known.label if known else kind.replace("_", " ").capitalize()


def labels() -> dict[str, str]:
    """Label by kind, of all kinds."""
    _load()
    return {kind: _OUTCOMES[kind].label for kind in sorted(_OUTCOMES)}


def _load() -> None:
    for module in CAPABILITIES:
        import_module(module)
