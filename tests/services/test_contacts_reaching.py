"""Whom a contact reached, where, and its recording."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from db.models.owes import ContactPoint, Party
from db.models.work import ContactAttempt
from services import contacts, holds, timeline
from services.contacts import reaching, recordings
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests import builders

TODAY = date(2025, 6, 16)
EVENING = datetime(2025, 6, 16, 15, 0, tzinfo=UTC)  # 20:30 in India
CALL: dict[str, Any] = {"channel": "call", "direction": "outbound"}


@pytest.fixture
def borrower(session, ana, frozen_clock):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id, is_primary=True, consent=True)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def named(session, borrower_id, role="guarantor", name="Ravi Iyer"):
    party = Party(borrower_id=borrower_id, role=role, name=name)
    session.add(party)
    session.flush()
    return party.id


def paid(actor, borrower_id, person="borrower", **entry):
    return contacts.record(actor, borrower_id, **{**CALL, "outcome": "paid_already", "person": person, **entry})


def test_the_only_guarantor_is_taken_and_among_several_one_is_chosen(session, ana, borrower):
    first = named(session, borrower)
    assert paid(ana, borrower, "guarantor").party_name == "Ravi Iyer"
    named(session, borrower, name="Asha Rao")
    with pytest.raises(InvalidInput, match="choose which guarantor"):
        paid(ana, borrower, "guarantor")
    paid(ana, borrower, "guarantor", party_id=first)
    assert [party.name for party in reaching.parties(ana, borrower)] == ["Ravi Iyer", "Asha Rao"]
    assert session.execute(select(ContactAttempt.party_id)).scalars().all() == [first, first]


def test_nobody_but_the_parties_on_record_is_reached(session, ana, borrower):
    other, _ = builders.make_overdue(session)
    elsewhere = named(session, other)
    for person, party_id in (("guarantor", None), ("co_borrower", elsewhere), ("borrower", elsewhere)):
        with pytest.raises(InvalidInput) as refusal:
            paid(ana, borrower, person, party_id=party_id)
        assert "person" in refusal.value.fields
    assert session.execute(select(ContactAttempt.id)).all() == []


def test_of_a_third_party_nothing_is_noted_but_what_they_told_of_a_death(session, ana, borrower):
    with pytest.raises(InvalidInput, match="nothing is disclosed"):
        contacts.record(ana, borrower, **CALL, person="third_party", outcome="third_party", note="her brother")
    told = holds.Terms("bereavement", "Sister says that he died", None)
    contacts.record(
        ana, borrower, **CALL, person="third_party", outcome="bereavement", note="Sister says that he died", hold=told
    )
    assert session.execute(select(ContactAttempt.person)).scalars().all() == ["third_party"]


def test_number_tried_is_kept_and_must_be_the_borrowers(session, ana, borrower):
    point = session.execute(select(ContactPoint.id)).scalar_one()
    paid(ana, borrower, contact_point_id=point)
    assert session.execute(select(ContactAttempt.contact_point_id)).scalar_one() == point
    other, _ = builders.make_overdue(session)
    theirs = builders.make_phone(session, other, "+919876500000")
    for entry in ({"contact_point_id": theirs}, {"contact_point_id": point, "channel": "email"}):
        with pytest.raises((InvalidInput, Refused)):
            paid(ana, borrower, **entry)


def test_recording_is_asked_for_when_the_lender_wants_it(session, ana, marek, borrower):
    paid(ana, borrower)
    recordings.require(marek, is_required=True, reason="IN-08 from 1 July")
    with pytest.raises(InvalidInput, match="reference of the recording"):
        paid(ana, borrower)
    paid(ana, borrower, recording_reference=" call/77 ", no_recording_reason="line was cut")
    paid(ana, borrower, no_recording_reason="borrower refused")
    paid(ana, borrower, channel="letter", direction="inbound")  # no call, no recording
    rows = session.execute(
        select(ContactAttempt.recording_reference, ContactAttempt.no_recording_reason).order_by(ContactAttempt.id)
    ).all()
    assert rows[1:3] == [("call/77", None), (None, "borrower refused")]
    with pytest.raises(Refused):
        recordings.require(marek, is_required=True, reason="again")
    with pytest.raises(NotAllowed):
        recordings.require(ana, is_required=False, reason="No")
    event = session.execute(select(AuditEvent).where(AuditEvent.action == "setting.changed")).scalar_one()
    assert (event.before, event.after) == ({"recording_required": False}, {"recording_required": True})


def test_contact_against_the_gate_has_its_own_mark_in_the_timeline(session, marek, borrower, frozen_clock):
    paid(marek, borrower)
    frozen_clock(EVENING)
    assert reaching.allowed(marek, borrower, "call").rule == "hours"
    paid(marek, borrower, override_reason="Asked for 20:30")
    assert [entry.kind for entry in timeline.of(marek, borrower, kinds=["contact"]).entries] == ["override", "contact"]
    [entry] = timeline.of(marek, borrower, kinds=["override"]).entries
    assert entry.state == "against the gate"
    assert "reason: Asked for 20:30 · rule hours" in (entry.detail or "")


def test_who_may_not_see_the_borrower_learns_nothing_of_it(session, ana, adam):
    other, _ = builders.make_overdue(session)
    for ask in (lambda actor: reaching.parties(actor, other), lambda actor: reaching.allowed(actor, other, "call")):
        with pytest.raises(NotFound):
            ask(ana)
        with pytest.raises(NotAllowed):
            ask(adam)
