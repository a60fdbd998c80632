"""The day-end close: what it writes, that it can be repeated and killed, and what late facts do to closed days."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from db.engine import transaction
from db.models.owes import Lender, Loan
from db.models.stands import BucketFlow, CloseRun, LoanSnapshot, LoanSnapshotRestated, LoanState, PortfolioDay
from db.queries import close_runs
from db.queries.loan_scope import BLOCK
from services import closing, facts, restating
from services.actors import SYSTEM
from services.errors import Conflict, NotAllowed, Refused
from tests.builders import make_borrower, make_instalment, make_loan, make_payment, make_promise
from tests.conftest import wait_until

APRIL, MAY, JUNE = date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 15)


@pytest.fixture(autouse=True)
def _clock(frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))


def make_book(session, loans=6):
    """Loans due on the 10th of each month from April: the n-th pays n instalments, all on their dates."""
    made = []
    for paid in range(loans):
        loan_id = make_loan(session, make_borrower(session), disbursed_on=date(2025, 3, 10))
        for number in range(1, 6):
            make_instalment(session, loan_id, number, date(2025, 3 + number, 10), 1_000)
            if number <= paid:
                make_payment(session, loan_id, date(2025, 3 + number, 10), 1_000)
        made.append(loan_id)
    return made


def rows(session, model, *order):
    return session.execute(select(*model.__table__.columns).order_by(*order)).all()


def everything(session):
    session.expire_all()
    return {
        "states": rows(session, LoanState, LoanState.loan_id),
        "snapshots": rows(session, LoanSnapshot, LoanSnapshot.as_of, LoanSnapshot.loan_id),
        "days": rows(session, PortfolioDay, *PortfolioDay.__table__.primary_key),
        "flows": rows(session, BucketFlow, *BucketFlow.__table__.primary_key),
    }


def test_close_writes_states_snapshot_and_sums(session):
    make_book(session)
    summary = closing.close(SYSTEM, JUNE)
    assert (summary.loans, summary.changed, summary.restated) == (6, 6, 0)
    buckets = dict(session.execute(select(PortfolioDay.bucket, PortfolioDay.loans)).all())
    assert buckets == {0: 3, 1: 1, 2: 1, 3: 1}
    assert session.execute(select(Lender.closed_through)).scalar_one() == JUNE


def test_close_repeated_changes_nothing(session):
    make_book(session)
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, JUNE)
    before = everything(session)
    summary = closing.close(SYSTEM, JUNE)
    closing.close(SYSTEM, MAY)
    assert (summary.changed, summary.restated) == (0, 0)
    assert everything(session) == before
    assert rows(session, LoanSnapshotRestated) == []


@pytest.mark.parametrize("size", [1, 4])
def test_size_of_ranges_makes_no_difference(session, size):
    make_book(session)
    closing.close(SYSTEM, JUNE)
    expected = everything(session)
    for table in ("loan_state", "loan_snapshot", "portfolio_day", "bucket_flow"):
        session.execute(text(f"DELETE FROM {table}"))
    session.expunge_all()
    closing.close(SYSTEM, JUNE, range_size=size)
    assert everything(session) == expected


def test_past_date_is_closed_without_touching_states(session):
    make_book(session)
    closing.close(SYSTEM, JUNE)
    before = rows(session, LoanState, LoanState.loan_id)
    closing.close(SYSTEM, MAY)
    assert rows(session, LoanState, LoanState.loan_id) == before
    assert session.execute(select(Lender.closed_through)).scalar_one() == JUNE
    may = dict(session.execute(select(PortfolioDay.bucket, PortfolioDay.loans).where(PortfolioDay.as_of == MAY)).all())
    assert may == {0: 4, 1: 1, 2: 1}


def test_every_loan_of_a_cohort_has_one_outcome(session):
    loans = make_book(session, 8)
    closed, written_off, vanished = loans[0], loans[1], loans[2]
    session.execute(update(Loan).where(Loan.id == closed).values(closed_on=date(2025, 6, 2)))
    session.execute(update(Loan).where(Loan.id == written_off).values(written_off_on=date(2025, 6, 3)))
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, JUNE)
    session.execute(text("DELETE FROM loan_snapshot WHERE as_of = :d AND loan_id = :id"), {"d": JUNE, "id": vanished})
    closing.sum_day(session, JUNE)
    flows = session.execute(select(BucketFlow).where(BucketFlow.opening_on == MAY)).scalars().all()
    assert {flow.closing_on for flow in flows} == {JUNE}
    assert {(f.from_bucket, f.to_bucket): f.loans for f in flows} == {
        (2, 100): 1, (1, 101): 1, (0, 102): 1, (0, 0): 5,
    }  # fmt: skip
    cohort = session.execute(
        select(LoanSnapshot.bucket, text("count(*)")).where(LoanSnapshot.as_of == MAY).group_by(LoanSnapshot.bucket)
    ).all()
    for bucket, size in cohort:
        assert sum(f.loans for f in flows if f.from_bucket == bucket) == size


def test_later_day_of_a_month_takes_the_place_of_an_earlier_one_in_flows(session):
    make_book(session)
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, date(2025, 6, 14))
    closing.close(SYSTEM, JUNE)
    pairs = session.execute(select(BucketFlow.opening_on, BucketFlow.closing_on).distinct()).all()
    assert sorted(pairs) == [(APRIL, MAY), (MAY, JUNE)]


def test_late_payment_restates_closed_days_and_leaves_the_earlier_rows_visible(session):
    loans = make_book(session)
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, JUNE)
    behind = loans[1]
    facts.record_payment(SYSTEM, behind, amount=Decimal(2_000), paid_on=date(2025, 5, 20))
    assert session.get_one(LoanState, behind, populate_existing=True).dpd == 0  # state follows at once
    restating.restate(SYSTEM)
    seen = session.execute(
        select(LoanSnapshot.as_of, LoanSnapshot.dpd).where(LoanSnapshot.loan_id == behind).order_by(LoanSnapshot.as_of)
    ).all()
    assert seen == [(APRIL, 0), (MAY, 0), (JUNE, 0)]
    earlier = session.execute(
        select(LoanSnapshotRestated.as_of, LoanSnapshotRestated.dpd, LoanSnapshotRestated.cause)
        .where(LoanSnapshotRestated.loan_id == behind)
        .order_by(LoanSnapshotRestated.as_of)
    ).all()
    assert earlier == [(MAY, 21, "payment recorded late"), (JUNE, 36, "payment recorded late")]
    days = session.execute(
        select(PortfolioDay.as_of, PortfolioDay.loans).where(PortfolioDay.bucket == 0).order_by(PortfolioDay.as_of)
    ).all()
    assert days == [(APRIL, 5), (MAY, 5), (JUNE, 4)]


def test_restated_book_equals_one_closed_after_the_fact(session):
    loans = make_book(session)
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, JUNE)
    facts.record_payment(SYSTEM, loans[0], amount=Decimal(1_000), paid_on=date(2025, 4, 12))
    restating.restate(SYSTEM)
    restated = everything(session)
    for table in ("loan_snapshot", "portfolio_day", "bucket_flow"):
        session.execute(text(f"DELETE FROM {table}"))
    closing.backfill(SYSTEM, APRIL, MAY)
    closing.close(SYSTEM, JUNE)
    assert {k: v for k, v in everything(session).items() if k != "states"} == {
        k: v for k, v in restated.items() if k != "states"
    }


def test_close_of_yesterday_keeps_what_a_payment_of_today_did(session):
    loan_id = make_book(session, 3)[2]
    facts.record_payment(SYSTEM, loan_id, amount=Decimal(1_000), paid_on=date(2025, 6, 16))
    closing.close(SYSTEM, JUNE)
    found = session.get_one(LoanState, loan_id, populate_existing=True)
    assert (found.as_of, found.dpd, found.last_paid_on) == (date(2025, 6, 16), 0, date(2025, 6, 16))
    assert session.get_one(LoanSnapshot, (JUNE, loan_id)).dpd == 5


def test_close_settles_promises_and_opens_cases(session):
    loan_id = make_book(session, 1)[0]
    promise_id = make_promise(session, loan_id, promised_on=date(2025, 6, 1), due_on=date(2025, 6, 5))
    closing.close(SYSTEM, JUNE)
    status = session.execute(text("SELECT status FROM promise WHERE id = :id"), {"id": promise_id}).scalar_one()
    assert status == "broken"
    assert session.execute(text("SELECT count(*) FROM collection_case WHERE closed_on IS NULL")).scalar_one() == 1


def test_snapshot_loan_that_the_file_of_the_month_lacks_is_reported_no_more(session):
    ids = [make_loan(session, make_borrower(session), source="snapshot") for _ in range(2)]
    add = text("INSERT INTO reported_snapshot (loan_id, as_of, dpd, outstanding) VALUES (:id, :d, 0, 10)")
    session.execute(add, [{"id": ids[0], "d": APRIL}, {"id": ids[1], "d": APRIL}, {"id": ids[0], "d": MAY}])
    closing.backfill(SYSTEM, APRIL, MAY)
    flows = session.execute(select(BucketFlow.to_bucket, BucketFlow.loans).order_by(BucketFlow.to_bucket)).all()
    assert flows == [(0, 1), (102, 1)]


def test_old_days_are_forgotten_but_not_month_ends(session):
    make_book(session)
    for day in (date(2025, 4, 15), APRIL, date(2025, 5, 2), MAY, JUNE):
        closing.close(SYSTEM, day)
    assert closing.forget_dailies(SYSTEM, JUNE, keep_days=20) == 12
    days = session.scalars(select(LoanSnapshot.as_of).distinct().order_by(LoanSnapshot.as_of)).all()
    assert days == [APRIL, MAY, JUNE]


def test_agent_may_not_close(session, ana):
    with pytest.raises(NotAllowed):
        closing.close(ana, JUNE)


def test_day_that_has_not_begun_is_refused(session):
    with pytest.raises(Refused):
        closing.close(SYSTEM, date(2025, 6, 17))


def test_day_before_the_first_loan_is_refused(session):
    make_loan(session, make_borrower(session), disbursed_on=date(2024, 1, 5))
    with pytest.raises(Refused, match="begins on 5 Jan 2024: there is nothing to close on 4 Jan 2024"):
        closing.close(SYSTEM, date(2024, 1, 4))
    assert closing.close(SYSTEM, date(2024, 1, 5)).loans == 1
    done = closing.backfill(SYSTEM, date(1024, 1, 1), date(2024, 2, 29))
    assert [each.business_date.month for each in done] == [1, 2]


def test_a_clock_that_was_set_back_is_told(session, frozen_clock):
    session.execute(text("UPDATE lender SET closed_through = '2025-06-20'"))
    with pytest.raises(Refused, match=r"it is 16 Jun 2025 for the lender \(Asia/Kolkata\).*through 20 Jun.*set back"):
        closing.close(SYSTEM, date(2025, 6, 20))
    assert closing.close(SYSTEM, date(2025, 6, 15)).changed == 0  # states stay those of the newest day


def test_empty_book_can_be_closed(session):
    assert closing.close(SYSTEM, JUNE).loans == 0


_CLOSE = "from datetime import date; from services import closing; from services.actors import SYSTEM; "


def test_two_workers_give_what_one_gives(database):
    with transaction() as session:
        make_book(session, 30)
    closing.close(SYSTEM, JUNE, workers=2, range_size=4)
    with transaction() as session:
        together = everything(session)
        session.execute(text("DELETE FROM loan_state; DELETE FROM loan_snapshot"))
        session.execute(text("UPDATE lender SET closed_through = NULL"))
    closing.close(SYSTEM, JUNE)
    with transaction() as session:
        assert everything(session) == together


def test_ranges_of_a_large_book_share_no_lock_and_miss_no_loan(session):
    loan = make_loan(session, make_borrower(session))
    many = """
        INSERT INTO loan (id, external_id, borrower_id, product_id, segment_id, principal)
        SELECT made.id, 'N' || made.id, l.borrower_id, l.product_id, l.segment_id, 1
        FROM loan l, generate_series(1000003, 1021000, 2) AS made (id) WHERE l.id = :loan
    """
    session.execute(text(many), {"loan": loan})
    run_id = close_runs.begin_run(session, JUNE, range_size=BLOCK)
    ranges = []
    while claimed := close_runs.claim_range(session, run_id):
        ranges.append(claimed)
        close_runs.finish_range(session, run_id, claimed, loans=0)
    assert len(ranges) > 1
    blocks = [set(range(one.first_loan_id // BLOCK, one.last_loan_id // BLOCK + 1)) for one in ranges]
    assert len(set.union(*blocks)) == sum(map(len, blocks))
    within = [
        session.scalars(select(Loan.id).where(Loan.id.between(one.first_loan_id, one.last_loan_id))).all()
        for one in ranges
    ]
    assert sorted(loan for part in within for loan in part) == sorted(session.scalars(select(Loan.id)))


def test_late_payment_leaves_the_sums_of_days_whose_loans_are_forgotten(session):
    loans = make_book(session)
    old = date(2025, 5, 20)  # no month-end
    for day in (old, MAY, JUNE):
        closing.close(SYSTEM, day)
    assert closing.forget_dailies(SYSTEM, JUNE, keep_days=10) > 0
    before = [row for row in everything(session)["days"] if row.as_of == old]
    facts.record_payment(SYSTEM, loans[0], paid_on=date(2025, 5, 15), amount=Decimal(1_000), reference="LATE")
    restating.restate(SYSTEM)
    after = everything(session)
    assert [row for row in after["days"] if row.as_of == old] == before
    assert not [row for row in after["snapshots"] if row.as_of == old]


def test_second_close_of_a_date_is_refused_while_one_runs(database):
    from db.queries.closing import lock_close

    with transaction() as other:
        assert lock_close(other, JUNE)
        with pytest.raises(Conflict):
            closing.close(SYSTEM, JUNE)


@pytest.mark.kill
def test_killed_close_goes_on_where_it_was(database):
    with transaction() as session:
        loans = make_book(session, 12)
    with transaction() as blocker:  # the close stops at the second half of the book
        _put_blocking_row(blocker, loans[6])
        process = subprocess.Popen(
            [sys.executable, "-c", _CLOSE + f"closing.close(SYSTEM, date({JUNE:%Y, %-m, %-d}), range_size=3)"],
            env=os.environ,
        )
        wait_until(lambda: _ranges_done() == 2, 30, "half of the close")
        process.send_signal(signal.SIGKILL)
        process.wait()
        blocker.rollback()
    assert _run_statuses() == ["running"]
    summary = closing.close(SYSTEM, JUNE, range_size=3)
    assert summary.loans == 12
    assert summary.changed == 6  # the ranges that were done are not done again
    assert _run_statuses() == ["done"]
    with transaction() as session:
        assert len(everything(session)["snapshots"]) == 12


def _put_blocking_row(session, loan_id):
    """A state that is not committed: whoever writes the same loan waits for it."""
    from tests.builders import make_state

    make_state(session, loan_id)


def _ranges_done():
    with transaction() as session:
        return session.execute(text("SELECT count(*) FROM close_range WHERE done_at IS NOT NULL")).scalar_one()


def _run_statuses():
    with transaction() as session:
        return list(session.scalars(select(CloseRun.status)))


def test_month_ends_that_have_not_come_are_not_written(session):
    with pytest.raises(Refused, match="31 Jan 2900 has not begun yet"):
        closing.backfill(SYSTEM, date(2900, 1, 1), date(2900, 1, 31))
    assert session.execute(text("SELECT count(*) FROM close_run WHERE business_date > now()")).scalar_one() == 0
