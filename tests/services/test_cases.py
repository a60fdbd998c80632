from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from db.models.stands import LoanState
from db.models.work import CollectionCase, FollowUp
from services import cases
from services.errors import NotFound
from tests import builders

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def refreshed(session, borrower_id, as_of=TODAY):
    cases.refresh_for(session, as_of, [borrower_id])
    return session.execute(
        select(CollectionCase)
        .where(CollectionCase.borrower_id == borrower_id)
        .execution_options(populate_existing=True)
    ).scalar_one()


def codes(case):
    return {reason.code: reason.points for reason in cases.reasons_of(case.priority_reasons)}


def test_case_opens_when_a_borrower_falls_due_and_closes_when_nothing_is_overdue(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=1)
    case = refreshed(session, borrower_id)
    assert (case.opened_on, case.closed_on, case.max_dpd) == (TODAY, None, 1)
    session.execute(text("UPDATE loan_state SET dpd = 0, overdue_amount = 0 WHERE loan_id = :id"), {"id": loan_id})
    assert refreshed(session, borrower_id, TODAY + timedelta(days=1)).closed_on == date(2025, 6, 17)


def test_due_today_opens_no_case(session):
    borrower_id, _ = builders.make_overdue(session, dpd=0, overdue_amount=5000)
    assert cases.refresh_for(session, TODAY, [borrower_id]) == cases.CaseChanges(opened=0, closed=0, changed=0)


def test_borrower_who_falls_due_again_gets_a_new_case(session):
    borrower_id, _ = builders.make_overdue(session, dpd=5)
    builders.make_case(session, borrower_id, opened_on=date(2025, 1, 1), closed_on=date(2025, 2, 1))
    cases.refresh_for(session, TODAY, [borrower_id])
    opened = session.execute(select(CollectionCase.opened_on).order_by(CollectionCase.id)).scalars().all()
    assert opened == [date(2025, 1, 1), TODAY]


def test_case_carries_all_active_loans(session):
    borrower_id, _ = builders.make_overdue(session, dpd=20, risk_band=2)
    worst = builders.make_loan(session, borrower_id, segment_id=builders.make_segment(session, region="North"))
    builders.make_state(session, worst, dpd=75, risk_band=4)
    closed = builders.make_loan(session, borrower_id)
    builders.make_state(session, closed, dpd=300, status="closed")
    case = refreshed(session, borrower_id)
    assert (case.loans, case.max_dpd, case.bucket, case.risk_band, case.stage) == (2, 75, 3, 4, "hard")
    assert (case.overdue_amount, case.outstanding) == (20_000, 160_000)
    assert case.segment_id == session.get_one(LoanState, worst).segment_id


@pytest.mark.parametrize(
    ("dpd", "expected"),
    [
        (5, {"dpd_1_30": 10}),
        (31, {"dpd_31_60": 20}),
        (85, {"dpd_61_90": 35, "near_npa": 10}),
        (90, {"dpd_61_90": 35}),
        (91, {"dpd_91_180": 30}),
        (181, {"dpd_over_180": 15}),
    ],
)
def test_priority_is_the_sum_of_its_reasons(session, dpd, expected):
    borrower_id, _ = builders.make_overdue(session, dpd=dpd)
    case = refreshed(session, borrower_id)
    assert codes(case) == {**expected, "amount_over_5000": 6, "never_contacted": 10}
    assert case.priority == sum(codes(case).values())
    assert list(codes(case).values()) == sorted(codes(case).values(), reverse=True)


def test_every_reason_has_points_and_words():
    assert cases.POINTS.keys() == cases.REASONS.keys()


