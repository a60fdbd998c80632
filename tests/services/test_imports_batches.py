"""From file to facts and back: what is taken, changed, repeated and undone, step by step."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from services import closing, imports
from services.actors import SYSTEM
from services.errors import InvalidInput, NotAllowed
from services.imports import UndoRefused, batches, rejects
from services.imports.rejects import rejects_csv
from tests.services.import_files import LOANS, count, load, one


def test_the_same_file_twice_changes_nothing(session, tmp_path):
    load(tmp_path, LOANS)
    again = load(tmp_path, LOANS)
    assert {k: again.counts[k] for k in ("new", "changed", "unchanged")} == {"new": 0, "changed": 0, "unchanged": 2}
    assert count(session, "import_change") == 0


def test_changes_are_previewed_from_to_and_undone(session, tmp_path):
    load(tmp_path, LOANS)
    second = load(tmp_path, LOANS.replace("2000", "2500").replace("D2", "D9"))
    changes = {c["field"]: (c["from"], c["to"]) for c in second.report["samples"][0]["changes"]}
    assert changes == {"principal": (2000.0, 2500.0), "Dealer": ("D2", "D9")}
    imports.undo(SYSTEM, second.id)
    assert tuple(one(session, "SELECT principal, attributes FROM loan WHERE external_id = 'L2'")) == (
        Decimal(2000),
        {"Dealer": "D2"},
    )


def test_an_undone_book_leaves_nothing(session, tmp_path):
    batch = load(tmp_path, LOANS)
    imports.undo(SYSTEM, batch.id)
    assert [count(session, t) for t in ("loan", "borrower", "contact_point")] == [0, 0, 0]


def test_undo_is_refused_once_something_depends_on_it(session, tmp_path):
    batch = load(tmp_path, LOANS)
    load(tmp_path, "loan_number,paid_on,amount\nL1,2025-03-01,100\n", "payments")
    with pytest.raises(UndoRefused, match="payments of its loans"):
        imports.undo(SYSTEM, batch.id)
    assert imports.view(SYSTEM, batch.id).status == "committed"


def test_rejected_rows_come_back_mended(session, tmp_path):
    batch = load(tmp_path, LOANS + "L3,C3,=cmd|x,-7,2025-01-01,D3\n")
    rejects = rejects_csv(SYSTEM, batch.id).decode("utf-8-sig")
    assert "'=cmd|x" in rejects
    assert "Principal is negative" in rejects
    mended = load(tmp_path, rejects.replace("-7", "7"))
    assert mended.counts["loans_new"] == 1
    row = one(
        session,
        "SELECT b.name, l.attributes FROM loan l JOIN borrower b ON b.id = l.borrower_id WHERE l.external_id = 'L3'",
    )
    assert tuple(row) == ("=cmd|x", {"Dealer": "D3"})


def test_rejected_rows_open_as_a_table_where_the_decimal_sign_is_a_comma(session, tmp_path):
    batch = load(tmp_path, "Loan No;Loan Amount\nL1;1,5\nL2;x\n", options={"decimal": ","})
    rejects = rejects_csv(SYSTEM, batch.id).decode("utf-8-sig")
    assert rejects.splitlines()[0] == "Loan No;Loan Amount;Recoup: why not taken"
    mended = load(tmp_path, rejects.replace("x;", "2,5;"), options={"decimal": ","})
    assert mended.counts["loans_new"] == 1


def test_snapshots_long_and_wide(session, tmp_path):
    load(tmp_path, LOANS)
    long = load(tmp_path, "loan_number,as_of,dpd,outstanding\nL1,2025-03-31,35,900\nL1,2025-04-30,0,800\n", "snapshot")
    wide = load(
        tmp_path,
        "loan_number,jan,feb\nL2,0,2\n",
        "snapshot",
        mapping={
            "loan_number": "loan_number",
            "jan": "months_past_due@2025-01-31",
            "feb": "months_past_due@2025-02-28",
        },
    )
    assert (long.counts["reported_new"], wide.counts["reported_new"]) == (2, 2)
    assert one(session, "SELECT max(dpd) FROM reported_snapshot WHERE as_of = '2025-02-28'")[0] == 60


def test_mapping_without_a_required_field_is_refused(session, tmp_path):
    with pytest.raises(InvalidInput, match="Principal"):
        load(tmp_path, "Loan No,Colour\nL1,red\n")


def test_agents_may_not_import(session, ana, tmp_path):
    with pytest.raises(NotAllowed):
        imports.load_file(ana, tmp_path / "x.csv", kind="loan_book")


def test_every_step_is_in_the_trail_and_staging_is_gone(session, tmp_path):
    load(tmp_path, LOANS)
    actions = session.execute(text("SELECT action FROM audit_event ORDER BY id")).scalars().all()
    assert actions == ["import.uploaded", "import.committed"]
    left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace"
    assert session.execute(text(left)).scalar_one() == 0


def test_a_file_imported_later_is_checked_again_when_the_book_has_changed(session, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(LOANS)
    first = batches.begin(SYSTEM, path, file_name="a.csv", kind=imports.Kind.LOAN_BOOK)
    imports.check(SYSTEM, first.id)
    load(tmp_path, LOANS.replace("2000", str(2000 + timedelta(1).days)))
    done = imports.commit(SYSTEM, first.id)
    assert (done.counts["loans_new"], done.counts["loans_changed"]) == (0, 1)


def test_a_file_that_an_earlier_version_checked_is_checked_again(session, tmp_path):
    load(tmp_path, LOANS)
    path = tmp_path / "b.csv"
    path.write_text(LOANS.replace("Asha", "Usha").replace("L1", "L8").replace("L2", "L9"))
    batch = batches.begin(SYSTEM, path, file_name="b.csv", kind=imports.Kind.LOAN_BOOK)
    imports.check(SYSTEM, batch.id)
    session.execute(
        text("UPDATE import_batch SET counts = counts - 'borrowers', report = report - 'edition' WHERE id = :id"),
        {"id": batch.id},
    )
    assert imports.commit(SYSTEM, batch.id).counts["borrowers_changed"] == 1


@pytest.mark.parametrize(
    "lost",
    [
        "TRUNCATE staging.raw_{0}, staging.plain_{0}",  # what recovery does to unlogged tables
        "DROP TABLE staging.plain_{0} CASCADE",  # an older version knew no such table
    ],
)
def test_staged_rows_that_a_crash_of_the_server_took_are_read_again(session, tmp_path, lost):
    path = tmp_path / "file.csv"
    path.write_text(LOANS)
    batch = batches.begin(SYSTEM, path, file_name="a.csv", kind=imports.Kind.LOAN_BOOK)
    imports.check(SYSTEM, batch.id)
    session.execute(text(lost.format(batch.id)))
    imports.commit(SYSTEM, batch.id)
    assert count(session, "loan") == 2


def test_an_undone_book_leaves_the_days_that_were_closed_with_it(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    load(tmp_path, LOANS)
    load(tmp_path, "loan_number,due_date,amount\nL1,2025-05-05,500\nL2,2025-05-05,400\n", "schedule")
    closing.close(SYSTEM, date(2025, 5, 31))
    stayed = _days(session)
    book = load(tmp_path, LOANS.replace("L1,C1", "L8,C8").replace("L2,C1", "L9,C9"))
    closing.close(SYSTEM, date(2025, 5, 31))
    assert _days(session) != stayed
    imports.undo(SYSTEM, book.id)
    assert _days(session) == stayed
    assert count(session, "loan_snapshot") == 2


def _days(session):
    columns = "as_of, bucket, asset_class, sum(loans), sum(overdue_amount), sum(outstanding)"
    return session.execute(text(f"SELECT {columns} FROM portfolio_day GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")).all()


def test_rejected_rows_go_after_ninety_days(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    batch = load(tmp_path, LOANS + "L3,C3,Ana,-5,2025-01-01,\n")
    frozen_clock(datetime(2025, 9, 14, 5, 0, tzinfo=UTC))
    assert rejects.forget_old(SYSTEM) == 0
    assert rejects.are_kept(imports.view(SYSTEM, batch.id))
    frozen_clock(datetime(2025, 9, 14, 6, 0, tzinfo=UTC))
    assert rejects.forget_old(SYSTEM) == 1
    assert not rejects.are_kept(imports.view(SYSTEM, batch.id))
