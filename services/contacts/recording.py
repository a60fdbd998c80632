"""Recording a contact: the gate, the outcome, and what the outcome brings with it, as one act."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Unpack

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import contacts as queries
from services import audit, cases, clock, follow_ups, holds, lender, policy, promises
from services.actors import Actor, Permission
from services.contacts.checking import chosen_outcome
from services.contacts.reaching import placed
from services.contacts.values import CHANNELS, Contact, Entry, Fields, Outcome
from services.errors import Conflict, InvalidInput, Refused
from services.lender import LenderSettings


@dataclass(frozen=True, slots=True)
class _Act:
    """A contact that is being recorded: who, with whom, what, and what the gate says of it."""

    actor: Actor
    borrower_id: int
    entry: Entry
    outcome: Outcome
    answer: policy.GateAnswer | None
    """None: the borrower contacted us, which no rule forbids."""
    today: date
    at: datetime
    made_at: str = ""
    """', made at 18:55' where it was written down later."""

    @property
    def is_against_gate(self) -> bool:
        """Whether the gate blocks it."""
        return self.answer is not None and not self.answer.is_allowed

    @property
    def gate(self) -> policy.GateAnswer:
        """The gate's answer, where it is known that it was asked."""
        assert self.answer is not None
        return self.answer

    @property
    def words(self) -> str:
        """Channel and outcome, for sentences of the audit trail."""
        return f"{CHANNELS[self.entry.channel].lower()}, {self.outcome.label.lower()}{self.made_at}"


def record(
    actor: Actor,
    borrower_id: int,
    *,
    request_key: str | None = None,
    at: datetime | None = None,
    **fields: Unpack[Fields],
) -> Contact:
    """Record a contact and what came of it: one transaction, one audit event.

    An outbound contact is put to the gate, and the answer is kept also when it blocks: then nothing else is recorded,
    unless the actor may override the gate and says why. Who contacts us is always heard. The same `request_key` again
    returns the first contact and changes nothing.

    Args:
        actor: who made it, or was called.
        borrower_id: with whom.
        request_key: of the form that was submitted.
        at: when it was made, earlier today by the lender's clock; None: now. The gate is asked of that moment: a call
            that began before the hours ended may be written down after.
        fields: what the form says, see `Entry`.

    Raises:
        NotAllowed: the actor may not record contacts, or gives a reason to override without the permission.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: a field is missing, or does not go with the outcome.
        Refused: the gate blocks the contact, or a rule refuses the promise.
    """
    actor.require(Permission.RECORD_CONTACT)
    entry = _trimmed(Entry(**fields))
    with transaction() as session:  # what the gate refused is kept, too
        done = _perform(session, actor, borrower_id, entry, at=at, request_key=request_key)
    if isinstance(done, Refused):
        raise done
    return done


def _perform(
    session: Session, actor: Actor, borrower_id: int, entry: Entry, *, at: datetime | None, request_key: str | None
) -> Contact | Refused:
    """The contact as recorded; or, where the gate blocks it, the refusal that is to be told once that is kept."""
    if request_key and (row := queries.by_request_key(session, request_key)):
        return _same(row, borrower_id)
    case = cases.workable(session, actor, borrower_id, loan_id=_promised_loan(entry))
    settings = lender.load(session)
    made_at = _made_at(at, settings)
    chosen = chosen_outcome(session, entry, settings.today)
    entry = placed(session, borrower_id, entry)
    answer = _ask(session, actor, borrower_id, entry, made_at)
    late = f", made at {clock.local(at, settings.time_zone):%H:%M}" if at else ""
    act = _Act(actor, borrower_id, entry, chosen, answer, settings.today, made_at, late)
    if not act.is_against_gate or entry.override_reason:
        return _record(session, act, case_id=case.id if case else None, request_key=request_key)
    _record_blocked(session, act)
    return _blocked(act, settings.time_zone)


