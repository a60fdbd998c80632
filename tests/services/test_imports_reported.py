"""The lender's own figures: where loans stand once a snapshot file has come."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from services import imports, restating
from services.actors import SYSTEM
from services.imports import UndoRefused

LOANS = "Loan No,Customer ID,Loan Amount\nL1,C1,1000\nL2,C2,2000\n"
REPORTS = "loan_number,as_of,dpd,outstanding\nL1,2025-03-31,45,900\nL2,2025-03-31,70,800\n"


@pytest.fixture
def load(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 4, 10, 6, 0, tzinfo=UTC))

    def load_text(content, kind="loan_book", **over):
        path = tmp_path / "file.csv"
        path.write_text(content)
        batch = imports.load_file(SYSTEM, path, kind=kind, **over)
        restating.derive_batch(SYSTEM, batch.id)
        return batch

    return load_text


def _standing(session):
    rows = session.execute(
        text(
            "SELECT l.external_id, l.source, s.dpd, s.outstanding::int FROM loan l "
            "JOIN loan_state s ON s.loan_id = l.id ORDER BY 1"
        )
    )
    return [tuple(row) for row in rows]


def test_loans_that_came_without_standing_stand_where_a_later_snapshot_reports_them(session, load):
    load(LOANS)
    batch = load(REPORTS, "snapshot")
    assert _standing(session) == [("L1", "snapshot", 45, 900), ("L2", "snapshot", 70, 800)]
    imports.undo(SYSTEM, batch.id)
    assert session.execute(text("SELECT DISTINCT source FROM loan")).scalars().all() == ["schedule"]


def test_loans_with_a_schedule_keep_to_it_when_a_snapshot_comes(session, load):
    load(LOANS)
    load("loan_number,due_date,amount\nL1,2025-04-05,1000\n", "schedule")
    load(REPORTS, "snapshot")
    assert _standing(session) == [("L1", "schedule", 5, 1000), ("L2", "snapshot", 70, 800)]


def test_figures_that_were_taken_and_not_followed_before_are_followed_once_they_come_again(session, load):
    load(LOANS)
    load(REPORTS, "snapshot")
    session.execute(text("DELETE FROM import_change"))
    session.execute(text("UPDATE loan SET source = 'schedule'"))
    session.execute(text("UPDATE loan_state SET dpd = 0"))
    batch = load(REPORTS, "snapshot")
    assert (batch.counts["unchanged"], _standing(session)[0][:3]) == (2, ("L1", "snapshot", 45))


# --- files that bring what the loan does not follow ---------------------------------------------------------------

_STATED = "Loan No,Customer ID,Loan Amount,DPD,As of date\nL1,C1,1000,45,2025-03-31\nL2,C2,2000,70,2025-03-31\n"
_SCHEDULE = "loan_number,number,due_date,amount\nL1,1,2025-04-05,500\nL1,2,2025-05-05,500\n"


def _told(batch):
    return [(rule["code"], rule["rows"], rule["lines"]) for rule in batch.report["rules"] if not rule["is_fault"]]


def test_loans_that_keep_the_lenders_own_figures_are_told(session, load):
    load(_STATED)
    batch = load(_SCHEDULE, "schedule")
    assert batch.counts["loans_not_moved"] == 1
    assert _told(batch) == [("loan:kept_from_schedule", 2, [2, 3])]
    paid = load("loan_number,paid_on,amount\nL1,2025-04-04,5\nL9,2025-04-04,5\n", "payments")
    assert _told(paid) == [("loan:kept_from_payments", 1, [2])]
    assert _standing(session)[0][1:3] == ("snapshot", 45)


def test_a_schedule_may_take_the_place_of_the_lenders_own_figures_and_give_it_back(session, load):
    load(_STATED)
    first = load(_SCHEDULE, "schedule")
    batch = load(_SCHEDULE, "schedule", options={"derive": True})
    assert (batch.counts["unchanged"], batch.counts["loans_not_moved"], batch.counts["loans_turned"]) == (2, 0, 1)
    assert _told(batch) == [("loan:derived", 2, [2, 3])]
    assert _standing(session) == [("L1", "schedule", 5, 1000), ("L2", "snapshot", 70, 2000)]
    with pytest.raises(UndoRefused, match="later imports"):
        imports.undo(SYSTEM, first.id)
    imports.undo(SYSTEM, batch.id)
    restating.restate(SYSTEM)
    assert _standing(session)[0][:3] == ("L1", "snapshot", 45)


def test_figures_of_loans_that_have_a_schedule_are_kept_and_told(load):
    load(LOANS)
    load(_SCHEDULE, "schedule")
    assert _told(load(REPORTS, "snapshot")) == [("loan:kept_from_snapshot", 1, [2])]
