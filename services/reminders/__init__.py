"""Reminders: planned by rule and due date, sent through the gate exactly once, cancelled by payment."""

from services.reminders.cancelling import cancel_for_loans, cancel_settled
from services.reminders.outbox import (
    MessageView,
    Outbox,
    ReminderRuleView,
    counts,
    opened,
    outbox,
    reminder_rules,
    resolve_arrived,
    send_again,
    switch_rule,
)
from services.reminders.planning import PlanSummary, plan
from services.reminders.sending import SendSummary, has_due, send_due

__all__ = [
    "MessageView",
    "Outbox",
    "PlanSummary",
    "ReminderRuleView",
    "SendSummary",
    "cancel_for_loans",
    "cancel_settled",
    "counts",
    "has_due",
    "opened",
    "outbox",
    "plan",
    "reminder_rules",
    "resolve_arrived",
    "send_again",
    "send_due",
    "switch_rule",
]
