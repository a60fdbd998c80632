"""Sending reminders exactly once.

A message goes planned -> claimed -> handing_over -> sent, each step committed before the next begins. A worker killed
while it is claimed leaves it to the next worker: the server has nothing yet. Killed while handing over, the server may
have it: it becomes 'unknown', is never sent again by itself, and a person decides on the outbox page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import reminders as queries
from services import clock, lender, mail, personal_data, policy
from services.actors import Actor, Permission
from services.errors import CollectionsError
from services.reminders.planning import POSTPONE
from services.reminders.wording import Words, words_of

_BATCH = 50
_LEASE = timedelta(minutes=5)
_RETRY = timedelta(minutes=10)
_MAX_ATTEMPTS = 5
"""Refusals for now after which the server's no is final."""
_MAX_BEGINNINGS = 20
_WENT_AWAY = "The mail server went away."
_LOST = "The worker stopped while the mail server was taking it: it may have arrived, or not."


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker holds; the number of attempts proves it."""

    id: int
    attempts: int
    borrower_id: int
    channel: str
    is_about_promise: bool
    address: str
    words: Words


@dataclass(slots=True)
class SendSummary:
    """What a round of sending did."""

    sent: int = 0
    not_sent: int = 0
    """Cancelled, blocked, postponed or failed; each message says which and why."""
    unknown: int = 0


def has_due(session: Session) -> bool:
    """Whether there is anything to send, or to give up, now."""
    return queries.has_due(session, clock.now())


def send_due(actor: Actor) -> SendSummary:
    """Send all messages that are due. Any number of workers may do so at once.

    Raises:
        NotAllowed: the actor may not.
        MailServerUnreachable: it cannot be reached; what was not handed over waits.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    summary = SendSummary()
    with transaction() as session:
        summary.unknown += queries.give_up_lost(session, clock.now(), _LOST)
    if not mail.is_configured():
        _send_batches(summary, None)
        return summary
    with reading() as session:
        is_work = queries.has_due(session, clock.now())
    if is_work:
        with mail.connected() as server:
            _send_batches(summary, server)
    return summary


def _send_batches(summary: SendSummary, server: mail.MailServer | None) -> None:
    while True:
        now = clock.now()
        with transaction() as session:
            claimed = queries.claim(session, at=now, until=now + _LEASE, limit=_BATCH)
        try:
            for message_id in claimed:
                _send(message_id, summary, server)
        except mail.MailServerUnreachable:
            # else the rest waited for the end of our lease, each with a beginning that it never had
            with transaction() as session:
                queries.give_back(session, claimed, until=now + _LEASE)
            raise
        if len(claimed) < _BATCH:
            return


def _send(message_id: int, summary: SendSummary, server: mail.MailServer | None) -> None:
    with transaction() as session:
        claim = _prepared(session, message_id)
    if claim is None:
        summary.not_sent += 1
    elif server is None:
        _keep_in_outbox(claim, summary)
    else:
        _hand_over(server, claim, summary)


def _prepared(session: Session, message_id: int) -> Claim | None:
    """Look again at what was planned, perhaps days ago: None when it is not to be sent now.

    1. Not owed any more -> cancelled. 2. No address left -> blocked. 3. Template wrong -> failed.
    4. Gate closed -> later or blocked. Nothing is handed over here: see `_decided`.
    """
    found = queries.content(session, message_id, lender.load(session).today)
    if found is None:
        return None  # a payment cancelled it
    if found.attempts > _MAX_BEGINNINGS:
        # whatever is wrong with it must not hold up the others for ever
        reason = f"Begun {_MAX_BEGINNINGS} times without coming to an end. The log of the workers says why."
        _end(session, found.id, found.attempts, "failed", reason)
        return None
    if not found.is_owed:
        reason = "Nothing is owed any more, or its day is over."
        _end(session, found.id, found.attempts, "cancelled", reason)
        return None
    if found.address is None:
        _end(session, found.id, found.attempts, "blocked", "The address may not be used any more.")
        return None
    try:
        claim = Claim(
            id=found.id,
            attempts=found.attempts,
            borrower_id=found.borrower_id,
            channel=found.channel,
            is_about_promise=found.anchor in {"promise", "plan", "agent"},
            address=personal_data.decrypt(found.address),
            words=words_of(found),
        )
    except CollectionsError as error:
        _end(session, found.id, found.attempts, "failed", error.message)
        return None
    return claim


