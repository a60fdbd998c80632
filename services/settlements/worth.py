"""What an offer is worth against waiting. Pure: no store, no clock."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from services import money
from services.settlements.values import Expectation, Policy, Worth

_YEAR = Decimal(365)


def present_value(parts: Sequence[tuple[date, Decimal]], percent: Decimal, today: date) -> Decimal:
    """Parts taken to today: each divided by (1 + rate) to the power of its years, as net present value is defined.

    Args:
        parts: date and amount of each.
        percent: discount a year.
        today: the day of the offer; a part of an earlier day counts in full.
    """
    factor = 1 + percent / 100
    values = (amount / factor ** (Decimal(max((due_on - today).days, 0)) / _YEAR) for due_on, amount in parts)
    return money.quantize(sum(values, Decimal(0)))


def line_for(lines: Sequence[Expectation], dpd: int) -> Expectation:
    """The line that holds for so many days past due: the last that begins at or below."""
    found = [line for line in lines if line.dpd_from <= dpd]
    return found[-1] if found else lines[0]


def worth(
    parts: Sequence[tuple[date, Decimal]],
    owed: Decimal,
    line: Expectation,
    policy: Policy,
    *,
    is_secured: bool,
    today: date,
) -> Worth:
    """The offer's present value, and that of what is expected without it.

    Expected is the line's share of all that is owed, as one sum after the line's months, discounted alike.
    """
    share = line.secured_percent if is_secured else line.unsecured_percent
    factor = 1 + policy.discount_percent / 100
    expected = owed * share / 100 / factor ** (Decimal(line.months) / 12)
    return Worth(
        discount_percent=policy.discount_percent,
        present_value=present_value(parts, policy.discount_percent, today),
        expected_percent=share,
        expected_months=line.months,
        expected_value=money.quantize(expected),
    )
