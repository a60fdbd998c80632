"""How amounts are written: full in the currency's own grouping, short on cards. Formatting happens nowhere else."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import format_currency, format_decimal, get_currency_symbol

from components import cached

NOTHING = "–"
MINUS = "−"
_INDIAN = ((Decimal(10_000_000), "Cr", 2), (Decimal(100_000), "L", 1))
_REACHED = Decimal("0.9995")
"""Part of a unit from which an amount is told in it: 99.97 lakh is told as 1 crore, not as 100 lakh."""
_PLAIN = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})*\.\d{2}(?!\w|[.,]\d|\s?%)")
"""An amount as services write it: '123,456.78'."""
_WESTERN = ((Decimal(1_000_000_000), "B", 2), (Decimal(1_000_000), "M", 1), (Decimal(1_000), "K", 1))


def full(amount: Decimal | None) -> str:
    """'₹12,34,567.50': the currency's own grouping, without decimals when there are none; a dash for none."""
    if amount is None:
        return NOTHING
    written = cached.lender_format()
    return in_full(amount, currency=written.currency, locale=written.locale)


def in_sentence(sentence: str) -> str:
    """A service's sentence with its amounts as the lender writes them: 'The 1,23,456.78 owed' with the currency.

    Services write them plainly, since their sentences also go where no lender's locale is, such as the audit trail.
    """
    return _PLAIN.sub(lambda found: full(Decimal(found[0].replace(",", ""))), sentence)


def short(amount: Decimal | None) -> str:
    """'₹1.24 Cr', '₹3.6 L', '₹45,200'; '$1.2M' for other currencies; a dash for none."""
    if amount is None:
        return NOTHING
    written = cached.lender_format()
    return in_short(amount, currency=written.currency, locale=written.locale)


def count(number: float) -> str:
    """A count in the lender's grouping: '12,34,567'; up to two decimals where it has some."""
    written = cached.lender_format()
    return _count(number, written.currency, written.locale)


def counted(number: float, one: str, many: str = "") -> str:
    """'1 account', '12,34,567 accounts'; `many` where the plural is not the singular with an s."""
    return f"{count(number)} {one if number == 1 else many or f'{one}s'}"


@lru_cache(maxsize=10_000)  # a page writes the same figures with each act on it
def _count(number: float, currency: str, locale: str) -> str:
    pattern = "#,##,##0.##" if currency == "INR" else "#,##0.##"
    return format_decimal(number, format=pattern, locale=locale)


@lru_cache(maxsize=10_000)
def in_full(amount: Decimal, *, currency: str, locale: str) -> str:
    """The amount in full, in a given currency and locale."""
    is_whole = amount == amount.to_integral_value()
    pattern = "¤#,##,##0" if currency == "INR" else "¤#,##0"
    written = format_currency(
        abs(amount),
        currency,
        format=pattern if is_whole else f"{pattern}.00",
        locale=locale,
        currency_digits=False,
    )
    return f"{MINUS}{written}" if amount < 0 else written


@lru_cache(maxsize=10_000)
def in_short(amount: Decimal, *, currency: str, locale: str) -> str:
    """The amount in two to four figures with a unit, in a given currency and locale."""
    size = abs(amount)
    space = " " if currency == "INR" else ""
    for unit, name, places in _INDIAN if currency == "INR" else _WESTERN:
        if size >= unit * _REACHED:
            written = format_decimal(
                _rounded(size / unit, places), format="#,##,##0.##" if space else "#,##0.##", locale=locale
            )
            symbol = get_currency_symbol(currency, locale=locale)
            return f"{MINUS if amount < 0 else ''}{symbol}{written}{space}{name}"
    whole = amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return in_full(whole, currency=currency, locale=locale)


def _rounded(figure: Decimal, places: int) -> Decimal:
    """Fewer decimals the larger the figure: 1.24, 12.4, 124."""
    if figure >= 100:
        places = 0
    elif figure >= 10:
        places = min(places, 1)
    return figure.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