def record_in(
    session: Session,
    actor: Actor,
    borrower_id: int,
    entry: Entry,
    *,
    at: datetime,
    gate_decision_id: int,
    request_key: str,
) -> Contact:
    """Record a contact for which the gate was asked when it began, such as a visit at its check-in.

    In the caller's transaction, with its one audit event. What happened is a fact: where the gate's answer was no, the
    contact is kept all the same and stands out as one against the gate, for the entry's `override_reason`.

    Raises:
        NotAllowed: the actor may not record contacts.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: a field is missing, or does not go with the outcome.
    """
    actor.require(Permission.RECORD_CONTACT)
    case = cases.workable(session, actor, borrower_id, loan_id=_promised_loan(entry))
    today = lender.load(session).today
    chosen = chosen_outcome(session, entry, today)
    act = _Act(
        actor,
        borrower_id,
        placed(session, borrower_id, entry),
        chosen,
        policy.kept(session, gate_decision_id),
        today,
        at,
    )
    return _record(session, act, case_id=case.id if case else None, request_key=request_key)


def _promised_loan(entry: Entry) -> int | None:
    return entry.promise.loan_id if entry.promise is not None else None


def _trimmed(entry: Entry) -> Entry:
    """Texts without spaces around them; None for an empty one."""
    return replace(
        entry,
        note=_written(entry.note),
        override_reason=_written(entry.override_reason),
        recording_reference=_written(entry.recording_reference),
        no_recording_reason=_written(entry.no_recording_reason),
    )


def _written(typed: str | None) -> str | None:
    return (typed or "").strip() or None


def _made_at(at: datetime | None, settings: LenderSettings) -> datetime:
    """When a contact was made, checked: what is written down later than its day is no record of the day any more."""
    now = clock.now()
    if at is None:
        return now
    if at > now:
        raise InvalidInput({"at": "That time has not come yet. Leave it empty if the contact was made just now."})
    if clock.local(at, settings.time_zone).date() != settings.today:
        raise InvalidInput({"at": "Only contacts of today are recorded here. Tell your leader of an earlier one."})
    return at


def _ask(session: Session, actor: Actor, borrower_id: int, entry: Entry, made_at: datetime) -> policy.GateAnswer | None:
    """The gate's answer, kept; None for a contact that the borrower began."""
    if entry.override_reason is not None:
        actor.require(Permission.OVERRIDE_GATE)
    if entry.direction == "inbound":
        return None
    place = queries.place_of(session, entry.contact_point_id) if entry.channel == "visit" else None
    return policy.ask(
        session, borrower_id, channel=entry.channel, purpose="log", at=made_at, place=place, agent_id=actor.id
    )


