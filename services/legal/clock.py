"""Where a legal action stands, from its facts: pure, one definition. Whether a clock ran out follows from today.

    opened -> noticed -> served -> filed -> decided -> closed
                 |          +-- paid (in full, in time; a reversal takes it back)
                 +-- came back undelivered -> opened

The clocks of a bounce (IN-22; S.25 PSS Act follows S.138 NI Act):

- notice: within 30 days of the receipt of the return memo, whose day does not count (S.138 proviso (b));
- payment: within 15 days of receipt of the notice, whose day does not count (S.138 proviso (c));
- filing: the cause of action arises on the day after these 15 days. The complaint is made within one month of that day
  (S.142(1)(b)), which does not count either (S.9 General Clauses Act 1897): the last day is the same day of the next
  month, or that month's last one. A delay that a court may condone is not for this product to grant.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.legal.values import DEEMED_SERVED, ENDED_BY_PAYMENT, FILED, Lengths


class Urgency(StrEnum):
    """How an action stands against the clock that runs."""

    IN_TIME = "In time"
    DUE_SOON = "Runs out soon"
    LAPSED = "Ran out"
    NONE = "No clock"


@dataclass(frozen=True, slots=True)
class Opened:
    """What an action was opened on."""

    kind: str
    opened_on: date
    amount: Decimal
    memo_on: date | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, as far as the state depends on it."""

    id: int
    kind: str
    on_date: date
    refers_to: int | None = None
    how: str | None = None
    amount: Decimal | None = None
    is_recoverable: bool | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """A payment on one of the action's loans, less its reversals."""

    paid_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class State:
    """What follows from the facts."""

    status: str = "opened"
    notice_by: date | None = None
    notice_on: date | None = None
    served_on: date | None = None
    pay_by: date | None = None
    file_from: date | None = None
    file_by: date | None = None
    filed_on: date | None = None
    paid_amount: Decimal = Decimal(0)
    paid_on: date | None = None
    hearing_on: date | None = None
    next_step: str | None = None
    next_by: date | None = None
    expenses: Decimal = Decimal(0)
    recoverable: Decimal = Decimal(0)
    closed_on: date | None = None
    close_reason: str | None = None


STORED: Final = tuple(State.__dataclass_fields__)
"""Columns of an action that are derived."""


