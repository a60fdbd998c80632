"""Outcome codes as a maintained table: added, reworded, ordered, retired. A code that was used keeps its meaning."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import dispositions as queries
from services import audit, cases, holds, lender
from services.actors import Actor, Permission
from services.contacts.values import CHANNELS, DIRECTIONS
from services.errors import InvalidInput, NotFound, Refused

QUICK_AT_MOST: Final = 8
"""Buttons with a key: 1 to 8."""
COUNTS_AS: Final = {
    "right_party": "Right party reached",
    "connected": "Somebody else reached",
    "no_contact": "Nobody reached",
}
"""What a code counts as in Performance. It never changes: what was reported would change with it."""
NEEDS: Final = {"promise": "Promise to pay", "follow_up": "Follow-up date", "hold": "Hold", "note": "Note"}
"""What the form asks for next."""
_USES_DAYS = 30


@dataclass(frozen=True, slots=True)
class Terms:
    """What a leader says of a code. Code and `counts_as` are fixed once it is added."""

    label: str
    requires: tuple[str, ...] = ()
    """Keys of `NEEDS`."""
    hold_kind: str | None = None
    """The kind of hold, where one is required."""
    next_action: str | None = None
    """Key of `cases.ACTIONS`: what the case waits for afterwards."""
    channels: tuple[str, ...] = ()
    """Empty: any."""
    direction: str | None = None
    """None: either."""
    is_quick: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An outcome code as it stands."""

    code: str
    counts_as: str
    """Key of `COUNTS_AS`."""
    terms: Terms
    position: int
    active_from: date
    active_to: date | None
    """First day on which it is offered no more."""
    is_system: bool
    """Written by automated messages: not offered, never retired."""
    uses: int
    """Contacts of the last 30 days that have it."""

    def is_retired(self, day: date) -> bool:
        """Whether it is offered no more on a day."""
        return self.active_to is not None and self.active_to <= day

    def is_active(self, day: date) -> bool:
        """Whether it is offered on a day."""
        return self.active_from <= day and (self.active_to is None or day < self.active_to)


def all_codes(actor: Actor) -> tuple[Code, ...]:
    """Every code in its order, retired ones too.

    Raises:
        NotAllowed: the actor may not see strategy.
    """
    actor.require(Permission.VIEW_STRATEGY)
    with reading() as session:
        since = datetime.combine(lender.load(session).today - timedelta(days=_USES_DAYS), time(0), UTC)
        uses = queries.uses(session, since)
        return tuple(_code(row, uses.get(row.code, 0)) for row in queries.all_codes(session))


def add(actor: Actor, code: str, *, counts_as: str, terms: Terms, on: date | None = None) -> None:
    """Add a code, offered from a day on (today, unless said), at the end of the order.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: the code is there already or malformed, the day is past, or its fields do not go together.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        queries.lock(session)
        today = lender.load(session).today
        wrong = _wrong_code(session, code) | _wrong(session, code, counts_as, terms, today)
        if on is not None and on < today:
            wrong["on"] = "The day is past; choose today or later."
        if wrong:
            raise InvalidInput(wrong)
        queries.insert_code(session, code=code, active_from=on or today, **_meaning(counts_as), **_columns(terms))
        _record(session, actor, code, "outcome_code.added", f"added the outcome code “{terms.label}”", after=terms)


def change(actor: Actor, code: str, *, terms: Terms, reason: str) -> None:
    """Reword a code, or change what its form asks for from now on; what it counts as stays.

    Raises:
        NotAllowed: the actor may not change strategy.
        NotFound: there is no such code.
        InvalidInput: no reason, or its fields do not go together.
        Refused: it is the system's own.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        before = _changeable(session, code, reason)
        today = lender.load(session).today
        if wrong := _wrong(session, code, before.counts_as, terms, today):
            raise InvalidInput(wrong)
        queries.change(session, code, **_columns(terms))
        summary = f"changed the outcome code “{before.terms.label}”"
        _record(session, actor, code, "outcome_code.changed", summary, before=before.terms, after=terms, reason=reason)


def retire(actor: Actor, code: str, *, reason: str, on: date | None = None) -> None:
    """Offer a code no more from a day on (today, unless said); contacts that have it keep it.

    Raises:
        NotAllowed, NotFound: as `change`.
        InvalidInput: no reason, or the day is past.
        Refused: it is the system's own, or retired already.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        before = _changeable(session, code, reason)
        today = lender.load(session).today
        day = on or today
        if day < today:
            raise InvalidInput({"on": "The day is past; choose today or later."})
        if before.active_to is not None and before.active_to <= today:
            raise Refused(f"“{before.terms.label}” is retired already.")
        queries.change(session, code, active_to=max(day, before.active_from))
        summary = f"retired the outcome code “{before.terms.label}” from {day:%-d %b %Y}"
        _record(session, actor, code, "outcome_code.retired", summary, reason=reason)


def restore(actor: Actor, code: str, *, reason: str) -> None:
    """Offer a retired code again.

    Raises:
        NotAllowed, NotFound, InvalidInput: as `change`.
        Refused: it is in use, or eight others have become quick ones since.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        before = _changeable(session, code, reason)
        today = lender.load(session).today
        if before.active_to is None:
            raise Refused(f"“{before.terms.label}” is in use.")
        is_quick = before.terms.is_quick and queries.quick_count(session, today, but=code) < QUICK_AT_MOST
        queries.change(session, code, active_to=None, is_quick=is_quick)
        summary = f"took the outcome code “{before.terms.label}” into use again"
        _record(session, actor, code, "outcome_code.restored", summary, reason=reason)


