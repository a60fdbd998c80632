"""The clock of complaints, and their states whatever the order of acts."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.engine import transaction
from db.models.grievances import Complaint, ComplaintEvent
from db.models.work import FollowUp
from services import clock, complaints, follow_ups, holds
from services.actors import Role
from services.complaints.clock import MOVES, Happened, Urgency, due_on, replay, urgency
from services.complaints.values import ESCALATION
from services.errors import Conflict, InvalidInput
from tests import builders
from tests.conftest import make_actor
from tests.services.complaints.cases import ACTS, INDIA, NOW, answered, do, entry, received

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.parametrize(
    ("received_on", "last_day"),
    [
        (date(2025, 1, 31), date(2025, 3, 2)),
        (date(2024, 1, 30), date(2024, 2, 29)),
        (date(2025, 6, 30), date(2025, 7, 30)),
        (date(2025, 12, 1), date(2025, 12, 31)),
        (date(2025, 12, 2), date(2026, 1, 1)),
    ],
)
def test_thirty_days_are_counted_from_the_day_after_receipt_whatever_the_months(received_on, last_day):
    assert due_on(received_on, 30) == last_day


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (0, Urgency.IN_TIME),
        (19, Urgency.IN_TIME),
        (20, Urgency.DUE_SOON),
        (26, Urgency.DUE_SOON),
        (27, Urgency.URGENT),
        (30, Urgency.URGENT),
        (31, Urgency.OVERDUE),
    ],
)
def test_alerts_come_on_days_20_and_27_and_overdue_after_day_30(day, said):
    first = date(2025, 1, 31)
    at = first + timedelta(days=day)
    last_day = due_on(first, 30)
    for status in ("open", "acknowledged", "reopened"):
        assert urgency(status, clock_from=first, last_day=last_day, today=at, alert_days=(20, 27)) is said
    for status in ("answered", "closed"):
        assert urgency(status, clock_from=first, last_day=last_day, today=at, alert_days=(20, 27)) is Urgency.DONE


@pytest.mark.parametrize(
    ("received_at", "day"),
    [
        (datetime(2025, 5, 31, 18, 29, 59, tzinfo=UTC), date(2025, 5, 31)),  # 23:59:59 in India
        (datetime(2025, 5, 31, 18, 30, tzinfo=UTC), date(2025, 6, 1)),  # midnight in India
    ],
)
def test_the_day_of_receipt_is_the_lenders_own(session, ana, borrower, received_at, day):
    received(ana, borrower, received_at=received_at)
    row = session.execute(select(Complaint.received_on, Complaint.due_on)).one()
    assert row == (day, day + timedelta(days=30))


def test_it_turns_overdue_at_the_lenders_midnight(session, marek, borrower, frozen_clock):
    complaint_id = received(marek, borrower)
    midnight = datetime(2025, 7, 17, tzinfo=INDIA)
    for at, left, said in ((midnight - timedelta(seconds=1), 0, "Urgent"), (midnight, -1, "Overdue")):
        frozen_clock(at)
        shown = complaints.opened(marek, complaint_id).complaint
        assert (shown.days_left, shown.urgency) == (left, said)
    assert complaints.figures(marek).overdue == 1
    assert [row.id for row in complaints.page(marek, complaints.Wanted("overdue")).rows] == [complaint_id]


def test_officers_are_reminded_on_the_alert_days_until_the_answer(session, marek, borrower):
    complaint_id = received(marek, borrower)
    due = [each.due_at for each in follow_ups.open_of(session, borrower)]
    assert due == [datetime(2025, 7, 6, 10, tzinfo=INDIA), datetime(2025, 7, 13, 10, tzinfo=INDIA)]
    follow_ups.finish(session, borrower)  # what a contact with the borrower does
    assert len(follow_ups.open_of(session, borrower)) == 2
    answered(marek, complaint_id)
    assert follow_ups.open_of(session, borrower) == []


def test_alert_days_that_passed_before_it_was_recorded_remind_of_nothing(session, marek, borrower):
    received(marek, borrower, received_at=NOW - timedelta(days=25))
    assert [row.due_at.astimezone(INDIA).date() for row in session.execute(select(FollowUp.due_at))] == [
        date(2025, 6, 18)
    ]


def test_a_shorter_time_applies_to_new_complaints_only(session, marek, borrower):
    first = received(marek, borrower)
    complaints.configure(marek, answer_days=15, alert_days=[10, 5], escalation="")
    second = received(marek, borrower)
    due = {row.id: row.due_on for row in complaints.page(marek, complaints.Wanted()).rows}
    assert due == {first: date(2025, 7, 16), second: date(2025, 7, 1)}
    assert complaints.settings(marek).escalation == ESCALATION.format(days=15)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"answer_days": 31}, "answer_days"),
        ({"answer_days": 0, "alert_days": []}, "answer_days"),
        ({"alert_days": [30]}, "alert_days"),
        ({"alert_days": []}, "alert_days"),
        ({"escalation": "Write to us again."}, "escalation"),
    ],
)
def test_settings_keep_to_the_law(marek, over, field):
    values = {"answer_days": 30, "alert_days": [20, 27], "escalation": ""}
    with pytest.raises(InvalidInput) as refusal:
        complaints.configure(marek, **{**values, **over})
    assert field in refusal.value.fields


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 12), st.booleans()), max_size=9))
def test_any_order_of_acts_gives_the_state_that_a_replay_of_the_events_gives(database, officers, steps):
    """Acts that do not follow are refused and leave nothing; the hold is in force exactly while it is not closed."""
    with transaction() as session:
        borrower_id = builders.make_borrower(session)
    first, second = officers
    now = NOW
    with clock.frozen(now):
        complaint_id = complaints.receive(first, borrower_id, entry()).id
    status = "open"
    for act, days, is_second in steps:
        now += timedelta(days=days)
        with clock.frozen(now):
            if act in MOVES and status not in MOVES[act]:
                with pytest.raises(Conflict):
                    do(first, complaint_id, act)
                continue
            do(second if is_second else first, complaint_id, act)
        status = act if act in MOVES else status
    with transaction() as session:
        stored = session.execute(select(Complaint).where(Complaint.id == complaint_id)).scalar_one()
        rows = session.execute(
            select(ComplaintEvent).where(ComplaintEvent.complaint_id == complaint_id).order_by(ComplaintEvent.id)
        ).scalars()
        events = [Happened(row.kind, row.on_date, row.done_by, row.outcome, row.amount) for row in rows]
        replayed = replay(events, stored.answer_days)
        for field in type(replayed).__slots__:
            assert getattr(stored, field) == getattr(replayed, field), field
        assert stored.status == status
        in_force = [hold for hold in holds.active(session, borrower_id, as_of=now.date()) if hold.kind == "complaint"]
        assert [hold.id for hold in in_force] == ([] if status == "closed" else [stored.hold_id])


@pytest.fixture
def officers(database):
    with transaction() as session:
        return tuple(make_actor(session, name, name.capitalize(), Role.LEADER) for name in ("lata", "meher"))


def test_two_who_close_at_once_close_it_once(database, officers):
    with transaction() as session:
        borrower_id = builders.make_borrower(session)
    with clock.frozen(NOW):
        complaint_id = received(officers[0], borrower_id)
        answered(officers[0], complaint_id)
    together, results = Barrier(2), []

    def close(officer, outcome):
        together.wait()
        try:
            complaints.close(officer, complaint_id, outcome=outcome, reason="Looked into.")
            results.append(outcome)
        except Conflict as refused:
            results.append(refused)

    threads = [Thread(target=close, args=each) for each in zip(officers, ("upheld", "rejected"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, Conflict) for result in results) == 1
    with transaction() as session:
        closed = session.execute(select(ComplaintEvent.outcome).where(ComplaintEvent.kind == "closed")).scalars().all()
        assert closed == [result for result in results if isinstance(result, str)]
        released = session.execute(text("SELECT count(*) FROM status_change WHERE status = 'complaint_released'"))
        assert released.scalar_one() == 1


def test_acts_are_never_changed_or_taken_away(session, marek, borrower):
    received(marek, borrower)
    for statement in ("UPDATE complaint_event SET kind = 'noted'", "DELETE FROM complaint_event"):
        with pytest.raises(Exception, match="permission denied"), session.begin_nested():
            session.execute(text(statement))
