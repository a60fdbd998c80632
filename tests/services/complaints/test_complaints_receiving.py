"""Receiving complaints: contact stops, the case is recalled, the clock starts."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.grievances import Complaint
from db.models.work import Allocation, CollectionCase
from services import allocation, borrowers, complaints, holds, policy, queue
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from services.queue import QueueFilter
from tests import builders
from tests.services.complaints.cases import NOW, TODAY, answered, call, do, entry, received

pytestmark = pytest.mark.usefixtures("frozen_clock")


def case_row(session):
    session.expire_all()
    return session.execute(
        select(CollectionCase.owner_id, CollectionCase.held_by, CollectionCase.next_action, CollectionCase.priority)
    ).one()


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
