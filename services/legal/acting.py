"""Acts on a legal action: receipt of the notice, expenses, files, notes, mistakes, the end. Those in `court` follow."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import legal as queries
from services import approvals, audit, cases, documents, holds, lender, money
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.legal import permitted
from services.legal.clock import Happened, in_force, outstanding
from services.legal.opening import require_officer
from services.legal.settling import Standing, derive, standings
from services.legal.values import (
    CLOSE_REASONS,
    EVENTS,
    EXPENSES,
    RETURNS,
    number_of,
)

REQUEST: Final = "legal_filing"
"""Kind of the request to file."""
LONGEST: Final = 2_000
DOCUMENT: Final = "legal_action"
"""Subject of documents of an action."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act on a locked action, in its transaction."""

    session: Session
    actor: Actor
    action: AnyRow
    standing: Standing
    today: date
    request_key: str | None

    def require(self, kind: str, on: date) -> None:
        """Refuse what is too early, too late, or does not follow."""
        permitted.require(self.standing.opened.kind, self.standing.state, self.standing.events, kind, on)

    def append(self, kind: str, on: date, *, words: str | None = None, **values: Any) -> None:
        """Append the event, let the action follow it, and record it.

        Raises:
            Conflict: another submit of the same form was faster.
        """
        event_id = queries.insert_event(
            self.session,
            words=words,
            action_id=self.action.id,
            kind=kind,
            on_date=on,
            done_by=self.actor.id,
            request_key=self.request_key,
            **values,
        )
        if event_id is None:
            raise Conflict("This form was submitted already.")
        derive(self.session, [self.action.id])
        cases.refresh_for(self.session, self.today, [self.action.borrower_id])  # a reminder may be done with it
        shown = {name: str(value) for name, value in values.items() if value is not None}
        audit.record(
            self.session,
            self.actor,
            f"legal.{kind}",
            subject=("legal_action", self.action.id),
            summary=f"recorded on {number_of(self.action.id)}: {EVENTS[kind].lower()}",
            borrower_id=self.action.borrower_id,
            before={"status": self.standing.state.status},
            after={"on": on.isoformat(), **shown},
            reason=words,
        )


def begin(session: Session, actor: Actor, action_id: int, request_key: str | None) -> Act | None:
    """Lock an action for an act; None when the same form made it already.

    Raises:
        NotAllowed: the actor may not lead the borrower through law.
        NotFound: there is no such action, or its borrower is not theirs to see.
    """
    actor.require(Permission.HANDLE_LEGAL)
    if request_key and queries.has_event(session, request_key):
        return None
    rows = queries.lock(session, [action_id])
    if not rows:
        raise NotFound("There is no such legal action.")
    require_officer(session, actor, rows[0].borrower_id)
    standing = standings(session, [action_id])[action_id]
    return Act(session, actor, rows[0], standing, lender.load(session).today, request_key)


def past(on: date, today: date, field: str = "on") -> None:
    """Refuse a day that is still to come.

    Raises:
        InvalidInput: it is.
    """
    if on > today:
        raise InvalidInput({field: "This is recorded once it has happened: choose today or an earlier day."})


def said(text: str, what: str, field: str = "text") -> str:
    """What was typed, without spaces around it.

    Raises:
        InvalidInput: nothing, or too much.
    """
    if not text.strip():
        raise InvalidInput({field: what})
    if len(text) > LONGEST:
        raise InvalidInput({field: f"Keep it below {LONGEST:,} characters."})
    return text.strip()


def received(
    actor: Actor, action_id: int, *, on: date, returned: str | None = None, request_key: str | None = None
) -> None:
    """Record that the notice on its way was received, or came back (a key of `RETURNS`).

    Refused and unclaimed count as received on that day; otherwise another notice may be sent while its time runs.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: no notice is on its way, or it was sent later.
        InvalidInput: a day to come, or no such reason.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        if returned is not None and returned not in RETURNS:
            raise InvalidInput({"returned": "Choose why it came back."})
        past(on, act.today)
        kind = "served" if returned is None else "returned"
        act.require(kind, on)
        notice = outstanding(act.standing.events)
        assert notice is not None, "required above"
        act.append(kind, on, how=returned, refers_to=notice.id)


def spend(
    actor: Actor,
    action_id: int,
    *,
    amount: Decimal,
    kind: str,
    paid_on: date,
    is_recoverable: bool,
    note: str = "",
    request_key: str | None = None,
) -> None:
    """Record an expense of the action, and whether the borrower owes it.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: the action is closed.
        InvalidInput: the amount, kind or day cannot be.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        if kind not in EXPENSES:
            raise InvalidInput({"kind": "Choose one of the kinds in the list."})
        if not Decimal(0) < amount < Decimal(10) ** 12:
            raise InvalidInput({"amount": "Enter the amount that was paid."})
        past(paid_on, act.today, "paid_on")
        act.require("expense", paid_on)
        act.append(
            "expense",
            paid_on,
            words=note.strip()[:LONGEST] or None,
            how=kind,
            amount=money.quantize(amount),
            is_recoverable=is_recoverable,
        )


