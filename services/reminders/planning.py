"""Planning reminders: which loans a rule is about today, asked of the gate, written to the outbox."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import reminders as queries
from services import clock, lender, policy
from services.actors import Actor, Permission
from services.policy import GateAnswer

_BATCH = 2000
_LATE_DAYS = 2
"""A reminder whose day was missed is still sent so many days later."""
POSTPONE = timedelta(days=3)
"""How long a reminder may wait for the gate; after that its day is over and it is blocked."""


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What a round of planning did."""

    planned: int
    """Messages to be sent, now or when the gate opens."""
    blocked: int
    """Messages that the gate stops for longer than they would make sense."""


def plan(actor: Actor) -> PlanSummary:
    """Plan what all rules ask for today. Safe to run any number of times a day: one message a rule, loan and date.

    Raises:
        NotAllowed: the actor may not.
    """
    actor.require(Permission.MANAGE_MESSAGES)
    with reading() as session:
        today = lender.load(session).today
        rules = queries.enabled_rules(session)
    planned = blocked = 0
    for rule in rules:
        while True:
            with transaction(statement_timeout_ms=0) as session:
                found, stopped = _plan_batch(session, rule, today)
            planned, blocked = planned + found - stopped, blocked + stopped
            if found < _BATCH:
                break
    return PlanSummary(planned, blocked)


def _plan_batch(session: Session, rule: Row[*tuple[Any, ...]], today: date) -> tuple[int, int]:
    """Plan one batch of one rule: how many candidates there were, and how many of them are blocked."""
    last = today - timedelta(days=rule.offset_days)
    first = last - timedelta(days=_LATE_DAYS)
    found = queries.candidates(session, rule, first=first, last=last, today=today, limit=_BATCH)
    if not found:
        return 0, 0
    now = clock.now()
    answers = policy.ask_many(
        session,
        {row.borrower_id for row in found},
        channel=rule.channel,
        purpose="plan",
        at=now,
        is_about_promise=rule.anchor in {"promise", "plan", "agent"},
    )
    messages = [_message(rule, row, answers[row.borrower_id], now) for row in found]
    queries.insert_messages(session, messages)
    return len(messages), sum(message["status"] == "blocked" for message in messages)


def _message(
    rule: Row[*tuple[Any, ...]], row: Row[*tuple[Any, ...]], answer: GateAnswer, now: datetime
) -> dict[str, Any]:
    opens = now if answer.is_allowed else answer.next_allowed_at
    is_sendable = opens is not None and opens - now <= POSTPONE
    return {
        "rule_id": rule.id,
        "template_id": row.template_id,
        "loan_id": row.loan_id,
        "borrower_id": row.borrower_id,
        "anchor_on": row.anchor_on,
        "agent_id": row.agent_id,
        "channel": rule.channel,
        "contact_point_id": row.contact_point_id,
        "status": "planned" if is_sendable else "blocked",
        "status_reason": None if answer.is_allowed else answer.reason,
        "send_after": opens if is_sendable else now,
        "gate_decision_id": answer.decision_id,
        "created_at": now,
    }
