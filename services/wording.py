"""Amounts and dates in letters, as the lender's locale writes them."""

from datetime import date
from decimal import Decimal

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from services.lender import LenderSettings
from settings import settings


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
        return format_currency(value, self._currency, locale=self._locale)

    def day(self, value: date) -> str:
        """'14 November 2026'."""
        return format_date(value, "d MMMM y", locale=self._locale)

    @staticmethod
    def contact(known: str | None) -> str:
        """Where a borrower may complain: what is set, else the sender's own address."""
        return known or settings().smtp_from
