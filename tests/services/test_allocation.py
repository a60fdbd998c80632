import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from db.models.audit import AuditEvent
from db.models.work import Allocation, CollectionCase
from services import allocation
from services.actors import Role
from services.allocation import Spread
from services.errors import InvalidInput, NotAllowed
from services.queue import QueueFilter, Tab
from tests import builders
from tests.conftest import make_actor

pytestmark = pytest.mark.usefixtures("frozen_clock")


def make_cases(session, number, owner=None):
    made = []
    for _ in range(number):
        borrower_id, _ = builders.make_overdue(session)
        made.append(builders.make_case(session, borrower_id, owner_id=owner.id if owner else None))
    return made


def ids_of(*actors):
    return [actor.id for actor in actors]


def owners(session):
    rows = session.execute(select(CollectionCase.owner_id, func.count()).group_by(CollectionCase.owner_id))
    return {owner_id: number for owner_id, number in rows}  # noqa: C416


def test_allocation_changes_hands_with_history_and_one_event(session, marek, ana):
    made = make_cases(session, 3)
    assert allocation.allocate(marek, made, ana.id, reason="New in the team") == 3
    assert owners(session) == {ana.id: 3}
    history = session.execute(select(Allocation.owner_id, Allocation.allocated_by, Allocation.reason)).all()
    assert history == [(ana.id, marek.id, "New in the team")] * 3
    events = session.execute(select(AuditEvent.action, AuditEvent.summary)).all()
    assert events == [("case.allocated", "allocated 3 cases to Ana Pereira")]


def test_what_the_owner_has_already_is_no_change(session, marek, ana):
    made = make_cases(session, 2, owner=ana)
    assert allocation.allocate(marek, made, ana.id, reason="again") == 0
    assert session.execute(select(func.count()).select_from(Allocation)).scalar_one() == 0


def test_reassigned_case_is_let_go_by_who_had_it_open(session, marek, ana):
    [case_id] = make_cases(session, 1, owner=ana)
    session.execute(text("UPDATE collection_case SET held_by = :id, held_until = 'infinity'"), {"id": ana.id})
    allocation.allocate(marek, [case_id], None, reason="On leave")
    assert session.execute(select(CollectionCase.owner_id, CollectionCase.held_by)).one() == (None, None)


def test_only_leaders_allocate(session, ana, anil):
    made = make_cases(session, 1)
    for actor in (ana, anil):
        with pytest.raises(NotAllowed):
            allocation.allocate(actor, made, ana.id, reason="mine")
        with pytest.raises(NotAllowed):
            allocation.spread(actor, QueueFilter(), Tab.ALL, [ana.id], reason="mine")


def test_wrong_fields_are_named(session, marek, ada, ana):
    with pytest.raises(InvalidInput) as refusal:
        allocation.allocate(marek, [], ada.id, reason=" ")
    assert set(refusal.value.fields) == {"cases", "owner", "reason"}
    session.execute(text("UPDATE app_user SET disabled_at = now() WHERE id = :id"), {"id": ana.id})
    with pytest.raises(InvalidInput):
        allocation.allocate(marek, make_cases(session, 1), ana.id, reason="x")


def test_list_is_allocated_whole(session, marek, ana):
    make_cases(session, 4)
    make_cases(session, 1, owner=marek)
    wanted = QueueFilter(is_unallocated=True)
    assert allocation.allocate_matching(marek, wanted, Tab.ALL, ana.id, reason="All new") == 4
    assert owners(session) == {ana.id: 4, marek.id: 1}
    assert allocation.unallocated(marek).cases == 0


def test_spreading_in_turn_ignores_what_they_have(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    make_cases(session, 5, owner=ana)
    make_cases(session, 6)
    given_out = allocation.spread(
        marek, QueueFilter(is_unallocated=True), Tab.ALL, ids_of(ana, ben), how=Spread.ROUND_ROBIN, reason="Monday"
    )
    assert given_out == {ana.id: 3, ben.id: 3}
    assert owners(session) == {ana.id: 8, ben.id: 3}


def test_spreading_to_even_out_fills_who_has_fewest(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    make_cases(session, 5, owner=ana)
    make_cases(session, 7)
    allocation.spread(marek, QueueFilter(is_unallocated=True), Tab.ALL, ids_of(ana, ben), reason="Monday")
    assert owners(session) == {ana.id: 6, ben.id: 6}
    summary = session.execute(select(AuditEvent.summary)).scalar_one()
    assert summary == "spread 7 cases over 2 people, to even out; 7 changed hands"


def test_dividing_ones_own_list_counts_it_once(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    make_cases(session, 6, owner=ana)
    allocation.spread(marek, QueueFilter(owner_id=ana.id), Tab.ALL, ids_of(ana, ben), reason="Half each")
    assert owners(session) == {ana.id: 3, ben.id: 3}


@given(st.integers(0, 200), st.dictionaries(st.integers(1, 99), st.integers(0, 50), min_size=1, max_size=8))
def test_division_never_gives_to_someone_who_has_more(cases, loads):
    given_to = allocation.divide(cases, loads)
    after = {owner: load + given_to.count(owner) for owner, load in loads.items()}
    assert len(given_to) == cases
    lowest = min(after.values())
    for owner in set(given_to):
        assert after[owner] <= lowest + 1
