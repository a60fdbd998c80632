"""People of a case beside its owner: who adds them, what they then see and may do, and their history."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from services import borrowers, case_people, cases, contacts, follow_ups, holds, promises, queue, timeline
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.queue import QueueFilter, Tab
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def ben(session):
    """Another agent."""
    return make_actor(session, "ben", "Ben Osei", Role.AGENT)


@pytest.fixture
def meera(session, ana):
    """A borrower whose case Ana owns: ids of borrower, loan and case."""
    session.execute(text("UPDATE policy_rule SET is_enabled = false"))
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    case_id = builders.make_case(session, borrower_id, owner_id=ana.id)
    cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id, loan_id, case_id


def add(leader, meera, user, role="field"):
    return case_people.add(leader, meera[0], user_id=user.id, role=role, reason="Visits the area")


def log_call(actor, borrower_id):
    return contacts.record(
        actor, borrower_id, channel="call", direction="inbound", person="nobody", outcome="no_answer"
    )


def sees(actor, borrower_id):
    try:
        borrowers.view(actor, borrower_id)
    except NotFound:
        return False
    return True


def test_added_and_removed_with_reason_event_and_history(session, marek, ben, meera):
    person_id = add(marek, meera, ben)
    case_people.remove(marek, person_id, reason="Moved away")
    [person] = case_people.of_borrower(marek, meera[0])
    assert (person.name, person.role, person.reason, person.added_by_name) == (
        "Ben Osei",
        "field",
        "Visits the area",
        "Marek Nowak",
    )
    assert (person.takes_part, person.removed_by_name, person.remove_reason) == (False, "Marek Nowak", "Moved away")
    events = session.execute(
        select(AuditEvent.action, AuditEvent.summary, AuditEvent.reason, AuditEvent.borrower_id).order_by(AuditEvent.id)
    ).all()
    assert events == [
        ("case.person_added", "added Ben Osei to the case as field agent", "Visits the area", meera[0]),
        ("case.person_removed", "removed Ben Osei from the case as field agent", "Moved away", meera[0]),
    ]


@pytest.mark.parametrize("role", ["field", "legal", "watcher"])
def test_who_takes_part_sees_the_borrower_until_removed(marek, ben, meera, role):
    assert not sees(ben, meera[0])
    person_id = add(marek, meera, ben, role)
    assert sees(ben, meera[0])
    assert [hit.id for hit in borrowers.search(ben, "Meera")] == [meera[0]]
    timeline.of(ben, meera[0])
    case_people.remove(marek, person_id, reason="Done")
    assert not sees(ben, meera[0])
    assert borrowers.search(ben, "Meera") == []


@pytest.mark.parametrize("role", ["field", "legal"])
def test_field_agent_and_legal_officer_record_what_they_did(marek, ben, meera, role):
    add(marek, meera, ben, role)
    log_call(ben, meera[0])
    assert queue.take(ben, meera[2])


def test_watcher_sees_and_does_nothing(session, marek, ben, meera, frozen_clock):
    borrower_id, loan_id, case_id = meera
    add(marek, meera, ben, "watcher")
    phone = builders.make_phone(session, borrower_id)
    hold_id = holds.place(marek, borrower_id, kind="dispute", reason="Says paid")
    acts = (
        lambda: log_call(ben, borrower_id),
        lambda: promises.record(ben, loan_id, amount=Decimal(100), due_on=TODAY, channel="call"),
        lambda: holds.place(ben, borrower_id, kind="dispute", reason="x"),
        lambda: holds.release(ben, hold_id, reason="x"),
        lambda: follow_ups.record(ben, borrower_id, due_at=_later()),
        lambda: borrowers.reveal(ben, phone, reason="x"),
        lambda: queue.take(ben, case_id),
    )
    for act in acts:
        with pytest.raises(NotAllowed, match="You watch this case"):
            act()


def _later():
    from datetime import timedelta

    from services import clock

    return clock.now() + timedelta(hours=2)


def test_list_of_cases_i_take_part_in_is_my_own(marek, ana, ben, meera):
    add(marek, meera, ben, "watcher")
    mine = queue.page(ben, QueueFilter(participant_id=ben.id), Tab.ALL)
    assert [row.case_id for row in mine.rows] == [meera[2]]
    assert queue.page(ben, QueueFilter(), Tab.ALL).rows == ()
    assert queue.page(ana, QueueFilter(participant_id=ben.id), Tab.ALL).rows == ()
    assert queue.next_case(ben, QueueFilter(participant_id=ben.id)) is None  # its owner decides what is next


def test_role_ends_with_the_case(session, marek, ben, meera):
    add(marek, meera, ben)
    session.execute(text("UPDATE collection_case SET closed_on = :d"), {"d": TODAY})
    assert sees(ben, meera[0])  # as its last owner does
    assert [person.takes_part for person in case_people.of_borrower(marek, meera[0])] == [False]
    builders.make_case(session, meera[0])
    assert not sees(ben, meera[0])


def test_same_role_twice_is_told_and_another_is_not(marek, ben, meera):
    add(marek, meera, ben)
    with pytest.raises(Conflict, match="field agent of this case already"):
        add(marek, meera, ben)
    add(marek, meera, ben, "legal")
    [first, _] = case_people.of_borrower(marek, meera[0])
    case_people.remove(marek, first.id, reason="x")
    with pytest.raises(Conflict, match="removed already"):
        case_people.remove(marek, first.id, reason="x")
    assert sees(ben, meera[0])


def test_only_leaders_add_and_remove(marek, ana, anil, ada, ben, meera):
    person_id = add(marek, meera, ben)
    for actor in (ana, anil, ada, ben):
        with pytest.raises(NotAllowed):
            add(actor, meera, ben, "legal")
        with pytest.raises(NotAllowed):
            case_people.remove(actor, person_id, reason="x")
    with pytest.raises(NotFound):
        case_people.of_borrower(make_stranger(ben), meera[0])


def make_stranger(agent):
    from dataclasses import replace

    return replace(agent, id=10_000_000)


def test_wrong_fields_are_named(session, marek, ana, ada, ben, meera):
    with pytest.raises(InvalidInput) as refusal:
        case_people.add(marek, meera[0], user_id=ada.id, role="boss", reason=" ")
    assert set(refusal.value.fields) == {"user", "role", "reason"}
    with pytest.raises(InvalidInput, match="owns this case"):
        add(marek, meera, ana)
    with pytest.raises(InvalidInput):
        case_people.remove(marek, add(marek, meera, ben), reason="")
    with pytest.raises(NotFound):
        case_people.remove(marek, 987654, reason="x")
    session.execute(text("UPDATE collection_case SET closed_on = :d"), {"d": TODAY})
    with pytest.raises(Refused, match="no open case"):
        add(marek, meera, ben, "legal")