def months_after(day: date, months: int) -> date:
    """The same day so many calendar months later, or that month's last day where it has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def in_force(events: Iterable[Happened]) -> list[Happened]:
    """Events in the order of their ids, without those that a later one takes back, and without the taking back."""
    listed = sorted(events, key=lambda event: event.id)
    void = {event.refers_to for event in listed if event.kind == "voided"}
    return [event for event in listed if event.kind != "voided" and event.id not in void]


def replay(opened: Opened, events: Iterable[Happened], payments: Iterable[Money], lengths: Lengths) -> State:
    """The state that the facts give, in whatever order they came to be known."""
    known = in_force(events)
    notices = _delivered(known)
    served_on = _served(known, {notice.id for notice in notices})
    notice_on = min((notice.on_date for notice in notices), default=None)
    pay_by = served_on + timedelta(days=lengths.payment_days) if served_on and lengths.payment_days else None
    file_from = pay_by + timedelta(days=1) if pay_by else None
    file_by = months_after(file_from, lengths.filing_months) if file_from and lengths.filing_months else None
    paid_amount, paid_on = _paid(opened, payments, pay_by)
    spent = [event for event in known if event.kind == "expense"]
    filed_on = _newest(known, "filed")
    closed = next((event for event in reversed(known) if event.kind == "closed"), None)
    if closed is not None and closed.how == "paid" and paid_on is None:
        closed = None  # the payment was taken back, and the cause with it
    status = _status(known, notice_on=notice_on, served_on=served_on, paid_on=paid_on, is_closed=closed is not None)
    notice_by = opened.memo_on + timedelta(days=lengths.notice_days) if opened.memo_on and lengths.notice_days else None
    hearing_on = min((each.on_date for each in unheld(known)), default=None)
    step, until = _next(opened.kind, status, notice_by=notice_by, pay_by=pay_by, file_by=file_by, hearing_on=hearing_on)
    return State(
        status=status,
        notice_by=notice_by,
        notice_on=notice_on,
        served_on=served_on,
        pay_by=pay_by,
        file_from=file_from,
        file_by=file_by,
        filed_on=filed_on,
        paid_amount=paid_amount,
        paid_on=paid_on,
        hearing_on=hearing_on,
        next_step=step,
        next_by=until,
        expenses=sum((event.amount or Decimal(0) for event in spent), Decimal(0)),
        recoverable=sum((event.amount or Decimal(0) for event in spent if event.is_recoverable), Decimal(0)),
        closed_on=closed.on_date if closed else None,
        close_reason=closed.how if closed else None,
    )


def _delivered(known: Sequence[Happened]) -> list[Happened]:
    """Notices that did not come back undelivered."""
    lost = {event.refers_to for event in known if event.kind == "returned" and event.how not in DEEMED_SERVED}
    return [event for event in known if event.kind == "notice_issued" and event.id not in lost]


def outstanding(events: Iterable[Happened]) -> Happened | None:
    """The newest notice whose receipt or return is not known yet."""
    known = in_force(events)
    told = {event.refers_to for event in known if event.kind in {"served", "returned"}}
    waiting = [event for event in known if event.kind == "notice_issued" and event.id not in told]
    return waiting[-1] if waiting else None


def unheld(known: Sequence[Happened]) -> list[Happened]:
    """Hearings without a result."""
    held = {event.refers_to for event in known if event.kind == "hearing_held"}
    return [event for event in known if event.kind == "hearing" and event.id not in held]


def _served(known: Sequence[Happened], notices: set[int]) -> date | None:
    """Day on which the first notice was received, or counts as received."""
    receipts = (event.on_date for event in known if event.kind in {"served", "returned"} and event.refers_to in notices)
    return min(receipts, default=None)


def _paid(opened: Opened, payments: Iterable[Money], pay_by: date | None) -> tuple[Decimal, date | None]:
    """What was received since the bounce, up to the last day to pay, and the day on which it was the whole amount."""
    if opened.kind not in ENDED_BY_PAYMENT:
        return Decimal(0), None
    first, last = opened.memo_on or opened.opened_on, pay_by or date.max
    total = Decimal(0)
    for payment in sorted(payments, key=lambda each: each.paid_on):
        if first <= payment.paid_on <= last and payment.amount > 0:
            total += payment.amount
            if total >= opened.amount:
                return opened.amount, payment.paid_on
    return total, None


def _newest(known: Sequence[Happened], kind: str) -> date | None:
    return next((event.on_date for event in reversed(known) if event.kind == kind), None)


def _status(
    known: Sequence[Happened], *, notice_on: date | None, served_on: date | None, paid_on: date | None, is_closed: bool
) -> str:
    kinds = {event.kind for event in known}
    if is_closed:
        return "closed"
    if kinds & {"order", "award"}:
        return "decided"
    if "filed" in kinds:
        return "filed"
    if paid_on is not None:
        return "paid"
    if served_on is not None:
        return "served"
    return "noticed" if notice_on is not None else "opened"


def _next(
    kind: str,
    status: str,
    *,
    notice_by: date | None,
    pay_by: date | None,
    file_by: date | None,
    hearing_on: date | None,
) -> tuple[str | None, date | None]:
    """What comes next, and by when."""
    if status == "opened":
        return "notice", notice_by
    if status == "noticed":
        return "service", None
    if status == "served":
        return ("filing", file_by) if kind in FILED else ("payment", pay_by)
    if status == "paid":
        return "close", None
    return ("hearing", hearing_on) if status in {"filed", "decided"} and hearing_on else (None, None)


def urgency(next_by: date | None, *, today: date, alert_days: int) -> Urgency:
    """How an action stands against the clock that runs today; its last day is still in time."""
    if next_by is None:
        return Urgency.NONE
    if today > next_by:
        return Urgency.LAPSED
    return Urgency.DUE_SOON if (next_by - today).days <= alert_days else Urgency.IN_TIME
