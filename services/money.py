"""Amounts as `Decimal` with two places: rounding, reading what people type, and splits that sum to the whole."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from services.errors import InvalidInput

CENT = Decimal("0.01")
_NOISE = re.compile(r"[\s\u00a0\u202f]|₹|Rs\.?|INR", re.IGNORECASE)
_WRITTEN = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{2,3})*,\d{3})(?:\.\d*)?|[+-]?\.\d+")
"""Plain, or grouped as in India or elsewhere: '5,0000' may be five thousand or fifty, and is not guessed at."""

_DIGITS_AT_MOST = 14


def quantize(amount: Decimal) -> Decimal:
    """Round to two places, halves away from zero, as receipts do."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def parse(typed: str, *, field: str = "amount") -> Decimal:
    """Read an amount a person typed: '1,23,456.78', '₹500', '(500)' for minus 500.

    Raises:
        InvalidInput: it is not an amount, its commas do not group, or it has more than two decimals.
    """
    bare = _NOISE.sub("", typed)
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1]
    if not _WRITTEN.fullmatch(bare):
        raise InvalidInput({field: f"“{typed.strip()}” is not an amount; write it like 12,500 or 12500.50."})
    amount = Decimal(bare.replace(",", ""))
    if amount.adjusted() >= _DIGITS_AT_MOST:
        raise InvalidInput({field: f"An amount has at most {_DIGITS_AT_MOST} digits before the point."})
    if amount != quantize(amount):
        raise InvalidInput({field: "An amount has at most two decimals."})
    return quantize(amount)


def split(amount: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Divide an amount by weights so that the parts sum to it to the paisa (largest remainder).

    Args:
        amount: the whole, two decimals.
        weights: not negative, at least one positive.
    """
    whole = int(amount / CENT)
    total = sum(weights)
    exact = [whole * weight / Decimal(total) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: exact[i] - parts[i], reverse=True)
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return [part * CENT for part in parts]
