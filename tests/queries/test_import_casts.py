"""Cells as the files of lenders write them, and what they are: nothing, where a column could not hold it."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.queries.imports import casts


def _read(session, cell, type_, **options):
    value = casts.value("x", type_, options)
    return session.execute(
        text(f"SELECT {value} FROM (SELECT CAST(:cell AS text) AS x) t"), {"cell": cell}
    ).scalar_one()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,23,456.78", "123456.78"),
        ("₹ -500", "-500"),
        ("(1,500)", "-1500"),
        ("500-", "-500"),
        ("99999999999999", "99999999999999"),
        ("99,99,99,99,99,999.99", "9999999999999.99"),
        ("1.2E+05", "120000"),
        ("1.1368683772161603e-13", "0"),
        ("-7.2e-12", "0"),
        ("999,999,999,999,999", None),
        ("12,34,56,78,90,12,345", None),
        ("99999999999999.999", None),
        ("123456789012345", None),
        ("1." + "0" * 20_000, None),
        ("1,234,56", None),
        ("12,5", None),
        (".", None),
    ],
)
def test_amounts_are_read_or_are_none_and_never_fail_the_whole_file(session, cell, value):
    assert _read(session, cell, "amount") == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12.5 %", "12.5"),
        ("9999.99999", "10000"),
        ("1e3", "1000"),
        ("1e9", None),
        ("1234567", None),
        ("99999.99999", None),
    ],
)
def test_rates_are_read_or_are_none_and_never_fail_the_whole_file(session, cell, value):
    assert _read(session, cell, "rate") == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("cell", "value"), [("1.234,56", "1234.56"), ("1.234", "1234"), ("1.5", None), ("12,5", "12.5")]
)
def test_amounts_with_a_decimal_comma(session, cell, value):
    assert _read(session, cell, "amount", decimal=",") == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2025-04-03", date(2025, 4, 3)),
        ("2025-4-3", date(2025, 4, 3)),
        ("2025/4/3T10:30", date(2025, 4, 3)),
        ("2025-4-31", None),
        ("03/04/2025", None),
    ],
)
def test_dates_with_the_year_first(session, cell, value):
    assert _read(session, cell, "date") == value
