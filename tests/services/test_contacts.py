from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from db.models.audit import AuditEvent
from db.models.work import CollectionCase, ContactAttempt, FollowUp, GateDecision, Hold, Promise, StatusChange
from services import contacts, holds, promises
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests import builders

TODAY = date(2025, 6, 16)
EVENING = datetime(2025, 6, 16, 15, 0, tzinfo=UTC)  # 20:30 in India
CALL: dict[str, Any] = {"channel": "call", "direction": "outbound"}


@pytest.fixture
def case(session, ana, frozen_clock):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id, is_primary=True, consent=True)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id, loan_id


def events(session):
    return session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()


def count(session, model):
    return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_contact_is_kept_with_the_gates_answer_and_moves_the_case(session, ana, case):
    borrower_id, _ = case
    contact = contacts.record(ana, borrower_id, **CALL, person="nobody", outcome="no_answer")
    assert contact.next_action == "call"
    stored = session.execute(select(ContactAttempt.gate_decision_id, ContactAttempt.case_id)).one()
    assert None not in stored
    row = session.execute(select(CollectionCase.last_outcome, CollectionCase.last_contact_at)).one()
    assert row.last_outcome == "no_answer"
    assert row.last_contact_at == datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
    assert events(session) == ["contact.recorded"]


def test_blocked_contact_is_refused_with_the_next_allowed_time_and_the_answer_is_kept(session, ana, case, frozen_clock):
    frozen_clock(EVENING)
    with pytest.raises(Refused, match=r"Allowed from 17 Jun 2025, 08:00\."):
        contacts.record(ana, case[0], **CALL, person="nobody", outcome="no_answer")
    assert count(session, ContactAttempt) == 0
    assert session.execute(select(GateDecision.is_allowed)).scalars().all() == [False]
    assert events(session) == ["contact.blocked"]


def test_call_made_before_the_hours_ended_is_written_down_after(session, ana, case, frozen_clock):
    frozen_clock(EVENING)
    made = datetime(2025, 6, 16, 13, 20, tzinfo=UTC)  # 18:50 in India
    contact = contacts.record(ana, case[0], **CALL, person="nobody", outcome="no_answer", at=made)
    assert contact.at == made
    decided = session.execute(select(GateDecision.is_allowed, GateDecision.at)).one()
    assert tuple(decided) == (True, made)
    assert session.execute(select(AuditEvent.summary)).scalar_one().endswith("made at 18:50)")


@pytest.mark.parametrize("minutes", [1, -24 * 60])
def test_contact_is_of_today_and_has_been(session, ana, case, minutes):
    at = datetime(2025, 6, 16, 5, 30, tzinfo=UTC) + timedelta(minutes=minutes)
    with pytest.raises(InvalidInput) as wrong:
        contacts.record(ana, case[0], **CALL, person="nobody", outcome="no_answer", at=at)
    assert list(wrong.value.fields) == ["at"]
    assert count(session, ContactAttempt) == 0


def test_inbound_contact_is_heard_at_any_hour(session, ana, case, frozen_clock):
    frozen_clock(EVENING)
    contacts.record(ana, case[0], channel="call", direction="inbound", person="borrower", outcome="paid_already")
    assert count(session, GateDecision) == 0
    assert events(session) == ["contact.recorded"]


def test_leader_may_go_against_the_gate_with_a_reason_that_stands_out(session, marek, case, frozen_clock):
    frozen_clock(EVENING)
    contacts.record(
        marek, case[0], **CALL, person="borrower", outcome="paid_already", override_reason="Borrower asked for 20:30"
    )
    event = session.execute(select(AuditEvent.action, AuditEvent.reason, AuditEvent.summary)).one()
    assert event.action == "contact.recorded_against_gate"
    assert event.reason == "Borrower asked for 20:30"
    assert "AGAINST THE GATE" in event.summary
    assert session.execute(select(ContactAttempt.override_reason)).scalar_one() == "Borrower asked for 20:30"


def test_agent_may_not_go_against_the_gate(session, ana, case, frozen_clock):
    frozen_clock(EVENING)
    with pytest.raises(NotAllowed):
        contacts.record(ana, case[0], **CALL, person="nobody", outcome="no_answer", override_reason="I want to")
    assert count(session, ContactAttempt) == 0


