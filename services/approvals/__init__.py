"""Maker and checker: what one person asks, another of sufficient authority decides. See docs/approvals.md."""

from services.approvals.asking import ask, withdraw, withdraw_for
from services.approvals.deciding import decide
from services.approvals.escalating import escalate_due, has_overdue
from services.approvals.kinds import Outcome, label_of, labels, register
from services.approvals.viewing import (
    Detail,
    Event,
    Page,
    Request,
    asked_by_me,
    decided,
    detail,
    escalated,
    everything,
    inbox,
    of_subject,
)

__all__ = [
    "Detail",
    "Event",
    "Outcome",
    "Page",
    "Request",
    "ask",
    "asked_by_me",
    "decide",
    "decided",
    "detail",
    "escalate_due",
    "escalated",
    "everything",
    "has_overdue",
    "inbox",
    "label_of",
    "labels",
    "of_subject",
    "register",
    "withdraw",
    "withdraw_for",
]
