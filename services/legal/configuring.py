"""How a lender handles legal actions: which kinds stop contact, when officers are reminded, lengths of the clocks."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import legal as queries
from services import audit, lender
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.legal.settling import derive
from services.legal.values import CLOCKS, KINDS, ReturnReason, Rule, Settings

_LENGTHS_AT_MOST = 1_000


def load(session: Session) -> Settings:
    """The settings, read in the caller's transaction."""
    row = queries.settings(session)
    return Settings(tuple(row.hold_kinds), row.alert_days)


def settings(actor: Actor) -> Settings:
    """The settings.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        return load(session)


def configure(actor: Actor, *, hold_kinds: Sequence[str], alert_days: int) -> None:
    """Change which kinds stop contact, and from how many days before the end of a clock officers are reminded.

    Actions that are open keep the hold that they opened with.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: a kind is unknown, or the days are not 1 to 60.
    """
    actor.require(Permission.SET_UP_LEGAL)
    kinds = [kind for kind in KINDS if kind in set(hold_kinds)]
    if len(kinds) != len(set(hold_kinds)):
        raise InvalidInput({"hold_kinds": "Choose among the kinds in the list."})
    if not 1 <= alert_days <= 60:
        raise InvalidInput({"alert_days": "Remind 1 to 60 days before the end of a clock."})
    with transaction() as session:
        before = load(session)
        queries.set_settings(session, hold_kinds=kinds, alert_days=alert_days)
        audit.record(
            session,
            actor,
            "legal.configured",
            subject=("legal_settings", 1),
            summary=f"set legal reminders to {alert_days} days and holds to {len(kinds)} kinds of action",
            before={"hold_kinds": list(before.hold_kinds), "alert_days": before.alert_days},
            after={"hold_kinds": kinds, "alert_days": alert_days},
        )


def rules(actor: Actor) -> tuple[Rule, ...]:
    """Lengths of the clocks as they hold today, with their source.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        today = lender.load(session).today
        newest = {(row.kind, row.clock): row for row in queries.rules(session) if row.effective_from <= today}
    order = {(kind, clock): place for place, (kind, clock) in enumerate((k, c) for k in KINDS for c in CLOCKS)}
    return tuple(_rule(newest[key]) for key in sorted(newest, key=order.__getitem__))


def _rule(row: AnyRow) -> Rule:
    return Rule(row.kind, row.clock, row.length, row.unit, row.effective_from, row.source)


def set_rule(actor: Actor, *, kind: str, clock: str, length: int, source: str, effective_from: date) -> None:
    """Set the length of a clock for bounces and openings from a day on; open actions of the kind follow at once.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: the kind has no such clock, the length cannot be, or no source is named.
    """
    actor.require(Permission.SET_UP_LEGAL)
    with transaction() as session:
        known = [row for row in queries.rules(session) if (row.kind, row.clock) == (kind, clock)]
        wrong: dict[str, str] = {}
        if not known:
            wrong["clock"] = "This kind has no such clock."
        if not 1 <= length <= _LENGTHS_AT_MOST:
            wrong["length"] = "A length is 1 or more."
        if not source.strip():
            wrong["source"] = "Name the section or the advice that says so."
        if wrong:
            raise InvalidInput(wrong)
        queries.insert_rule(
            session,
            kind=kind,
            clock=clock,
            length=length,
            unit=known[-1].unit,
            effective_from=effective_from,
            source=source.strip(),
            created_by=actor.id,
        )
        derive(session, queries.open_of_kind(session, kind))
        audit.record(
            session,
            actor,
            "legal.rule_set",
            subject=("legal_rule", f"{kind}.{clock}"),
            summary=f"set the {clock} clock of {KINDS[kind]} to {length} {known[-1].unit}",
            before={"length": known[-1].length, "effective_from": known[-1].effective_from.isoformat()},
            after={"length": length, "effective_from": effective_from.isoformat()},
            reason=source.strip(),
        )


def return_reasons(actor: Actor) -> tuple[ReturnReason, ...]:
    """Why instruments come back, with the kinds of action that each gives cause for.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        return tuple(_reason(row) for row in queries.return_reasons(session))


def _reason(row: AnyRow) -> ReturnReason:
    return ReturnReason(row.code, row.label, tuple(row.allows), row.source)


def code_of(rows: Sequence[AnyRow], words: str | None) -> str:
    """The return reason that a bank's words stand for; 'other' when none is known."""
    said = " ".join((words or "").lower().split())
    return next((str(row.code) for row in rows if said in row.words), "other")
