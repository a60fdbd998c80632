"""Amounts that people type: read right, or refused."""

from decimal import Decimal

import pytest

from services import money
from services.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("12500", "12500"),
        ("12,500", "12500"),
        ("1,23,456.78", "123456.78"),
        ("1,234,567", "1234567"),
        (" ₹ 5,979.50 ", "5979.50"),
        ("Rs. 500", "500"),
        ("12 500", "12500"),
        ("(500)", "-500"),
        ("-0.5", "-0.50"),
        (".75", "0.75"),
        ("500.", "500"),
    ],
)
def test_amounts_are_read_as_they_are_written_in_india_and_elsewhere(typed, read):
    assert money.parse(typed) == Decimal(read)


@pytest.mark.parametrize(
    "typed", ["", "abc", "5,0000", "1,00,0", "1,5", ",500", "1e3", "NaN", "Infinity", "5-5", "1.2.3"]
)
def test_what_may_be_another_amount_is_not_guessed_at(typed):
    with pytest.raises(InvalidInput, match="is not an amount"):
        money.parse(typed)


@pytest.mark.parametrize("typed", ["1" + "0" * 14, "9" * 60, "9" * 60 + ".50"])
def test_what_no_account_can_hold_is_refused(typed):
    assert money.parse("9" * 14) == Decimal("9" * 14)
    with pytest.raises(InvalidInput, match="at most 14 digits"):
        money.parse(typed)


def test_more_than_two_decimals_are_refused():
    with pytest.raises(InvalidInput, match="at most two decimals"):
        money.parse("5,979.999")
