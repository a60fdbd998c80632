"""The states of a complaint and its clock: pure, from events and dates to where it stands.

    received -> open -> acknowledged -> answered -> closed
                             ^             |           |
                 reopened ---(answer)------+-----------+   reopening starts the clock anew

Whether it is overdue is never stored: it follows from the status, the last day and today.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.errors import Conflict

MOVES: Final = {
    "acknowledged": frozenset({"open"}),
    "answered": frozenset({"acknowledged", "reopened"}),
    "closed": frozenset({"answered"}),
    "reopened": frozenset({"answered", "closed"}),
}
"""Acts that change the status, which they name, and the statuses in which each is possible."""

AWAITING: Final = frozenset({"open", "acknowledged", "reopened"})
"""Statuses in which the borrower waits for an answer: the clock runs."""

_REFUSALS: Final = {
    "acknowledged": "Receipt is acknowledged once, while the complaint is open.",
    "answered": "Acknowledge the receipt first; a complaint that is answered is reopened before it is answered anew.",
    "closed": "A complaint is closed once it is answered.",
    "reopened": "Only a complaint that is answered or closed can be reopened.",
}


class Urgency(StrEnum):
    """How a complaint stands against its clock."""

    IN_TIME = "In time"
    DUE_SOON = "Due soon"
    """The first alert day has come (day 20, unless set otherwise)."""
    URGENT = "Urgent"
    """The last alert day has come (day 27)."""
    OVERDUE = "Overdue"
    DONE = "Answered"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, as far as the state depends on it."""

    kind: str
    on_date: date
    done_by: int | None = None
    outcome: str | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What follows from the events of a complaint."""

    status: str
    clock_from: date
    due_on: date
    officer_id: int | None = None
    answered_on: date | None = None
    closed_on: date | None = None
    outcome: str | None = None
    compensation: Decimal = Decimal(0)


def replay(events: Iterable[Happened], answer_days: int) -> State:
    """The state after events in their order; the first is the opening. What the database derives must say the same."""
    opened, *rest = events
    state = State("open", opened.on_date, due_on(opened.on_date, answer_days))
    for event in rest:
        state = _after(state, event, answer_days)
    return state


def _after(state: State, event: Happened, answer_days: int) -> State:
    if event.kind == "acknowledged":
        return replace(state, status="acknowledged", officer_id=event.done_by)
    if event.kind == "answered":
        return replace(state, status="answered", answered_on=state.answered_on or event.on_date)
    if event.kind == "closed":
        return replace(state, status="closed", closed_on=event.on_date, outcome=event.outcome)
    if event.kind == "reopened":
        return State(
            status="reopened",
            clock_from=event.on_date,
            due_on=due_on(event.on_date, answer_days),
            officer_id=state.officer_id,
            compensation=state.compensation,
        )
    return replace(state, compensation=state.compensation + (event.amount or 0))


def require_possible(status: str, act: str) -> None:
    """Refuse an act that does not follow on the status.

    Raises:
        Conflict: it does not; the sentence says what comes first.
    """
    if act in MOVES and status not in MOVES[act]:
        raise Conflict(_REFUSALS[act])


def possible(status: str) -> tuple[str, ...]:
    """The acts that follow on a status; notes and compensation always do."""
    moves = (act for act, statuses in MOVES.items() if status in statuses)
    return (*moves, "compensated", "noted")


def due_on(clock_from: date, answer_days: int) -> date:
    """Last day on which an answer is in time: the day of receipt is day 0, so day 30 is 30 days later."""
    return clock_from + timedelta(days=answer_days)


def alerts_on(clock_from: date, alert_days: Sequence[int]) -> tuple[date, ...]:
    """The days on which the officer is reminded."""
    return tuple(clock_from + timedelta(days=day) for day in alert_days)


def urgency(status: str, *, clock_from: date, last_day: date, today: date, alert_days: Sequence[int]) -> Urgency:
    """How a complaint stands against its clock today."""
    if status not in AWAITING:
        return Urgency.DONE
    if today > last_day:
        return Urgency.OVERDUE
    passed = sum(today >= day for day in alerts_on(clock_from, alert_days))
    if passed == 0:
        return Urgency.IN_TIME
    return Urgency.URGENT if passed == len(alert_days) and passed > 1 else Urgency.DUE_SOON
