"""The timetable: once a period, in the lender's time, with what was missed caught up."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jobs.registry import JOBS
from services import jobs, lender, schedules
from services.errors import NotAllowed, NotFound

INDIA = ZoneInfo("Asia/Kolkata")
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def only(session):
    """Leaves one line in the timetable."""

    def leave(kind, *, last=None):
        session.execute(text("DELETE FROM schedule WHERE kind <> :k"), {"k": kind})
        session.execute(text("UPDATE schedule SET last_planned_at = :last"), {"last": last})

    return leave


def asked(session, kind):
    rows = session.execute(text("SELECT * FROM job_run WHERE kind = :k ORDER BY id"), {"k": kind}).all()
    return [row.arguments.get("business_date") for row in rows]


def test_the_close_is_of_the_day_that_ended(session, only, frozen_clock):
    only("close", last=datetime(2025, 6, 15, 0, 30, tzinfo=INDIA))
    frozen_clock(datetime(2025, 6, 16, 0, 29, 59, tzinfo=INDIA))
    assert schedules.plan_due() == []
    frozen_clock(datetime(2025, 6, 16, 0, 30, tzinfo=INDIA))
    schedules.plan_due()
    schedules.plan_due()
    assert asked(session, "close") == ["2025-06-15"]


@pytest.mark.parametrize("machine", ["Pacific/Auckland", "America/Los_Angeles"])
def test_the_lenders_midnight_ends_the_day_wherever_the_machine_is(session, only, frozen_clock, monkeypatch, machine):
    monkeypatch.setenv("TZ", machine)
    time.tzset()
    session.execute(text("UPDATE lender SET time_zone = 'America/New_York'"))
    zone = ZoneInfo("America/New_York")
    only("close", last=datetime(2025, 6, 15, 0, 30, tzinfo=zone))
    frozen_clock(datetime(2025, 6, 15, 23, 59, tzinfo=zone))  # the 16th in Auckland, 20:59 of the 15th in Los Angeles
    assert (lender.current().today, schedules.plan_due()) == (date(2025, 6, 15), [])
    frozen_clock(datetime(2025, 6, 16, 0, 30, tzinfo=zone))
    schedules.plan_due()
    assert (lender.current().today, asked(session, "close")) == (date(2025, 6, 16), ["2025-06-15"])
    monkeypatch.undo()
    time.tzset()


def test_days_missed_are_closed_one_by_one_oldest_first(session, only):
    only("close", last=datetime(2025, 6, 12, 0, 30, tzinfo=INDIA))
    schedules.plan_due()
    assert asked(session, "close") == ["2025-06-12", "2025-06-13", "2025-06-14", "2025-06-15"]


def test_after_a_long_standstill_the_last_month_is_made_up_for(session, only):
    only("close", last=datetime(2024, 1, 1, 0, 30, tzinfo=INDIA))
    schedules.plan_due()
    days = asked(session, "close")
    assert (len(days), days[0], days[-1]) == (35, "2025-05-12", "2025-06-15")


def test_a_new_installation_starts_with_the_last_day(session, only):
    only("close")
    schedules.plan_due()
    assert asked(session, "close") == ["2025-06-15"]


def test_frequent_work_missed_is_done_once(session, only):
    only("audit.seal", last=datetime(2025, 6, 15, tzinfo=UTC))
    assert len(schedules.plan_due()) == 1
    assert schedules.plan_due() == []


def test_frequent_work_does_not_pile_up_behind_a_run_that_waits(session, only, frozen_clock):
    only("audit.seal")
    (first,) = schedules.plan_due()
    frozen_clock(datetime(2025, 6, 16, 5, 40, tzinfo=UTC))
    assert schedules.plan_due() == []
    jobs.finish(jobs.claim(first, 0))
    frozen_clock(datetime(2025, 6, 16, 5, 45, tzinfo=UTC))
    assert len(schedules.plan_due()) == 1


@pytest.mark.parametrize("kind", ["audit.seal", "close"])
def test_work_goes_on_after_a_clock_that_was_ahead_was_set_right(session, only, frozen_clock, kind):
    only(kind, last=datetime(2026, 6, 15, 0, 30, tzinfo=INDIA))
    assert len(schedules.plan_due()) == 1
    assert schedules.plan_due() == []
    for run_id in session.execute(text("SELECT id FROM job_run")).scalars():
        jobs.finish(jobs.claim(run_id, 0))
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    assert len(schedules.plan_due()) == 1


def test_nothing_to_send_plans_no_sending(session, only):
    only("reminders.send")
    assert schedules.plan_due() == []


def test_switched_off_is_not_planned(session, only, adam, marek):
    only("audit.seal")
    with pytest.raises(NotAllowed):
        schedules.switch(marek, "audit.seal", is_enabled=False)
    with pytest.raises(NotFound):
        schedules.switch(adam, "nothing", is_enabled=False)
    schedules.switch(adam, "audit.seal", is_enabled=False)
    assert schedules.plan_due() == []
    assert schedules.timetable(adam)[0].next_at is None


def test_the_timetable_says_what_comes_next(session, marek):
    by_kind = {line.kind: line for line in schedules.timetable(marek)}
    assert by_kind["close"].next_at == datetime(2025, 6, 17, 0, 30, tzinfo=INDIA)
    assert by_kind["reminders.plan"].next_at == datetime(2025, 6, 16, 5, 45, tzinfo=UTC)


def test_each_line_has_its_function(session):
    kinds = set(session.execute(text("SELECT kind FROM schedule")).scalars())
    assert kinds <= set(JOBS)


def test_a_daily_time_that_the_clock_skips_is_planned_once(session, only, frozen_clock):
    session.execute(text("UPDATE lender SET time_zone = 'Europe/London'"))
    only("jobs.clean", last=datetime(2025, 3, 29, 1, 30, tzinfo=UTC))
    session.execute(text("UPDATE schedule SET daily_at = '01:30'"))  # on 30 March London goes from 01:00 to 02:00
    planned = 0
    for quarter in range(24 * 4):
        frozen_clock(datetime(2025, 3, 30, tzinfo=UTC) + timedelta(minutes=15 * quarter))
        planned += len(schedules.plan_due())
    assert planned == 1


@pytest.mark.parametrize("wrong", ["every_minutes = 5", "daily_at = '25:00', every_minutes = NULL"])
def test_a_line_has_one_rhythm(session, wrong):
    with pytest.raises(IntegrityError):
        session.execute(text(f"UPDATE schedule SET {wrong} WHERE kind = 'close'"))