def _decided(session: Session, claim: Claim, status: str, **values: object) -> bool:
    """Ask the gate for good, and move the message on only if it is open and nobody cancelled it meanwhile."""
    now = clock.now()
    policy.lock_borrower(session, claim.borrower_id)
    answer = policy.ask(
        session,
        claim.borrower_id,
        channel=claim.channel,
        purpose="send",
        at=now,
        is_about_promise=claim.is_about_promise,
    )
    opens = answer.next_allowed_at
    if answer.is_allowed:
        held: dict[str, Any] = {
            "subject": claim.words.subject,
            "body": claim.words.body,
            "gate_decision_id": answer.decision_id,
        }
        held |= {"sent_at": now, "status_reason": None, "claimed_until": now + _LEASE}
        return queries.move(
            session, claim.id, attempts=claim.attempts, from_status="claimed", status=status, **(held | values)
        )
    if opens is not None and opens - now <= POSTPONE:
        _later(session, claim, opens, answer.reason, decision_id=answer.decision_id)
    else:
        _end(session, claim.id, claim.attempts, "blocked", answer.reason)
    return False


def _keep_in_outbox(claim: Claim, summary: SendSummary) -> None:
    """Without a mail server the outbox is where it goes: decided and done in one transaction."""
    with transaction() as session:
        is_sent = _decided(session, claim, "sent", transport="outbox", transport_id=mail.message_id_of(claim.id))
    summary.sent += is_sent
    summary.not_sent += not is_sent


def _hand_over(server: mail.MailServer, claim: Claim, summary: SendSummary) -> None:
    message_id = mail.message_id_of(claim.id)

    def before_text() -> bool:
        with transaction() as session:
            return _decided(session, claim, "handing_over", transport="smtp", transport_id=message_id)

    letter = mail.Mail(message_id, claim.address, claim.words.subject, claim.words.body)
    try:
        is_sent = server.hand_over(letter, before_text=before_text)
    except mail.MailRefused as error:
        _refused(claim, error)
        summary.not_sent += 1
    except mail.MailOutcomeUnknown:
        with transaction() as session:
            _end(session, claim.id, claim.attempts, "unknown", _LOST, from_status="handing_over")
        summary.unknown += 1
        raise mail.MailServerUnreachable(_WENT_AWAY) from None
    except mail.MailServerUnreachable:
        with transaction() as session:
            _later(session, claim, clock.now(), _WENT_AWAY)
        raise
    else:
        if is_sent:
            with transaction() as session:
                _end(session, claim.id, claim.attempts, "sent", None, from_status="handing_over")
        summary.sent += is_sent
        summary.not_sent += not is_sent


def _refused(claim: Claim, error: mail.MailRefused) -> None:
    """The server said no. For good: failed. For now: later, a few times."""
    for from_status in ("claimed", "handing_over"):
        with transaction() as session:
            if error.is_final or claim.attempts >= _MAX_ATTEMPTS:
                reason = f"The mail server refused it: {error.reply}"
                _end(session, claim.id, claim.attempts, "failed", reason, from_status=from_status)
            else:
                _later(session, claim, clock.now() + _RETRY, f"The mail server asks to try later: {error.reply}",
                       from_status=from_status)  # fmt: skip


def _end(
    session: Session, message_id: int, attempts: int, status: str, reason: str | None, *, from_status: str = "claimed"
) -> None:
    values: dict[str, Any] = {"status": status, "status_reason": reason, "claimed_until": None}
    if status in {"failed", "blocked", "cancelled"}:
        values["sent_at"] = None
    queries.move(session, message_id, attempts=attempts, from_status=from_status, **values)


def _later(
    session: Session,
    claim: Claim,
    at: datetime,
    reason: str,
    *,
    decision_id: int | None = None,
    from_status: str = "claimed",
) -> None:
    values: dict[str, Any] = {"status": "planned", "send_after": at, "status_reason": reason}
    values |= {"claimed_until": None, "sent_at": None}
    if decision_id is not None:
        values["gate_decision_id"] = decision_id
    queries.move(session, claim.id, attempts=claim.attempts, from_status=from_status, **values)