def test_promise_comes_with_the_contact_in_one_event(session, ana, case):
    borrower_id, loan_id = case
    terms = promises.Terms(loan_id, Decimal(4000), TODAY + timedelta(days=2))
    contact = contacts.record(ana, borrower_id, **CALL, person="borrower", outcome="promise_to_pay", promise=terms)
    promise = session.execute(select(Promise.amount, Promise.contact_attempt_id)).one()
    assert (promise.amount, promise.contact_attempt_id) == (4000, contact.id)
    assert contact.promise_id is not None
    assert events(session) == ["promise.recorded"]


def test_refused_promise_leaves_no_contact(session, ana, case):
    terms = promises.Terms(case[1], Decimal(999_999), TODAY)
    with pytest.raises(Refused):
        contacts.record(ana, case[0], **CALL, person="borrower", outcome="promise_to_pay", promise=terms)
    assert count(session, ContactAttempt) == 0
    assert count(session, GateDecision) == 0


def test_loan_of_another_borrower_is_refused(session, marek, case):
    _, other_loan = builders.make_overdue(session)
    terms = promises.Terms(other_loan, Decimal(10), TODAY)
    with pytest.raises(Exception, match="another borrower"):
        contacts.record(marek, case[0], **CALL, person="borrower", outcome="promise_to_pay", promise=terms)
    assert count(session, Promise) == 0


@pytest.mark.parametrize(
    ("person", "outcome", "field"),
    [
        ("borrower", "promise_to_pay", "amount"),
        ("borrower", "call_back", "follow_up_at"),
        ("borrower", "refuses_to_pay", "note"),
        ("borrower", "no_answer", "person"),
        ("third_party", "promise_to_pay", "person"),
        ("third_party", "refuses_to_pay", "person"),
        ("nobody", "paid_already", "person"),
        ("borrower", "danced", "outcome"),
        ("neighbour", "third_party", "person"),
    ],
)
def test_outcome_asks_for_what_it_needs(session, ana, case, person, outcome, field):
    with pytest.raises(InvalidInput) as refusal:
        contacts.record(ana, case[0], **CALL, person=person, outcome=outcome)
    assert field in refusal.value.fields
    assert count(session, ContactAttempt) == 0


def test_to_a_third_party_nothing_is_disclosed(session, ana, case):
    contacts.record(ana, case[0], **CALL, person="third_party", outcome="third_party")
    assert session.execute(select(ContactAttempt.person)).scalar_one() == "third_party"


def test_dispute_places_a_hold_with_its_change_of_status(session, ana, case):
    contacts.record(
        ana,
        case[0],
        **CALL,
        person="borrower",
        outcome="dispute",
        note="says March was paid in cash",
        hold=holds.Terms("dispute", "March paid in cash", date(2025, 6, 30)),
    )
    assert session.execute(select(Hold.kind, Hold.ends_on)).one() == ("dispute", date(2025, 6, 30))
    assert session.execute(select(StatusChange.status)).scalar_one() == "dispute"
    assert events(session) == ["hold.placed"]


def test_call_back_becomes_the_next_action_and_the_next_contact_ends_it(session, ana, case, frozen_clock):
    at = datetime(2025, 6, 17, 6, 0, tzinfo=UTC)
    contacts.record(ana, case[0], **CALL, person="borrower", outcome="call_back", follow_up_at=at)
    row = session.execute(select(CollectionCase.next_action, CollectionCase.next_action_on)).one()
    assert row == ("call_back", date(2025, 6, 17))
    frozen_clock(at)
    contacts.record(ana, case[0], **CALL, person="nobody", outcome="no_answer")
    assert session.execute(select(FollowUp.done_at)).scalar_one() is not None


def test_second_submit_is_one_contact_and_one_event(session, ana, case):
    terms = promises.Terms(case[1], Decimal(4000), TODAY)
    entry = {**CALL, "person": "borrower", "outcome": "promise_to_pay", "promise": terms, "request_key": "form-9"}
    first = contacts.record(ana, case[0], **entry)
    assert contacts.record(ana, case[0], **entry) == first
    assert (count(session, ContactAttempt), count(session, Promise), len(events(session))) == (1, 1, 1)


def test_borrower_of_another_agent_is_not_found(session, ana, marek):
    borrower_id, _ = builders.make_overdue(session)
    builders.make_case(session, borrower_id, owner_id=marek.id)
    with pytest.raises(NotFound):
        contacts.record(ana, borrower_id, **CALL, person="nobody", outcome="no_answer")


def test_the_eight_usual_outcomes_come_first(session, ana):
    first = [outcome.code for outcome in contacts.outcomes(ana)][:8]
    assert first == [
        "promise_to_pay",
        "paid_already",
        "call_back",
        "refuses_to_pay",
        "dispute",
        "wrong_number",
        "no_answer",
        "left_message",
    ]
