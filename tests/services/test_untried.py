"""What was not yet tried with a borrower."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from db.models.owes import ContactPoint, Party
from services import contacts
from services.contacts import untried
from services.errors import NotAllowed, NotFound
from tests import builders

EVENING = datetime(2025, 6, 16, 15, 0, tzinfo=UTC)  # 20:30 in India
CALL: dict[str, Any] = {"channel": "call", "direction": "outbound", "person": "nobody", "outcome": "no_answer"}


@pytest.fixture
def borrower(session, ana, frozen_clock):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id, is_primary=True)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def ways(actor, borrower_id):
    return [(way.who, way.channel, way.tries) for way in untried.of_borrower(actor, borrower_id)]


def test_never_tried_comes_first_and_the_longest_ago_next(session, ana, borrower, frozen_clock):
    other = builders.make_phone(session, borrower, "+919876511111")
    assert {tries for _, _, tries in ways(ana, borrower)} == {0}
    contacts.record(ana, borrower, **CALL)  # without a number: the primary one
    frozen_clock(datetime(2025, 6, 16, 6, 30, tzinfo=UTC))
    contacts.record(ana, borrower, **CALL, contact_point_id=other)
    found = untried.of_borrower(ana, borrower)
    assert [(way.channel, way.tries) for way in found] == [("sms", 0), ("sms", 0), ("call", 1), ("call", 1)]
    assert found[2].last_at == datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
    assert found[3].last_outcome == "No answer"


def test_parties_of_the_loan_are_ways_and_without_a_number_a_task(session, ana, borrower):
    for role, name in (("guarantor", "Ravi Iyer"), ("co_borrower", "Asha Rao")):
        session.add(Party(borrower_id=borrower, role=role, name=name))
    session.flush()
    guarantor = session.execute(select(Party.id).where(Party.role == "guarantor")).scalar_one()
    point = builders.make_phone(session, borrower, "+919876522222", party_id=guarantor)
    contacts.record(ana, borrower, **{**CALL, "person": "guarantor", "outcome": "paid_already"}, contact_point_id=point)
    assert set(ways(ana, borrower)) == {
        ("Borrower", "call", 0),
        ("Borrower", "sms", 0),
        ("Guarantor Ravi Iyer", "sms", 0),
        ("Guarantor Ravi Iyer", "call", 1),
        ("Co-borrower Asha Rao", None, 0),
    }


def test_each_way_says_whether_it_is_allowed_now_or_from_when(session, ana, borrower, frozen_clock):
    builders.make_phone(session, borrower, "+919876533333", do_not_contact=True)
    assert {(way.gate.is_allowed, way.is_refused) for way in untried.of_borrower(ana, borrower) if way.gate} == {
        (True, False),
        (True, True),
    }
    frozen_clock(EVENING)
    [call, *_] = [way.gate for way in untried.of_borrower(ana, borrower) if way.channel == "call" and way.gate]
    assert (call.rule, call.next_allowed_at) == ("hours", datetime(2025, 6, 17, 2, 30, tzinfo=UTC))


def test_who_may_not_see_the_borrower_sees_no_ways(session, ana, adam, borrower):
    other, _ = builders.make_overdue(session)
    with pytest.raises(NotFound):
        untried.of_borrower(ana, other)
    with pytest.raises(NotAllowed):
        untried.of_borrower(adam, borrower)
    assert session.execute(select(ContactPoint.id)).all()
