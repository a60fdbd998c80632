"""Exports: what spreadsheets would run as a formula is text, numbers stay numbers."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from services import exports
from services.exports import Field


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    amount: Decimal | None
    due_on: date
    share: float


ROW = Row("=cmd|' /C calc'!A0", Decimal("-1234.50"), date(2025, 6, 16), 0.25)


def lines(rows, columns=None):
    written = exports.to_csv(rows, columns)
    assert written.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))


def sheet(rows, columns=None):
    return CalamineWorkbook.from_filelike(io.BytesIO(exports.to_xlsx(rows, columns))).get_sheet_by_index(0).to_python()


def test_formulas_are_escaped_and_numbers_are_not():
    header, row = lines([ROW])
    assert header == ["Name", "Amount", "Due on", "Share"]
    assert row == ["'=cmd|' /C calc'!A0", "-1234.50", "2025-06-16", "0.25"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_escaped_in_both_kinds_of_file(start):
    rows = [{"note": f"{start}1+1"}]
    assert lines(rows)[1] == [f"'{start}1+1"]
    assert sheet(rows)[1][0].startswith("'")


def test_a_header_may_come_from_a_lenders_file_and_is_escaped_too():
    assert lines([{"a": 1}], [Field("a", "=evil()")])[0] == ["'=evil()"]


def test_xlsx_keeps_types():
    _, row = sheet([ROW])
    assert row == ["'=cmd|' /C calc'!A0", -1234.5, date(2025, 6, 16), 0.25]


def test_none_is_an_empty_cell_and_moments_lose_only_their_zone():
    rows = [{"amount": None, "at": datetime(2025, 6, 16, 5, 30, tzinfo=UTC), "kinds": ["a", "b"]}]
    assert lines(rows)[1] == ["", "2025-06-16T05:30:00+00:00", "a, b"]
    assert sheet(rows)[1] == ["", datetime(2025, 6, 16, 5, 30), "a, b"]  # noqa: DTZ001 - a spreadsheet has no zones


def test_moments_in_a_workbook_are_the_lenders_and_the_header_says_whose():
    rows = [{"at": None}, {"at": datetime(2026, 11, 30, 20, 0, tzinfo=UTC)}]
    written = exports.to_xlsx(rows, zone=ZoneInfo("Asia/Kolkata"))
    header, _, row = CalamineWorkbook.from_filelike(io.BytesIO(written)).get_sheet_by_index(0).to_python()
    assert header == ["At (Asia/Kolkata)"]
    assert row == [datetime(2026, 12, 1, 1, 30)]  # noqa: DTZ001 - a spreadsheet has no zones
    assert sheet(rows)[0] == ["At (UTC)"]


def test_shares_are_percent_in_a_workbook_and_short_in_text():
    rows = [{"share_of_accounts": Decimal(13) / 15, "paid": Decimal("12.50")}, {"share_of_accounts": Decimal("0E+2")}]
    fields = [*exports.columns_of(rows[:1])]
    assert [field.kind for field in fields] == ["share", ""]
    rows[1]["paid"] = Decimal("1E+3")
    assert lines(rows)[1:] == [["0.866667", "12.50"], ["0", "1000"]]
    with zipfile.ZipFile(io.BytesIO(exports.to_xlsx(rows))) as parts:
        assert "0.0 %" in parts.read("xl/styles.xml").decode()
        written = parts.read("xl/worksheets/sheet1.xml").decode()
    styles = re.findall(r'<c r="([AB])\d" s="(\d)">', written)
    assert len({style for column, style in styles if column == "A"}) == 1
    assert {style for column, style in styles if column == "A"} != {style for column, style in styles if column == "B"}


def test_nothing_to_export_is_a_header_at_most():
    assert lines([], [Field("name", "Name")]) == [["Name"]]
    assert sheet([], [Field("name", "Name")]) == [["Name"]]


@given(st.text())
def test_no_text_cell_starts_a_formula(text):
    assert not exports.escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert exports.escaped(text).endswith(text)
