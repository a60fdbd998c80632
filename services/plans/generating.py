"""The instalments of a plan from amount, length and start. Pure: no store, no clock."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from services import money
from services.errors import InvalidInput

METHODS: Final = {"equal": "Equal instalments", "stepped": "Growing by a step"}
RHYTHMS: Final = {"monthly": "Every month", "fortnightly": "Every two weeks", "weekly": "Every week"}
MOST_INSTALMENTS: Final = 120
_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment as planned."""

    number: int
    """From 1."""
    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Pattern:
    """How instalments are made."""

    amount: Decimal
    """What they sum to."""
    length: int
    """How many."""
    start_on: date
    """First date, or with a payday the day from which the first payday is looked for."""
    rhythm: str = "monthly"
    """Key of `RHYTHMS`."""
    payday: int | None = None
    """Monthly: day of the month, 31 for the last. Else ISO weekday, 1 Monday to 7 Sunday. None: as `start_on`."""
    method: str = "equal"
    """Key of `METHODS`."""
    step: Decimal = Decimal(0)
    """By how much each instalment of a stepped plan is more than the one before."""


def generate(pattern: Pattern) -> tuple[Row, ...]:
    """The instalments: they sum to the amount to the paisa, and the last one takes the rounding.

    Instalments are in whole units of the currency where these suffice, so that they are easy to pay; a date that a
    month does not have is its last day.

    Raises:
        InvalidInput: a field cannot be, or the steps leave nothing for the first instalment.
    """
    _check(pattern)
    first = _first_amount(pattern)
    amounts = [first + pattern.step * place for place in range(pattern.length - 1)]
    amounts.append(pattern.amount - sum(amounts, Decimal(0)))
    dates = due_dates(pattern)
    return tuple(Row(place + 1, dates[place], money.quantize(amount)) for place, amount in enumerate(amounts))


def _check(pattern: Pattern) -> None:
    wrong: dict[str, str] = {}
    if pattern.amount <= 0 or pattern.amount != money.quantize(pattern.amount):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if not 1 <= pattern.length <= MOST_INSTALMENTS:
        wrong["length"] = f"A plan has 1 to {MOST_INSTALMENTS} instalments."
    if pattern.rhythm not in RHYTHMS:
        wrong["rhythm"] = "Choose one of the rhythms in the list."
    if pattern.method not in METHODS:
        wrong["method"] = "Choose one of the methods in the list."
    if pattern.payday is not None and not 1 <= pattern.payday <= (31 if pattern.rhythm == "monthly" else 7):
        wrong["payday"] = "A payday is a day of the month, 1 to 31, or a day of the week."
    if (pattern.method == "stepped") != (pattern.step > 0) or pattern.step != money.quantize(pattern.step):
        wrong["step"] = "Enter by how much each instalment grows, above zero, with at most two decimals."
    if wrong:
        raise InvalidInput(wrong)


def _first_amount(pattern: Pattern) -> Decimal:
    steps = pattern.step * pattern.length * (pattern.length - 1) / 2
    exact = (pattern.amount - steps) / pattern.length
    first = exact.quantize(_WHOLE if exact >= 1 else money.CENT, rounding=ROUND_DOWN)
    if first <= 0:
        field = "step" if pattern.step else "length"
        raise InvalidInput(
            {field: "Nothing is left for the first instalment. Take fewer instalments or smaller steps."}
        )
    return first


def due_dates(pattern: Pattern) -> list[date]:
    """The dates of the instalments, in order."""
    if pattern.rhythm == "monthly":
        return _monthly(pattern)
    days = 7 if pattern.rhythm == "weekly" else 14
    first = pattern.start_on
    if pattern.payday is not None:
        first += timedelta(days=(pattern.payday - first.isoweekday()) % 7)
    return [first + timedelta(days=days * place) for place in range(pattern.length)]


def _monthly(pattern: Pattern) -> list[date]:
    start = pattern.start_on
    day = pattern.payday or start.day
    offset = 0 if _in_month(start, 0, day) >= start else 1
    return [_in_month(start, offset + place, day) for place in range(pattern.length)]


def _in_month(start: date, months: int, day: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day, last))


def edited(rows: Sequence[Row], changes: Mapping[int, Row]) -> tuple[Row, ...]:
    """Rows with single ones changed by hand; the last takes what the changes leave, unless it was changed itself.

    Args:
        rows: as generated.
        changes: new rows by number.

    Raises:
        InvalidInput: nothing would be left for the last instalment.
    """
    whole = sum((row.amount for row in rows), Decimal(0))
    changed = [changes.get(row.number, row) for row in rows]
    last = changed[-1]
    if last.amount == rows[-1].amount:
        rest = whole - sum((row.amount for row in changed[:-1]), Decimal(0))
        if rest <= 0:
            raise InvalidInput({"instalments": "The changed rows are more than the whole. Lower one of them."})
        changed[-1] = replace(last, amount=rest)
    return tuple(changed)


def monthly_burden(rows: Sequence[Row]) -> Decimal:
    """The most that falls due in one calendar month: what a month's means are held against."""
    months: dict[tuple[int, int], Decimal] = {}
    for row in rows:
        month = (row.due_on.year, row.due_on.month)
        months[month] = months.get(month, Decimal(0)) + row.amount
    return max(months.values(), default=Decimal(0))


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    return _in_month(day, months, day.day)