def note(actor: Actor, action_id: int, *, text: str, request_key: str | None = None) -> None:
    """Add a note.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: the action is closed.
        InvalidInput: nothing is said.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is not None:
            act.require("noted", act.today)
            act.append("noted", act.today, words=said(text, "Write the note."))


def attach(actor: Actor, action_id: int, *, kind: str, file_name: str, content: bytes) -> documents.Document:
    """Keep a file with the action.

    Raises:
        NotAllowed, NotFound: see `begin`.
        InvalidInput: see `documents.store`.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, None)
        assert act is not None, "without a key nothing was made before"
        stored = documents.store(
            session,
            actor,
            kind=kind,
            file_name=file_name,
            content=content,
            borrower_id=act.action.borrower_id,
            subject=(DOCUMENT, action_id),
        )
        audit.record(
            session,
            actor,
            "legal.document_stored",
            subject=("legal_action", action_id),
            summary=f"stored a document with {number_of(action_id)}",
            borrower_id=act.action.borrower_id,
            after={"document_id": stored.id, "sha256": stored.sha256},
        )
        return stored


def void(actor: Actor, action_id: int, *, event_id: int, reason: str, request_key: str | None = None) -> None:
    """Take an event back that was recorded by mistake; it stays visible. What came after it must be taken back first.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: later events rest on it, or it is of a kind that stays.
        InvalidInput: no reason.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        words = said(reason, "Say what was wrong.", "reason")
        act.require("voided", act.today)
        event = next((each for each in in_force(act.standing.events) if each.id == event_id), None)
        if event is None:
            raise NotFound("There is no such event, or it is taken back already.")
        _require_loose(act, event)
        act.append("voided", act.today, words=words, refers_to=event.id)


def _require_loose(act: Act, event: Happened) -> None:
    if event.kind not in permitted.VOIDABLE:
        raise Refused("This event stays: it cannot be taken back.")
    known = in_force(act.standing.events)
    if any(each.refers_to == event.id and each.kind != "dispatched" for each in known):
        raise Refused("A later event rests on this one: take that back first.")
    is_clock = event.kind in {"notice_issued", "served", "returned"}
    if is_clock and (act.standing.state.filed_on is not None or permitted.asked(act.standing.events) is not None):
        raise Refused("The filing rests on the notice and its receipt: they stay as they are.")


def close(actor: Actor, action_id: int, *, reason: str, text: str, request_key: str | None = None) -> None:
    """Close an action: a request to file that waits is taken back, its hold on contact ends.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: it is closed, or was not paid in time.
        InvalidInput: no such reason, or nothing is said.
    """
    with transaction() as session:
        # the order of locks is that of a decision: the request, then the action
        was_asked = approvals.withdraw_for(
            session, actor, kind=REQUEST, subject=("legal_action", action_id), reason="The action is closed."
        )
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        if reason not in CLOSE_REASONS:
            raise InvalidInput({"reason": "Choose one of the reasons in the list."})
        words = said(text, "Say in a few words how it ended.")
        act.require("closed", act.today)
        if reason == "paid" and act.standing.state.paid_on is None:
            raise Refused("It was not paid in full in time, by the payments that are known. Choose another reason.")
        if was_asked:
            queries.insert_events(
                session,
                [{"action_id": action_id, "kind": "filing_refused", "on_date": act.today, "done_by": actor.id}],
            )
        act.append("closed", act.today, words=words, how=reason)
        if act.action.hold_id is not None:
            why = f"{number_of(action_id)} closed"
            holds.end(session, actor, act.action.borrower_id, act.action.hold_id, kind="legal", reason=why)
            cases.refresh_for(session, act.today, [act.action.borrower_id])