def _record(session: Session, act: _Act, *, case_id: int | None, request_key: str | None) -> Contact:
    entry = act.entry
    contact_id = queries.insert_contact(
        session,
        at=act.at,
        borrower_id=act.borrower_id,
        loan_id=entry.promise.loan_id if entry.promise else None,
        case_id=case_id,
        channel=entry.channel,
        direction=entry.direction,
        person=entry.person,
        outcome=entry.outcome,
        note=entry.note,
        next_action=entry.next_action or act.outcome.next_action,
        next_action_on=_next_on(entry),
        gate_decision_id=act.answer.decision_id if act.answer else None,
        override_reason=entry.override_reason if act.is_against_gate else None,
        recorded_by=act.actor.id,
        request_key=request_key,
        party_id=entry.party_id,
        contact_point_id=entry.contact_point_id,
        recording_reference=entry.recording_reference,
        no_recording_reason=None if entry.recording_reference else entry.no_recording_reason,
    )
    if contact_id is None:  # another submit of the same form was faster
        raise Conflict("This form was submitted already; the contact is recorded.")
    follow_ups.finish(session, act.borrower_id)
    _record_act(session, act, contact_id)
    cases.refresh_for(session, act.today, [act.borrower_id])
    return Contact(**queries.by_id(session, contact_id)._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _next_on(entry: Entry) -> date | None:
    if entry.next_action_on is not None:
        return entry.next_action_on
    return min(part.due_on for part in entry.promise.parts) if entry.promise else None


def _record_act(session: Session, act: _Act, contact_id: int) -> None:
    """What the outcome brings with it, and the one event, named for the weightiest part of the act."""
    entry, actor = act.entry, act.actor
    if entry.follow_up_at is not None:
        action = entry.next_action or "call_back"
        follow_ups.add(session, actor, act.borrower_id, due_at=entry.follow_up_at, action=action, note=entry.note)
    promise = _add_promise(session, act, entry.promise, contact_id) if entry.promise else None
    hold_id = holds.add(session, actor, act.borrower_id, entry.hold, today=act.today) if entry.hold else None
    if act.is_against_gate:
        _record_override(session, act, contact_id)
    elif promise is not None:
        promises.record_event(session, actor, promise, how=f" ({act.words})")
    elif hold_id is not None and entry.hold is not None:
        holds.record_event(session, actor, act.borrower_id, hold_id, entry.hold, how=f" ({act.words})")
    else:
        _record_event(session, act, contact_id)


def _add_promise(session: Session, act: _Act, terms: promises.Terms, contact_id: int) -> promises.Promise:
    promise, _ = promises.add(
        session,
        act.actor,
        terms,
        today=act.today,
        channel=act.entry.channel,
        person=act.entry.person,
        request_key=None,
        contact_attempt_id=contact_id,
        party_id=act.entry.party_id,
    )
    if promise.borrower_id != act.borrower_id:
        raise Conflict("That loan belongs to another borrower. Open the case again.")
    return promise


def _facts(entry: Entry) -> dict[str, str | int | None]:
    return {
        "channel": entry.channel,
        "direction": entry.direction,
        "person": entry.person,
        "outcome": entry.outcome,
        "next_action": entry.next_action,
        "party": entry.party_id,
        "recording": entry.recording_reference,
        "promised": str(entry.promise.whole_amount) if entry.promise else None,
        "hold": entry.hold.kind if entry.hold else None,
    }


def _record_event(session: Session, act: _Act, contact_id: int) -> None:
    audit.record(
        session,
        act.actor,
        "contact.recorded",
        subject=("contact", contact_id),
        summary=f"recorded a contact ({act.words})",
        borrower_id=act.borrower_id,
        after=_facts(act.entry),
    )


def _record_override(session: Session, act: _Act, contact_id: int) -> None:
    audit.record(
        session,
        act.actor,
        "contact.recorded_against_gate",
        subject=("contact", contact_id),
        summary=f"recorded a contact AGAINST THE GATE, rule {act.gate.rule} ({act.words})",
        borrower_id=act.borrower_id,
        before={"gate": act.gate.reason, "rule": act.gate.rule, "decision": act.gate.decision_id},
        after=_facts(act.entry),
        reason=act.entry.override_reason,
    )


def _record_blocked(session: Session, act: _Act) -> None:
    audit.record(
        session,
        act.actor,
        "contact.blocked",
        subject=("gate_decision", act.gate.decision_id or 0),
        summary=f"was refused a contact by the gate, rule {act.gate.rule} ({act.words})",
        borrower_id=act.borrower_id,
        after={"rule": act.gate.rule, "reason": act.gate.reason},
    )


def _blocked(act: _Act, zone: str) -> Refused:
    later = act.gate.next_allowed_at
    when = f" Allowed from {clock.written(later, zone)}." if later else ""
    return Refused(f"{act.gate.reason}{when}")


def _same(row: Row[*tuple[Any, ...]], borrower_id: int) -> Contact:
    if row.borrower_id != borrower_id:
        raise Conflict("This form was used for another borrower. Open it again.")
    return Contact(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