def test_broken_promise_raises_and_a_running_one_lowers(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_promise(
        session, loan_id, promised_on=date(2025, 5, 1), due_on=date(2025, 5, 9), status="broken", resolved_on=TODAY
    )
    case = refreshed(session, borrower_id)
    assert codes(case)["broken_promise"] == 25
    assert case.has_broken_promise
    builders.make_promise(session, loan_id, amount=700, promised_on=TODAY, due_on=TODAY + timedelta(days=4))
    case = refreshed(session, borrower_id)
    assert not case.has_broken_promise
    assert codes(case)["promise_later"] == -30
    assert (case.promise_due_on, case.promise_amount) == (date(2025, 6, 20), 700)
    assert (case.next_action, case.next_action_on) == ("await_promise", date(2025, 6, 20))
    assert codes(refreshed(session, borrower_id, date(2025, 6, 20)))["promise_due"] == 20


def test_follow_up_decides_the_next_action(session):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    session.add(FollowUp(borrower_id=borrower_id, due_at=datetime(2025, 6, 18, 6, tzinfo=UTC), action="visit"))
    session.flush()
    case = refreshed(session, borrower_id)
    assert (case.next_action, case.next_action_on) == ("visit", date(2025, 6, 18))
    assert codes(case)["follow_up_later"] == -20
    assert codes(refreshed(session, borrower_id, date(2025, 6, 18)))["follow_up_due"] == 30


def test_contact_is_judged_by_the_lenders_date(session):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_contact(session, borrower_id, at=datetime(2025, 6, 15, 19, 0, tzinfo=UTC))  # 00:30 in India
    case = refreshed(session, borrower_id)
    assert codes(case)["contacted_today"] == -25
    assert case.last_outcome == "no_answer"
    assert codes(refreshed(session, borrower_id, TODAY + timedelta(days=3)))["contacted_lately"] == -10
    assert "contacted_lately" not in codes(refreshed(session, borrower_id, TODAY + timedelta(days=4)))


def test_hold_sends_the_case_down_until_it_ends(session):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_hold(session, borrower_id, starts_on=TODAY, ends_on=date(2025, 6, 20))
    case = refreshed(session, borrower_id)
    assert codes(case)["on_hold"] == -60
    assert (case.next_action, case.next_action_on) == ("review_hold", date(2025, 6, 20))
    assert "on_hold" not in codes(refreshed(session, borrower_id, date(2025, 6, 20)))


def test_night_that_closes_yesterday_leaves_cases_as_they_are_to_be_worked_today(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    yesterday = TODAY - timedelta(days=1)
    builders.make_hold(session, borrower_id, starts_on=date(2025, 6, 10), ends_on=TODAY)
    builders.make_promise(session, loan_id, promised_on=date(2025, 6, 10), due_on=TODAY, amount=1_000)
    builders.make_contact(session, borrower_id, at=datetime(2025, 6, 15, 6, tzinfo=UTC))
    case = refreshed(session, borrower_id, yesterday)
    assert {"promise_due", "contacted_lately"} <= codes(case).keys()
    assert "on_hold" not in codes(case)
    session.add(FollowUp(borrower_id=borrower_id, due_at=datetime(2025, 6, 16, 11, tzinfo=UTC), action="call_back"))
    session.flush()
    assert "follow_up_due" in codes(refreshed(session, borrower_id, yesterday))


def test_only_changed_cases_are_written(session):
    for dpd in (5, 50, 95):
        builders.make_overdue(session, dpd=dpd)
    first = cases.refresh(session, TODAY, 0, 2**62)
    assert (first.opened, first.changed) == (3, 3)
    assert cases.refresh(session, TODAY, 0, 2**62) == cases.CaseChanges(opened=0, closed=0, changed=0)


def test_refresh_leaves_borrowers_out_of_range_alone(session):
    borrower_id, _ = builders.make_overdue(session, dpd=5)
    assert cases.refresh(session, TODAY, borrower_id + 1, borrower_id + 9).opened == 0
    assert cases.refresh(session, TODAY, borrower_id, borrower_id).opened == 1


def test_agent_sees_own_borrowers_only(session, ana, marek):
    borrower_id, _ = builders.make_overdue(session, dpd=5)
    builders.make_case(session, borrower_id, owner_id=ana.id, opened_on=date(2025, 1, 1), closed_on=date(2025, 2, 1))
    cases.require_access(session, ana, borrower_id)  # the last case was theirs
    builders.make_case(session, borrower_id, owner_id=marek.id)
    with pytest.raises(NotFound):
        cases.require_access(session, ana, borrower_id)
    cases.require_access(session, marek, borrower_id)