def move(actor: Actor, code: str, *, places: int) -> None:
    """Move a code up (negative) or down in the order in which forms offer them.

    Raises:
        NotAllowed: the actor may not change strategy.
        NotFound: there is no such code.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        queries.lock(session)
        order = [row.code for row in queries.all_codes(session)]
        if code not in order:
            raise NotFound("There is no such outcome code.")
        before = order.index(code)
        after = min(max(before + places, 0), len(order) - 1)
        order.insert(after, order.pop(before))
        queries.reorder(session, order)
        audit.record(
            session,
            actor,
            "outcome_code.moved",
            subject=("outcome_code", code),
            summary=f"moved the outcome code “{code}” from place {before + 1} to {after + 1}",
            before={"place": before + 1},
            after={"place": after + 1},
        )


def _changeable(session: Session, code: str, reason: str) -> Code:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why it changes."})
    queries.lock(session)
    row = queries.code(session, code)
    if row is None:
        raise NotFound("There is no such outcome code.")
    if row.is_system:
        raise Refused("Automated messages write this code; it stays as it is.")
    return _code(row, 0)


def _wrong_code(session: Session, code: str) -> dict[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", code):
        return {"code": "Use 2 to 40 small letters, digits and underscores, a letter first, such as “asks_for_time”."}
    if queries.code(session, code) is not None:
        return {"code": "This code is there already, in use or retired. Change that one, or choose another word."}
    return {}


def _wrong(session: Session, code: str, counts_as: str, terms: Terms, today: date) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 2 <= len(terms.label.strip()) <= 60:
        wrong["label"] = "Write 2 to 60 letters: what the button says."
    if counts_as not in COUNTS_AS:
        wrong["counts_as"] = "Choose what it counts as."
    if set(terms.requires) - NEEDS.keys():
        wrong["requires"] = "Choose from the list what the form asks for."
    elif "promise" in terms.requires and counts_as != "right_party":
        wrong["requires"] = "Only the right party can promise; choose “Right party reached”, or ask for no promise."
    if ("hold" in terms.requires) != (terms.hold_kind is not None) or terms.hold_kind not in {None, *holds.KINDS}:
        wrong["hold_kind"] = "Choose the kind of hold that it asks for, and none if it asks for no hold."
    if terms.next_action not in {None, *cases.ACTIONS}:
        wrong["next_action"] = "Choose a next action from the list."
    if set(terms.channels) - CHANNELS.keys() or terms.direction not in {None, *DIRECTIONS}:
        wrong["channels"] = "Choose channels and direction from the lists."
    elif counts_as == "no_contact" and terms.direction == "inbound":
        wrong["direction"] = "Who contacts us was reached; a code for nobody reached is for our own contacts."
    if terms.is_quick and queries.quick_count(session, today, but=code) >= QUICK_AT_MOST:
        wrong["is_quick"] = f"{QUICK_AT_MOST} codes are quick buttons already. Take one of them out first."
    return wrong


def _code(row: AnyRow, uses: int) -> Code:
    counts_as = "right_party" if row.is_right_party else "connected" if row.is_connected else "no_contact"
    terms = Terms(
        label=row.label,
        requires=tuple(row.requires),
        hold_kind=row.hold_kind,
        next_action=row.next_action,
        channels=tuple(row.channels),
        direction=row.direction,
        is_quick=row.is_quick,
    )
    return Code(row.code, counts_as, terms, row.position, row.active_from, row.active_to, row.is_system, uses)


def _meaning(counts_as: str) -> dict[str, bool]:
    return {"is_right_party": counts_as == "right_party", "is_connected": counts_as != "no_contact"}


def _columns(terms: Terms) -> dict[str, Any]:
    values = asdict(terms)
    return values | {"label": terms.label.strip(), "requires": list(terms.requires), "channels": list(terms.channels)}


def _record(
    session: Session,
    actor: Actor,
    code: str,
    action: str,
    summary: str,
    *,
    before: Terms | None = None,
    after: Terms | None = None,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        actor,
        action,
        subject=("outcome_code", code),
        summary=summary,
        before=_columns(before) if before else None,
        after=_columns(after) if after else None,
        reason=reason.strip() if reason else None,
    )
