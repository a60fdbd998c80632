"""Counts in sentences, amounts in letters as the lender's locale writes them, dates in the language of the letter."""

from datetime import date
from decimal import Decimal

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision

from services.lender import LenderSettings
from settings import settings


def written_day(value: date, language: str = "en") -> str:
    """'14 November 2026', in the language of the text that it stands in, whatever the lender's locale."""
    try:
        return format_date(value, "d MMMM y", locale=language)
    except (ValueError, UnknownLocaleError):
        return written_day(value)


def counted(number: int, one: str, many: str = "") -> str:
    """'1 loan', '12,000 loans'; `many` where the plural is not the singular with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def written_amount(value: Decimal, currency: str, locale: Locale) -> str:
    """'₹1,23,456.78', '￥5,000'. What a currency has no coins for is told all the same: the amount is what is owed."""
    is_usual = value == round(value, get_currency_precision(currency))
    return str(format_currency(value, currency, locale=locale, currency_digits=is_usual))


class Words:
    """How one lender writes."""

    def __init__(self, lender: LenderSettings) -> None:
        self._currency = lender.currency
        try:
            self._locale = Locale.parse(lender.locale)
        except (ValueError, UnknownLocaleError):
            self._locale = Locale("en", "IN")

    def amount(self, value: Decimal) -> str:
        """'₹1,23,456.78'."""
        return written_amount(value, self._currency, self._locale)

    def day(self, value: date) -> str:
        """'14 November 2026'."""
        return written_day(value)

    @staticmethod
    def contact(known: str | None) -> str:
        """Where a borrower may complain: what is set, else the sender's own address."""
        return known or settings().smtp_from
