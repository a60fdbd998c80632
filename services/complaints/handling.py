"""Handling a complaint: acknowledge, answer, close, reopen, compensate, note. Never by the person it is against."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import cases as case_queries
from db.queries import complaints as queries
from services import audit, cases, holds, lender, money
from services.actors import Actor, Permission
from services.complaints import receiving
from services.complaints.clock import alerts_on, require_possible
from services.complaints.configuring import load
from services.complaints.recalling import recall
from services.complaints.values import OUTCOMES, SENT_BY, number_of
from services.errors import InvalidInput, NotFound, Refused


@dataclass(frozen=True, slots=True)
class _Act:
    """An act on a locked complaint, in its transaction."""

    session: Session
    actor: Actor
    complaint: AnyRow
    today: date

    @property
    def number(self) -> str:
        """How people name the complaint."""
        return number_of(self.complaint.id)

    def append(self, kind: str, *, words: str | None, **values: Any) -> None:
        """Append the event, and let the complaint follow it."""
        queries.insert_event(
            self.session,
            words=words,
            complaint_id=self.complaint.id,
            kind=kind,
            on_date=self.today,
            done_by=self.actor.id,
            **values,
        )
        queries.derive(self.session, [self.complaint.id])

    def record(self, kind: str, summary: str, *, reason: str | None = None, **after: Any) -> None:
        """The audit event of the act."""
        audit.record(
            self.session,
            self.actor,
            f"complaint.{kind}",
            subject=("complaint", self.complaint.id),
            summary=summary,
            borrower_id=self.complaint.borrower_id,
            before={"status": self.complaint.status},
            after=after or None,
            reason=reason,
        )


def _begin(session: Session, actor: Actor, complaint_id: int, kind: str) -> _Act:
    """Lock the complaint and make sure that the actor may do this to it now.

    Raises:
        NotFound: there is no such complaint.
        Refused: it is against the actor.
        Conflict: its status does not allow the act.
    """
    row = queries.lock(session, complaint_id)
    if row is None:
        raise NotFound("There is no such complaint.")
    if row.against_user_id is not None and row.against_user_id == actor.id:
        raise Refused("This complaint is against you: somebody else has to handle it.")
    require_possible(row.status, kind)
    return _Act(session, actor, row, lender.load(session).today)


def _said(text: str, what: str, *, field: str = "text") -> str:
    if not text.strip():
        raise InvalidInput({field: what})
    if len(text) > receiving.LONGEST:
        raise InvalidInput({field: f"Keep it below {receiving.LONGEST:,} characters."})
    return text.strip()


def _way(sent_by: str) -> str:
    if sent_by not in SENT_BY:
        raise InvalidInput({"sent_by": "Choose how it was sent."})
    return sent_by


def acknowledge(actor: Actor, complaint_id: int, *, text: str, sent_by: str) -> None:
    """Tell the borrower that the complaint is received; from then on the actor is its officer.

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused, Conflict: see `_begin`.
        InvalidInput: nothing is said, or no way of sending it.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    words, way = _said(text, "Write what the borrower is told."), _way(sent_by)
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "acknowledged")
        act.append("acknowledged", words=words, sent_by=way)
        act.record("acknowledged", f"acknowledged complaint {act.number}", sent_by=way)


