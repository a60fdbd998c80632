"""Instalments from files: by their numbers, or else by their due dates."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM
from tests.services.import_files import LOANS, count, load


@pytest.mark.parametrize("rows", [3, 60, 500])
def test_repeated_keys_are_found_however_many_rows_a_loan_has(session, tmp_path, rows):
    load(tmp_path, LOANS)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(rows)]
    due = [f"L1,{n},{day},100" for n, day in enumerate(days, start=1)]
    lines = [*due, f"L1,{rows},{days[-1]},101", due[0], f"L2,1,{days[0]},100"]
    schedule = load(tmp_path, "Loan No,EMI No,Due Date,EMI\n" + "\n".join(lines), kind="schedule")
    assert {line["code"]: line["rows"] for line in schedule.report["rules"]} == {"row:differs": 2, "row:repeated": 1}
    assert schedule.counts["accepted"] == count(session, "instalment") == rows
    paid = [f"L1,{day},100,R{n}" for n, day in enumerate(days)]
    lines = [*paid, f"L1,{days[-1]},101,R{rows - 1}", paid[0], f"L2,{days[0]},100,R0"]
    payments = load(tmp_path, "Loan No,Paid Date,Amount,Receipt No\n" + "\n".join(lines), kind="payments")
    assert {line["code"]: line["rows"] for line in payments.report["rules"]} == {"row:differs": 2, "row:repeated": 1}
    assert payments.counts["accepted"] == count(session, "payment") == rows


def test_schedule_is_numbered_by_due_date_and_may_be_restated(session, tmp_path):
    load(tmp_path, LOANS)
    load(tmp_path, "loan_number,due_date,amount\nL1,2025-06-05,500\nL1,2025-05-05,400\n", "schedule")
    second = load(tmp_path, "loan_number,due_date,amount\nL1,2025-05-05,450\nL1,2025-06-05,500\n", "schedule")
    assert (second.counts["new"], second.counts["changed"], second.counts["unchanged"]) == (0, 1, 1)
    imports.undo(SYSTEM, second.id)
    rows = session.execute(text("SELECT number, principal FROM instalment ORDER BY 1")).all()
    assert [tuple(row) for row in rows] == [(1, Decimal(400)), (2, Decimal(500))]


# --- without numbers ----------------------------------------------------------------------------------------------

_DUES = "loan_number,due_date,amount\n"


def _dues(session):
    rows = session.execute(text("SELECT number, to_char(due_on, 'MM-DD'), principal::int FROM instalment ORDER BY 1"))
    return [tuple(row) for row in rows]


def _codes(batch):
    return {rule["code"]: rule["rows"] for rule in batch.report["rules"]}


def test_a_month_of_an_unnumbered_schedule_comes_beside_the_months_before(session, tmp_path):
    load(tmp_path, LOANS)
    load(tmp_path, _DUES + "L1,2025-05-05,400\nL1,2025-07-05,400\n", "schedule")
    june = load(tmp_path, _DUES + "L1,2025-06-05,500\n", "schedule")
    assert (june.counts["new"], june.counts["changed"], _codes(june)) == (1, 0, {"due_on:added": 1})
    assert june.report["samples"][0]["subject"] == "L1, instalment 3, added"
    assert _dues(session) == [(1, "05-05", 400), (2, "07-05", 400), (3, "06-05", 500)]
    again = load(tmp_path, _DUES + "L1,2025-06-05,550\nL1,2025-05-05,400\n", "schedule")
    assert (again.counts["new"], again.counts["changed"], again.counts["unchanged"]) == (0, 1, 1)
    imports.undo(SYSTEM, again.id)
    imports.undo(SYSTEM, june.id)
    assert _dues(session) == [(1, "05-05", 400), (2, "07-05", 400)]


def test_dates_are_not_added_between_others_that_may_have_moved(session, tmp_path):
    load(tmp_path, LOANS)
    load(tmp_path, _DUES + "L1,2025-05-05,400\nL1,2025-06-05,400\nL2,2025-05-05,400\n", "schedule")
    moved = load(tmp_path, _DUES + "L1,2025-05-07,400\nL1,2025-06-07,400\nL2,2025-05-05,410\n", "schedule")
    assert (moved.counts["accepted"], _codes(moved)) == (1, {"due_on:unclear": 2})
    whole = "L1,2025-05-05,400\nL1,2025-05-20,50\nL1,2025-06-05,400\n"
    assert _codes(load(tmp_path, _DUES + whole, "schedule")) == {"due_on:added": 1}


def test_of_several_instalments_on_one_day_the_number_tells_which(session, tmp_path):
    load(tmp_path, LOANS)
    numbered = "loan_number,number,due_date,amount\nL1,1,2025-05-05,400\nL1,2,2025-05-05,30\n"
    load(tmp_path, numbered, "schedule")
    assert _codes(load(tmp_path, _DUES + "L1,2025-05-05,430\n", "schedule")) == {"due_on:unclear": 1}
    twice = "L2,2025-05-05,400\nL2,2025-05-05,30\nL2,2025-06-05,400\nL2,2025-06-05,400\n"
    batch = load(tmp_path, _DUES + twice, "schedule")
    assert _codes(batch) == {"due_on:several": 2, "row:repeated": 1}
    assert batch.counts["accepted"] == 1
