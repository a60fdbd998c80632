"""Taking imports back: what stands in the way, and which days are derived again."""

from datetime import date

import pytest
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM
from services.imports import UndoRefused

LOANS = "Loan No,Customer ID,Loan Amount\nL1,C1,1000\nL2,C2,2000\n"


@pytest.fixture
def load(session, tmp_path):
    def load_text(content, kind="loan_book", **over):
        path = tmp_path / "file.csv"
        path.write_text(content)
        return imports.load_file(SYSTEM, path, kind=kind, **over)

    load_text(LOANS)
    return load_text


def test_a_loan_that_was_turned_to_reports_turns_back(session, load):
    first = load("loan_number,as_of,dpd\nL1,2025-03-31,45\n", "snapshot")
    second = load("loan_number,as_of,dpd\nL1,2025-04-30,75\n", "snapshot")
    with pytest.raises(UndoRefused, match="later snapshots"):
        imports.undo(SYSTEM, first.id)
    imports.undo(SYSTEM, second.id)
    assert session.execute(text("SELECT source FROM loan WHERE external_id = 'L1'")).scalar_one() == "snapshot"
    imports.undo(SYSTEM, first.id)
    assert session.execute(text("SELECT source FROM loan WHERE external_id = 'L1'")).scalar_one() == "schedule"


def _restated_from(session):
    return session.execute(text("SELECT from_date FROM restatement ORDER BY 1")).scalars().all()


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (
            "schedule",
            "loan_number,number,due_date,amount\nL1,1,2025-05-05,400\nL1,2,2025-06-05,500\n",
            "loan_number,number,due_date,amount\nL1,1,2025-05-05,450\n",
        ),
        (
            "snapshot",
            "loan_number,as_of,dpd\nL1,2025-03-31,9\nL2,2025-03-31,1\n",
            "loan_number,as_of,dpd\nL1,2025-03-31,10\n",
        ),
        ("contacts", "loan_number,phone\nL1,9876543210\n", "loan_number,phone,dnc\nL1,9876543210,yes\n"),
    ],
    ids=["schedule", "snapshot", "contacts"],
)
def test_what_a_later_import_changed_is_taken_back_only_after_it(session, load, kind, first, second):
    added, changed = load(first, kind), load(second, kind)
    with pytest.raises(UndoRefused, match="later imports"):
        imports.undo(SYSTEM, added.id)
    assert imports.undo(SYSTEM, changed.id).status == "undone"
    assert imports.undo(SYSTEM, added.id).status == "undone"
    tables = ("instalment", "reported_snapshot", "contact_point")
    assert [session.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables] == [0, 0, 0]


def test_days_are_derived_again_from_the_due_date_that_comes_back(session, load):
    load("loan_number,number,due_date,amount\nL1,1,2025-03-05,500\n", "schedule")
    moved = load("loan_number,number,due_date,amount\nL1,1,2025-05-25,500\n", "schedule")
    imports.undo(SYSTEM, moved.id)
    assert _restated_from(session) == [date(2025, 3, 5)]


def test_days_are_derived_again_from_the_closing_that_is_taken_back(session, load):
    closed = load(LOANS.replace("Amount\n", "Amount,Closed on\n").replace("1000\n", "1000,2025-03-20\n"))
    imports.undo(SYSTEM, closed.id)
    assert _restated_from(session) == [date(2025, 3, 20)]