def answer(actor: Actor, complaint_id: int, *, text: str, sent_by: str) -> None:
    """Answer the borrower: the clock stops. The words about the RBI Ombudsman are added to the answer (IN-20).

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused, Conflict: see `_begin`.
        InvalidInput: nothing is said, or no way of sending it.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    words, way = _said(text, "Write the answer."), _way(sent_by)
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "answered")
        act.append("answered", words=f"{words}\n\n{load(session).escalation}", sent_by=way)
        queries.finish_alerts(session, complaint_id)
        cases.refresh_for(session, act.today, [act.complaint.borrower_id])
        act.record("answered", f"answered complaint {act.number}", sent_by=way)


def close(actor: Actor, complaint_id: int, *, outcome: str, reason: str) -> None:
    """Close an answered complaint: its hold ends, and the case stands where it would now stand.

    The case is not given back to whom it was recalled from: a leader allocates it anew.

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused, Conflict: see `_begin`.
        InvalidInput: no outcome or no reason.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    why = _said(reason, "Say why it ends so; it goes into the audit trail.", field="reason")
    if outcome not in OUTCOMES:
        raise InvalidInput({"outcome": "Choose the outcome."})
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "closed")
        borrower_id = act.complaint.borrower_id
        case_queries.lock_open_case(session, borrower_id)
        act.append("closed", words=why, outcome=outcome)
        if act.complaint.hold_id is not None:
            reason_of_end = f"complaint {act.number} closed: {OUTCOMES[outcome].lower()}"
            holds.end(session, actor, borrower_id, act.complaint.hold_id, kind="complaint", reason=reason_of_end)
        cases.refresh_for(session, act.today, [borrower_id])
        act.record("closed", f"closed complaint {act.number}, {OUTCOMES[outcome].lower()}", reason=why, outcome=outcome)


def reopen(actor: Actor, complaint_id: int, *, reason: str) -> None:
    """Take a complaint up again: contact stops anew, the case is recalled, and the clock starts from today.

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused, Conflict: see `_begin`.
        InvalidInput: no reason.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    why = _said(reason, "Say what the borrower complains of now.", field="reason")
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "reopened")
        borrower_id, settings = act.complaint.borrower_id, load(session)
        case_queries.lock_open_case(session, borrower_id)
        hold_id = act.complaint.hold_id
        if act.complaint.status == "closed" or hold_id is None:
            words = f"Complaint {act.number} reopened"
            hold_id = receiving.hold(session, actor, borrower_id, words, today=act.today)
        act.append("reopened", words=why, hold_id=hold_id)
        days = alerts_on(act.today, [day for day in settings.alert_days if day < act.complaint.answer_days])
        receiving.remind(session, actor, borrower_id, complaint_id, days=days, zone=ZoneInfo(settings.time_zone))
        recalled = recall(session, actor, borrower_id, complaint_id)
        cases.refresh_for(session, act.today, [borrower_id])
        act.record("reopened", f"reopened complaint {act.number}", reason=why, recalled_from=recalled)


def compensate(
    actor: Actor,
    complaint_id: int,
    *,
    amount: Decimal,
    paid_on: date,
    reason: str,
    request_key: str | None = None,
) -> None:
    """Record compensation that was paid to the borrower (IN-11). The same `request_key` again changes nothing.

    Args:
        actor: a grievance officer.
        complaint_id: what it is paid for.
        amount: above zero, two decimals, in the lender's currency.
        paid_on: the day it was paid, not later than today.
        reason: what it makes good.
        request_key: made when the form is drawn.

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused: see `_begin`.
        InvalidInput: the amount or date cannot be, or no reason.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    why = _said(reason, "Say what the compensation makes good.", field="reason")
    if amount <= 0 or amount != money.quantize(amount):
        raise InvalidInput({"amount": "Enter an amount above zero, with at most two decimals."})
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "compensated")
        if paid_on > act.today:
            raise InvalidInput({"paid_on": "The date has not come yet. Record the payment once it is made."})
        if request_key and queries.has_event(session, request_key):
            return
        act.append("compensated", words=why, amount=amount, paid_on=paid_on, request_key=request_key)
        summary = f"recorded compensation of {amount:,.2f} for complaint {act.number}"
        act.record("compensated", summary, reason=why, amount=str(amount), paid_on=paid_on.isoformat())


def note(actor: Actor, complaint_id: int, *, text: str, request_key: str | None = None) -> None:
    """Write down what was found out. The same `request_key` again changes nothing.

    Raises:
        NotAllowed: the actor may not handle complaints.
        NotFound, Refused: see `_begin`.
        InvalidInput: nothing is written.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    words = _said(text, "Write the note.")
    with transaction() as session:
        act = _begin(session, actor, complaint_id, "noted")
        if request_key and queries.has_event(session, request_key):
            return
        act.append("noted", words=words, request_key=request_key)
        act.record("noted", f"wrote a note on complaint {act.number}")
