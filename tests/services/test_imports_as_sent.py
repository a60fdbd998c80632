"""Files as lenders really send them, from the first cell to what the report and the commit say of it."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import text

from services import closing, imports, restating
from services.actors import SYSTEM
from services.imports import DateOrderNeeded

LOANS = "Loan No,Customer ID,Customer Name,Loan Amount\nL1,C1,Asha,1000\nL2,C1,Asha,2000\n"
_NOISE = Random(1).randbytes(6000).hex()
"""Text that does not compress, as free remarks in a column that was taken for another."""


@pytest.fixture
def load(session, tmp_path):
    def load_text(content, kind="loan_book", **over):
        path = tmp_path / "file.csv"
        path.write_text(content)
        return imports.load_file(SYSTEM, path, kind=kind, **over)

    return load_text


def _codes(batch):
    return {rule["code"]: rule["rows"] for rule in batch.report["rules"]}


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ['aa" x', 'aa"'], ids=["within", "at the end"])
def test_a_quote_within_a_cell_does_not_join_rows(session, load, name):
    load(f"Loan No,Customer Name,Loan Amount\nL1,{name},100\nL2,{name},200\nL3,cc,300\n")
    found = session.execute(text("SELECT external_id, principal FROM loan ORDER BY 1")).all()
    assert [tuple(row) for row in found] == [("L1", Decimal(100)), ("L2", Decimal(200)), ("L3", Decimal(300))]


def test_rows_of_empty_cells_are_passed_over_as_in_a_workbook(load):
    counts = load("Loan No,Loan Amount\nL1,5\n,\n , \n").counts
    assert (counts["rows"], counts["rejected"]) == (1, 0)


def test_rejected_rows_keep_cells_beyond_the_header(load):
    batch = load("Loan No,Customer Name,Loan Amount\nL1,Rao, Asha,100\nL2,Bala,200\n")
    row = list(csv.reader(io.StringIO(imports.rejects_csv(SYSTEM, batch.id).decode("utf-8-sig"))))[1]
    assert {"L1", "Rao", " Asha", "100"} <= set(row)


def test_attributes_that_an_export_escaped_are_the_files_own_again(session, load):
    batch = load("Loan No,Loan Amount,Note\nL1,-5,=see branch\n")
    load(imports.rejects_csv(SYSTEM, batch.id).decode("utf-8-sig").replace("-5", "5"))
    assert session.execute(text("SELECT attributes FROM loan")).scalar_one() == {"Note": "=see branch"}


def test_a_month_in_a_snapshot_is_its_last_day(session, load):
    load(LOANS)
    load("Loan No,Month,DPD\nL1,Mar-2025,5\nL2,2025-03,1\n", "snapshot")
    assert set(session.execute(text("SELECT as_of FROM reported_snapshot")).scalars()) == {date(2025, 3, 31)}


# --- one bad cell is one bad row ----------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Region", "Branch", "Product", "Customer Name", "City", "State", "Language"])
def test_a_text_that_no_index_can_hold_rejects_its_row(load, header):
    counts = load(f"Loan No,Loan Amount,{header}\nL1,5,{_NOISE}\nL2,5,Pune\n").counts
    assert (counts["accepted"], counts["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("header", "months"), [("Months past due", "40000"), ("Months past due", "100000000"), ("DPD", "999999999")]
)
def test_days_past_due_of_centuries_reject_their_row(load, header, months):
    load(LOANS)
    batch = load(f"Loan No,As of,{header}\nL1,2025-03-31,{months}\nL2,2025-03-31,1\n", "snapshot")
    assert (batch.counts["accepted"], batch.counts["rejected"]) == (1, 1)


def test_no_days_past_due_that_were_taken_keep_the_book_from_its_close(load, frozen_clock):
    frozen_clock(datetime(2025, 4, 10, 6, 0, tzinfo=UTC))
    batch = load("Loan No,Loan Amount,DPD,As of date\nL1,5,999999999,2025-03-31\nL2,5,3,2025-03-31\n")
    restating.derive_batch(SYSTEM, batch.id)
    closing.close(SYSTEM, date(2025, 4, 9))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("schedule", "Loan No,EMI No,Due date,Amount\nL1,,2025-05-05,5\nL2,1,2025-05-05,5\n"),
        ("schedule", "Loan No,Due date,Amount\nL1,2025-05-05,-\nL2,2025-05-05,5\n"),
        ("snapshot", "Loan No,As of,DPD\nL1,2025-03-31,NA\nL2,2025-03-31,5\n"),
        ("contacts", "Loan No,Mobile\nL1,NA\nL2,9876543210\n"),
    ],
    ids=["number of an instalment", "amount of an instalment", "days past due", "phone"],
)
def test_a_row_without_what_it_is_about_is_rejected_whatever_word_stands_for_nothing(load, kind, content):
    load(LOANS)
    counts = load(content, kind).counts
    assert (counts["accepted"], counts["rejected"]) == (1, 1)


# --- what spreadsheets leave in cells -----------------------------------------------------------------------------

_FAILED = "Loan No,Loan Amount,Customer Name,Branch,EMI\n"


def test_errors_of_formulas_reject_their_rows_and_what_was_not_found_is_empty_and_told(session, load):
    batch = load(_FAILED + "L1,5,#N/A,#N/A,5\nL2,5,Asha,#REF!,5\nL3,5,Asha,Pune,#DIV/0!\nL4,#N/A,Bala,Pune,\n")
    assert _codes(batch) == {
        "branch:formula": 1,
        "instalment_amount:number": 1,
        "principal:missing": 1,
        "borrower_name:not_available": 1,
        "branch:not_available": 1,
    }
    row = session.execute(text("SELECT b.name, s.branch FROM loan l JOIN borrower b ON b.id = l.borrower_id "
                               "JOIN segment s ON s.id = l.segment_id")).one()  # fmt: skip
    assert tuple(row) == ("L1", None)


def test_two_names_of_one_borrower_are_told(session, load):
    header = "Loan No,Customer ID,Customer Name,Loan Amount\n"
    batch = load(header + "L1,C1,Asha Rao,5\nL2,C1,ASHA  rao,5\nL3,C1,Usha Rao,5\nL4,C2,Bala,5\nL5,C1,,5\n")
    assert [(rule["code"], rule["is_fault"], rule["lines"]) for rule in batch.report["rules"]] == [
        ("borrower_name:differs", False, [4])
    ]
    names = session.execute(text("SELECT name FROM borrower ORDER BY external_id")).scalars().all()
    assert (batch.counts["accepted"], names) == (5, ["Asha Rao", "Bala"])


# --- contacts -----------------------------------------------------------------------------------------------------


def test_a_number_that_two_rows_give_alike_is_counted_once(load):
    load(LOANS)
    content = "Loan No,Mobile,Consent\nL1,9876543210,yes\nL2,9876543210,yes\n"
    batch = load(content, "contacts")
    assert (batch.counts["new"], batch.counts["points_new"]) == (1, 1)


def test_rows_that_contradict_each_other_about_consent_are_rejected(load):
    load(LOANS)
    content = "Loan No,Mobile,Consent\nL1,9876543210,yes\nL1,9876543210,no\n"
    assert _codes(load(content, "contacts")) == {"row:differs": 2}


def test_the_order_of_a_consents_date_is_told_by_the_file(session, load):
    load(LOANS)
    load(
        "Loan No,Mobile,Consent,Consent date\nL1,9876543210,yes,13/04/2025\nL1,9876543211,yes,03/04/2025\n", "contacts"
    )
    days = session.execute(text("SELECT at::date FROM consent_event ORDER BY 1")).scalars().all()
    assert days == [date(2025, 4, 3), date(2025, 4, 13)]


def test_the_order_of_a_consents_date_is_asked_for(load):
    load(LOANS)
    with pytest.raises(DateOrderNeeded):
        load("Loan No,Mobile,Consent,Consent date\nL1,9876543210,yes,03/04/2025\n", "contacts")


# --- the preview says what the commit does ------------------------------------------------------------------------

_STANDING = "Loan No,Loan Amount,DPD,As of date,Mobile\nL1,5,10,2025-03-31,9876543210\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [(",10,", ",40,"), ("2025-03-31", "2025-04-30"), ("3210", "3211")],
    ids=["figures", "another month", "phone"],
)
def test_a_loan_book_that_changes_figures_or_contacts_is_not_previewed_as_unchanged(load, before, after):
    load(_STANDING)
    counts = load(_STANDING.replace(before, after)).counts
    assert counts["unchanged"] == 0


def test_a_borrower_who_changes_with_a_new_loan_is_previewed_and_changed(session, load):
    load("Loan No,Customer ID,Customer Name,City,Loan Amount\nL1,C1,Asha,Pune,1000\n")
    counts = load("Loan No,Customer ID,Customer Name,City,Loan Amount\nL2,C1,Asha,Puri,2000\n").counts
    assert [counts[name] for name in ("new", "changed", "unchanged", "borrowers")] == [1, 0, 0, 1]
    assert counts["borrowers_changed"] == 1
    assert session.execute(text("SELECT city FROM borrower")).scalar_one() == "Puri"


def test_the_counts_of_a_preview_add_up_to_the_rows_that_are_taken(load):
    load("Loan No,Customer ID,Customer Name,Loan Amount\nL1,C1,Asha,1000\nL2,C2,Bala,1000\n")
    content = (
        "Loan No,Customer ID,Customer Name,Loan Amount\nL1,C1,Asha,1000\nL2,C2,Balu,1000\nL3,C2,Balu,5\nL4,C4,Charu,5\n"
    )
    counts = load(content).counts
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (2, 1, 1)
    assert counts["new"] + counts["changed"] + counts["unchanged"] == counts["accepted"]
