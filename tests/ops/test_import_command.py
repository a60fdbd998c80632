"""`manage.py import`: what an operator is told who never opens the Imports page."""

import xlsxwriter
from sqlalchemy import text
from typer.testing import CliRunner

import manage


def test_an_import_tells_why_rows_were_not_taken_and_which_sheets_were_not_read(session, tmp_path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("January", "February"):
            sheet = book.add_worksheet(name)
            for row, cells in enumerate([("Loan No", "Loan Amount"), ("L1", 5), ("L2", -5)]):
                sheet.write_row(row, 0, cells)
    rejected = tmp_path / "rejected.csv"
    ended = CliRunner().invoke(manage.app, ["import", str(path), "--rejected", str(rejected)])
    assert "Not read: February" in ended.output
    assert "accepted 1, rejected 1" in ended.output
    assert "1 row, such as 3: Principal is negative." in ended.output
    assert ended.exit_code == 3
    assert rejected.read_text("utf-8-sig").splitlines()[1] == "L2,-5,Principal is negative"
    assert rejected.stat().st_mode & 0o777 == 0o600
    assert not ended.stderr  # no bar where there is no terminal


def test_a_file_that_is_mostly_rejected_is_not_committed_but_waits_to_be_looked_at(session, tmp_path):
    path, rejected = tmp_path / "book.csv", tmp_path / "rejected.csv"
    path.write_text("Loan No,Loan Amount\nL1,5\nL2,-5\nL3,-5\n")
    order = ["import", str(path), "--rejected", str(rejected)]
    ended = CliRunner().invoke(manage.app, order)
    assert ended.exit_code == 1
    assert "More than 50 % of the rows are rejected, so nothing was committed" in str(ended.exception)
    assert "2 rows, such as 3, 4: Principal is negative." in ended.output
    assert len(rejected.read_text().splitlines()) == 3
    assert session.execute(text("SELECT (SELECT status FROM import_batch), count(*) FROM loan")).one() == ("checked", 0)
    ended = CliRunner().invoke(manage.app, [*order, "--max-rejected", "67"])
    assert ended.exit_code == 3
    assert session.execute(text("SELECT external_id FROM loan")).scalars().all() == ["L1"]


def test_an_import_whose_rows_are_all_taken_ends_well_and_writes_no_rejected_rows(session, tmp_path):
    path, rejected = tmp_path / "book.csv", tmp_path / "rejected.csv"
    path.write_text("Loan No,Loan Amount\nL1,5\n")
    ended = CliRunner().invoke(manage.app, ["import", str(path), "--rejected", str(rejected)])
    assert (ended.exit_code, rejected.exists()) == (0, False)


def test_a_place_that_rejected_rows_cannot_go_to_is_told_before_anything_is_imported(session, tmp_path):
    path = tmp_path / "book.csv"
    path.write_text("Loan No,Loan Amount\nL1,-5\n")
    ended = CliRunner().invoke(manage.app, ["import", str(path), "--rejected", str(tmp_path / "not" / "there.csv")])
    assert "cannot be written: name another file" in str(ended.exception)
    assert session.execute(text("SELECT count(*) FROM import_batch")).scalar_one() == 0


def test_a_schedule_that_moves_no_loan_tells_how_it_would(session, tmp_path):
    book, schedule = tmp_path / "book.csv", tmp_path / "schedule.csv"
    book.write_text("Loan No,Loan Amount,DPD,As of date\nL1,1000,45,2025-03-31\n")
    schedule.write_text("loan_number,number,due_date,amount\nL1,1,2025-04-05,500\n")
    CliRunner().invoke(manage.app, ["import", str(book)])
    ended = CliRunner().invoke(manage.app, ["import", str(schedule), "--kind", "schedule"])
    assert """with --options '{"derive": true}'""" in ended.output
    derived = ["import", str(schedule), "--kind", "schedule", "--options", '{"derive": true}']
    assert "loans turned 1" in CliRunner().invoke(manage.app, derived).output


def test_options_that_cannot_be_leave_no_draft(session, tmp_path):
    path = tmp_path / "book.csv"
    path.write_text("Loan No,Loan Amount\nL1,5\n")
    ended = CliRunner().invoke(manage.app, ["import", str(path), "--options", '{"colour": 1}'])
    assert ended.exit_code == 1
    assert session.execute(text("SELECT status FROM import_batch")).scalars().all() == ["discarded"]
