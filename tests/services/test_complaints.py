"""Complaints: contact stops and the case is recalled, the clock runs, the right person answers and closes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.engine import transaction
from db.models.audit import AuditEvent
from db.models.grievances import Complaint, ComplaintEvent
from db.models.work import Allocation, CollectionCase, FollowUp
from services import allocation, borrowers, cases, clock, complaints, follow_ups, holds, policy, queue, timeline
from services.actors import Role
from services.complaints.clock import MOVES, Happened, Urgency, due_on, replay, urgency
from services.complaints.values import ESCALATION
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.queue import QueueFilter
from tests import builders
from tests.conftest import make_actor

INDIA = ZoneInfo("Asia/Kolkata")
TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India
NOW = datetime(2025, 6, 16, 11, tzinfo=INDIA)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def borrower(session, ana):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id


@pytest.fixture
def leela(session):
    return make_actor(session, "leela", "Leela Menon", Role.LEADER)


def entry(**over):
    values = {"about": "agent_conduct", "channel": "email", "received_at": NOW, "text": "I was shouted at."}
    return complaints.Entry(**{**values, **over})


def received(actor, borrower_id, **over):
    return complaints.receive(actor, borrower_id, entry(**over)).id


def answered(officer, complaint_id):
    complaints.acknowledge(officer, complaint_id, text="We look into it.", sent_by="letter")
    complaints.answer(officer, complaint_id, text="We are sorry.", sent_by="letter")


def case_row(session):
    session.expire_all()
    return session.execute(
        select(CollectionCase.owner_id, CollectionCase.held_by, CollectionCase.next_action, CollectionCase.priority)
    ).one()


def call(session, borrower_id, at=NOW, **over):
    return policy.preview_many(session, [borrower_id], "call", at, **over)[borrower_id]


# --- receiving ------------------------------------------------------------------------------------------------------


def test_a_complaint_stops_contact_recalls_the_case_and_starts_the_clock_as_one_act(session, ana, borrower):
    queue.take(ana, session.execute(select(CollectionCase.id)).scalar_one())
    before = session.execute(select(AuditEvent.id)).all()
    made = complaints.receive(ana, borrower, entry())
    assert (made.number, made.recalled_from) == (f"CMP-{made.id:05}", "Ana Pereira")
    assert case_row(session)[:3] == (None, None, "review_hold")
    [hold] = holds.active(session, borrower, as_of=TODAY)
    assert (hold.kind, hold.ends_on) == ("complaint", None)
    history = session.execute(select(Allocation.owner_id, Allocation.allocated_by, Allocation.kind, Allocation.reason))
    assert history.one() == (None, ana.id, "complaint", f"recalled: complaint {made.number} is open (IN-09)")
    row = session.execute(select(Complaint.status, Complaint.due_on, Complaint.hold_id)).one()
    assert row == ("open", date(2025, 7, 16), hold.id)
    assert len(session.execute(select(AuditEvent.id)).all()) == len(before) + 1


def test_while_it_is_open_nobody_calls_and_nothing_is_automated(session, ana, marek, borrower):
    assert call(session, borrower).is_allowed
    complaint_id = received(ana, borrower)
    for channel in ("call", "visit", "sms", "whatsapp", "email", "letter"):
        for is_automated in (False, True):
            answer = policy.preview_many(session, [borrower], channel, NOW, is_automated=is_automated)[borrower]
            assert (answer.is_allowed, answer.rule, answer.next_allowed_at) == (False, "hold", None)
    answered(marek, complaint_id)
    assert not call(session, borrower).is_allowed
    complaints.close(marek, complaint_id, outcome="rejected", reason="The call was recorded: nobody shouted.")
    assert call(session, borrower).is_allowed


def test_closing_puts_the_case_where_it_would_stand_now(session, ana, marek, borrower):
    before = case_row(session)
    complaint_id = received(ana, borrower)
    assert case_row(session).priority < before.priority
    answered(marek, complaint_id)
    complaints.close(marek, complaint_id, outcome="upheld", reason="Right.")
    after = case_row(session)
    assert (after.next_action, after.priority) == (before.next_action, before.priority)
    assert after.owner_id is None  # a leader gives it to someone


def test_who_had_the_case_sees_it_no_more_and_gets_no_next_one(session, ana, borrower):
    received(ana, borrower)
    with pytest.raises(NotFound):
        borrowers.view(ana, borrower)
    assert queue.next_case(ana, QueueFilter()) is None


def test_a_case_that_another_has_open_is_recalled_all_the_same(session, ana, marek, borrower):
    queue.take(ana, session.execute(select(CollectionCase.id)).scalar_one())
    received(marek, borrower)
    assert case_row(session).held_by is None


def test_until_it_is_closed_the_case_is_given_to_nobody(session, ana, marek, borrower):
    case_id = session.execute(select(CollectionCase.id)).scalar_one()
    complaint_id = received(marek, borrower)
    with pytest.raises(Refused, match="complaint is open"):
        allocation.allocate(marek, [case_id], ana.id, reason="Monday")
    other, _ = builders.make_overdue(session, dpd=45)
    free = builders.make_case(session, other)
    assert allocation.allocate(marek, [case_id, free], ana.id, reason="Monday") == 1
    answered(marek, complaint_id)
    do(marek, complaint_id, "closed")
    assert allocation.allocate(marek, [case_id], ana.id, reason="Closed") == 1


def test_a_borrower_without_a_case_may_complain(session, ada):
    borrower_id = builders.make_borrower(session)
    made = complaints.receive(ada, borrower_id, entry(about="wrong_person"))
    assert made.recalled_from is None
    assert not call(session, borrower_id).is_allowed


def test_a_complaint_may_be_against_an_agency(session, marek, borrower):
    session.execute(text("INSERT INTO agency (id, name) VALUES (7, 'Swift Recovery')"))
    complaint_id = received(marek, borrower, against_agency_id=7)
    assert complaints.opened(marek, complaint_id).complaint.against == "Swift Recovery"


def test_an_agent_records_complaints_of_own_borrowers_only(session, ana):
    other, _ = builders.make_overdue(session, dpd=45)
    builders.make_case(session, other)
    with pytest.raises(NotFound):
        received(ana, other)
    assert session.execute(select(Complaint.id)).all() == []


def test_an_admin_does_not_see_borrowers_and_records_nothing(adam, borrower):
    with pytest.raises(NotAllowed):
        received(adam, borrower)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"about": "weather"}, "about"),
        ({"channel": "pigeon"}, "channel"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 4_001}, "text"),
        ({"received_at": NOW + timedelta(minutes=1)}, "received_at"),
        ({"received_at": NOW - timedelta(days=366)}, "received_at"),
        ({"against_user_id": 0}, "against"),
        ({"against_agency_id": 0}, "agency"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(session, ana, borrower, over, field):
    with pytest.raises(InvalidInput) as refusal:
        received(ana, borrower, **over)
    assert set(refusal.value.fields) == {field}
    assert holds.active(session, borrower, as_of=TODAY) == []


def test_the_same_form_twice_is_one_complaint(session, marek, borrower):
    first = complaints.receive(marek, borrower, entry(), request_key="k")
    again = complaints.receive(marek, borrower, entry(), request_key="k")
    assert (again.id, len(session.execute(select(Complaint.id)).all())) == (first.id, 1)
    assert len(holds.active(session, borrower, as_of=TODAY)) == 1


# --- the clock ------------------------------------------------------------------------------------------------------


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


# --- the states -----------------------------------------------------------------------------------------------------

ACTS = ("acknowledged", "answered", "closed", "reopened", "compensated", "noted")


def do(officer, complaint_id, act):
    if act == "acknowledged":
        complaints.acknowledge(officer, complaint_id, text="Received.", sent_by="email")
    elif act == "answered":
        complaints.answer(officer, complaint_id, text="So it is.", sent_by="letter")
    elif act == "closed":
        complaints.close(officer, complaint_id, outcome="partly_upheld", reason="In part.")
    elif act == "reopened":
        complaints.reopen(officer, complaint_id, reason="Not content.")
    elif act == "compensated":
        complaints.compensate(officer, complaint_id, amount=Decimal("10.50"), paid_on=TODAY, reason="For the call.")
    else:
        complaints.note(officer, complaint_id, text="Listened to the recording.")


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


# --- who may --------------------------------------------------------------------------------------------------------


def test_only_officers_handle_and_agents_do_not_even_read(session, ana, ada, anil, marek, borrower):
    complaint_id = received(marek, borrower)
    for actor in (ana, ada, anil):
        for act in ACTS:
            with pytest.raises(NotAllowed):
                do(actor, complaint_id, act)
    with pytest.raises(NotAllowed):
        complaints.page(ana, complaints.Wanted())
    assert complaints.opened(ada, complaint_id).acts == ()


def test_a_leader_who_is_complained_about_handles_nothing_of_it(session, marek, leela, borrower):
    complaint_id = received(leela, borrower, against_user_id=marek.id)
    answered(leela, complaint_id)
    for act in ACTS:
        with pytest.raises(Refused, match="against you"):
            do(marek, complaint_id, act)
    shown = complaints.opened(marek, complaint_id)
    assert (shown.acts, shown.is_against_actor) == ((), True)
    do(leela, complaint_id, "closed")


def test_the_hold_is_not_released_past_the_complaint(session, marek, borrower):
    complaint_id = received(marek, borrower)
    [hold] = holds.active(session, borrower, as_of=TODAY)
    with pytest.raises(Refused, match="Close the complaint"):
        holds.release(marek, hold.id, reason="Let us go on")
    answered(marek, complaint_id)
    do(marek, complaint_id, "closed")
    assert holds.active(session, borrower, as_of=TODAY) == []


def test_a_second_complaint_keeps_contact_stopped_when_the_first_is_closed(session, marek, borrower):
    first, _ = received(marek, borrower), received(marek, borrower, about="wrong_amount")
    answered(marek, first)
    do(marek, first, "closed")
    assert not call(session, borrower).is_allowed


# --- what is said ---------------------------------------------------------------------------------------------------


def test_every_answer_names_the_ombudsman_and_is_a_letter(session, marek, borrower):
    complaint_id = received(marek, borrower)
    answered(marek, complaint_id)
    *_, answer = complaints.opened(marek, complaint_id).events
    assert answer.text.startswith("We are sorry.\n\n")
    assert "RBI Ombudsman" in answer.text
    letter = complaints.letter(marek, complaint_id, answer.id)
    assert letter.file_name == f"CMP-{complaint_id:05}-answered.html"
    assert "https://cms.rbi.org.in" in letter.content.decode()
    assert "Meera Iyer" in letter.content.decode()


def test_a_letter_cannot_carry_markup_of_the_borrower_or_officer(session, marek, borrower):
    session.execute(text("UPDATE borrower SET name = '<script>x</script>'"))
    complaint_id = received(marek, borrower)
    complaints.acknowledge(marek, complaint_id, text="<b>Read</b>", sent_by="letter")
    event = complaints.opened(marek, complaint_id).events[-1]
    said = complaints.letter(marek, complaint_id, event.id).content.decode()
    assert "<script>" not in said
    assert "<b>Read</b>" not in said


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"paid_on": TODAY + timedelta(days=1)}, "paid_on"),
        ({"reason": " "}, "reason"),
    ],
)
def test_compensation_that_cannot_be_is_refused(marek, borrower, over, field):
    complaint_id = received(marek, borrower)
    values = {"amount": Decimal(100), "paid_on": TODAY, "reason": "For the call."}
    with pytest.raises(InvalidInput) as refusal:
        complaints.compensate(marek, complaint_id, **{**values, **over})
    assert set(refusal.value.fields) == {field}


def test_compensation_adds_up_and_the_same_form_twice_counts_once(marek, borrower):
    complaint_id = received(marek, borrower)
    for key in ("a", "a", "b"):
        complaints.compensate(
            marek, complaint_id, amount=Decimal("250.50"), paid_on=TODAY, reason="Calls at night", request_key=key
        )
    assert complaints.opened(marek, complaint_id).complaint.compensation == Decimal("501.00")


def test_the_timeline_tells_of_it_without_the_borrowers_words(session, marek, borrower):
    complaint_id = received(marek, borrower)
    answered(marek, complaint_id)
    do(marek, complaint_id, "closed")
    entries = timeline.of(marek, borrower, kinds=["complaint"]).entries
    assert [each.title for each in entries] == [
        f"Complaint CMP-{complaint_id:05} closed: partly upheld",
        f"Complaint CMP-{complaint_id:05} answered",
        f"Complaint CMP-{complaint_id:05} acknowledged",
        f"Complaint CMP-{complaint_id:05} received: agent conduct",
    ]
    assert not any("shouted" in (each.detail or "") for each in entries)


# --- lists and figures ----------------------------------------------------------------------------------------------


def test_lists_show_the_most_urgent_first_and_pages_lose_nothing(session, marek, leela):
    made = {}
    for days in (29, 5, 35, 12, 1):
        borrower_id = builders.make_borrower(session)
        made[days] = received(leela, borrower_id, received_at=NOW - timedelta(days=days))
    assert [row.id for row in complaints.page(marek, complaints.Wanted()).rows] == [
        made[days] for days in (35, 29, 12, 5, 1)
    ]
    seen, after = [], None
    while True:
        part = complaints.page(marek, complaints.Wanted(), after=after, limit=2)
        seen += [row.id for row in part.rows]
        if (after := part.next_after) is None:
            break
    assert seen == [made[days] for days in (35, 29, 12, 5, 1)]
    assert [row.id for row in complaints.page(marek, complaints.Wanted("due_soon")).rows] == [made[29]]
    complaints.acknowledge(leela, made[5], text="Read.", sent_by="email")
    assert [row.id for row in complaints.page(leela, complaints.Wanted(is_mine=True)).rows] == [made[5]]
    assert len(complaints.export(marek, complaints.Wanted("all"))) == 5


def test_figures_count_what_waits_and_the_rate_per_thousand_contacts(session, ana, marek, borrower):
    for hours in range(4):
        builders.make_contact(session, borrower, recorded_by=ana.id, at=NOW - timedelta(hours=hours))
    builders.make_contact(session, borrower, recorded_by=ana.id, at=datetime(2025, 5, 31, 20, tzinfo=INDIA))
    first = received(marek, borrower, received_at=NOW - timedelta(days=40))
    received(marek, borrower)
    answered(marek, first)
    shown = complaints.figures(marek)
    assert (shown.awaiting, shown.overdue, shown.to_close, shown.days_to_answer) == (1, 0, 1, 40.0)
    assert (shown.received_this_month, shown.contacts_this_month, shown.per_thousand_contacts) == (1, 4, 250.0)
