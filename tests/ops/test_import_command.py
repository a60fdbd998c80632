"""`manage.py import`: what an operator is told who never opens the Imports page."""

import xlsxwriter
from typer.testing import CliRunner

import manage


def test_an_import_tells_why_rows_were_not_taken_and_which_sheets_were_not_read(session, tmp_path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("January", "February"):
            sheet = book.add_worksheet(name)
            for row, cells in enumerate([("Loan No", "Loan Amount"), ("L1", 5), ("L2", -5)]):
                sheet.write_row(row, 0, cells)
    told = CliRunner().invoke(manage.app, ["import", str(path)]).output
    assert "Not read: February" in told
    assert "accepted 1, rejected 1" in told
    assert "1 row, such as 3: Principal is negative." in told
