"""The outbox as people see it: what was said to whom, what waits, and what must be decided by hand."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from db.engine import reading, transaction
from db.queries import reminders as queries
from services import audit, clock
from services.actors import Actor, Permission
from services.errors import Conflict, NotFound

STATUSES: dict[str, str] = {
    "planned": "Waiting",
    "claimed": "Being sent",
    "handing_over": "Being handed over",
    "sent": "Sent",
    "unknown": "Arrival unknown",
    "blocked": "Blocked by the gate",
    "cancelled": "Cancelled",
    "failed": "Failed",
}
"""What each status is called on screens."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message in the list."""

    id: int
    status: str
    status_reason: str | None
    channel: str
    send_after: datetime
    sent_at: datetime | None
    created_at: datetime
    attempts: int
    transport: str | None
    """smtp; outbox: kept here for want of a mail server; None: not sent."""
    anchor_on: date
    subject: str | None
    loan_id: int
    borrower_id: int
    loan_number: str
    borrower_number: str
    rule: str
    body: str | None = None
    """Only when opened."""
    transport_id: str | None = None

    @property
    def status_label(self) -> str:
        """The status in words."""
        return STATUSES[self.status]


@dataclass(frozen=True, slots=True)
class Outbox:
    """A page of the outbox."""

    messages: list[MessageView]


@dataclass(frozen=True, slots=True)
class ReminderRuleView:
    """A reminder rule."""

    id: int
    name: str
    anchor: str
    offset_days: int
    min_bucket: int
    max_bucket: int
    channel: str
    template_name: str
    is_enabled: bool
    messages: int
    """Messages made by it so far."""


def outbox(actor: Actor, *, status: str | None = None, before_id: int | None = None, limit: int = 50) -> Outbox:
    """A page of messages, newest first.

    Args:
        actor: who looks.
        status: only messages of this status.
        before_id: only messages older than this one: the next page.
        limit: messages a page.

    Raises:
        NotAllowed: the actor may not see messages.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        rows = queries.listed(session, status=status, before_id=before_id, limit=limit)
    return Outbox([MessageView(**row._mapping) for row in rows])  # noqa: SLF001 - public by its docs


def counts(actor: Actor) -> dict[str, int]:
    """All messages by status.

    Raises:
        NotAllowed: the actor may not see messages.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        return queries.counts(session)


def opened(actor: Actor, message_id: int) -> MessageView:
    """One message with its text, as the borrower got it.

    Raises:
        NotAllowed: the actor may not see messages.
        NotFound: there is no such message.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        row = queries.opened(session, message_id)
    if row is None:
        raise NotFound("There is no such message.")
    return MessageView(**row._mapping)  # noqa: SLF001 - public by its docs


def resolve_arrived(actor: Actor, message_id: int, *, reason: str) -> None:
    """A person knows that a message of unknown fate arrived: it counts as sent.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such message.
        Conflict: its fate is known meanwhile.
    """
    _resolve(actor, message_id, "sent", "arrived", reason)


def send_again(actor: Actor, message_id: int, *, reason: str) -> None:
    """A person decides that a message that failed, or may not have arrived, is sent again, through the gate.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such message.
        Conflict: it is neither failed nor of unknown fate.
    """
    _resolve(actor, message_id, "planned", "sent_again", reason)


def _resolve(actor: Actor, message_id: int, status: str, act: str, reason: str) -> None:
    actor.require(Permission.MANAGE_MESSAGES)
    with transaction() as session:
        found = queries.lock(session, message_id)
        if found is None:
            raise NotFound("There is no such message.")
        if found.status != "unknown" and not (found.status == "failed" and act == "sent_again"):
            raise Conflict("This message has been dealt with already: look at the list again.")
        values: dict[str, Any] = {"status": status, "status_reason": None, "claimed_until": None}
        if status == "planned":
            values |= {"send_after": clock.now(), "sent_at": None}
        queries.set_status(session, message_id, **values)
        queries.add_event(session, message_id, act, reason)
        what = "found to have arrived" if act == "arrived" else "to be sent again"
        audit.record(
            session,
            actor,
            f"message.{act}",
            subject=("message", message_id),
            summary=f"marked message {message_id} as {what}",
            borrower_id=found.borrower_id,
            loan_id=found.loan_id,
            before={"status": found.status},
            after={"status": status},
            reason=reason,
        )


def reminder_rules(actor: Actor) -> list[ReminderRuleView]:
    """The rules by which reminders are planned.

    Raises:
        NotAllowed: the actor may not see messages.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        return [ReminderRuleView(**row._mapping) for row in queries.rules_with_counts(session)]  # noqa: SLF001


def switch_rule(actor: Actor, rule_id: int, *, is_enabled: bool) -> None:
    """Switch a reminder rule on or off. What is planned already stays.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such rule.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        name = queries.switch_rule(session, rule_id, is_enabled=is_enabled)
        if name is None:
            raise NotFound("There is no such reminder.")
        summary = f"switched the reminder “{name}” {'on' if is_enabled else 'off'}"
        audit.record(session, actor, "reminder_rule.switched", subject=("reminder_rule", rule_id), summary=summary)
