from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.work import CollectionCase, FollowUp
from services import cases, contacts, follow_ups, queue
from services.errors import Conflict, NotAllowed, NotFound
from services.queue import Cursor, QueueFilter, Tab
from tests import builders

TODAY = date(2025, 6, 16)
MORNING = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def make_case(session, owner, *, dpd=45, **state):
    borrower_id, _ = builders.make_overdue(session, dpd=dpd, **state)
    case_id = builders.make_case(session, borrower_id, owner_id=owner.id if owner else None)
    builders.make_phone(session, borrower_id, number=f"+9198765{borrower_id:05}", is_primary=True, consent=True)
    cases.refresh_for(session, TODAY, [borrower_id])
    return case_id


def ids(page):
    return [row.case_id for row in page.rows]


def test_agent_is_given_own_cases_by_priority_with_reasons(session, ana, marek):
    low, high = make_case(session, ana, dpd=5), make_case(session, ana, dpd=85)
    make_case(session, marek, dpd=85)
    page = queue.page(ana, QueueFilter())
    assert ids(page) == [high, low]
    assert page.rows[0].why == "61–90 days past due, turns NPA within 10 days"
    assert page.rows[0].contact is not None
    assert page.rows[0].contact.is_allowed


def test_agent_cannot_widen_the_filter_to_others(session, ana, marek):
    make_case(session, marek)
    make_case(session, None)
    assert ids(queue.page(ana, QueueFilter(owner_id=marek.id))) == []
    assert ids(queue.page(ana, QueueFilter(is_unallocated=True))) == []
    assert len(ids(queue.page(marek, QueueFilter()))) == 2


def test_closed_hours_are_told_with_the_next_allowed_time(session, ana, frozen_clock):
    make_case(session, ana)
    frozen_clock(datetime(2025, 6, 16, 15, 0, tzinfo=UTC))
    [row] = queue.page(ana, QueueFilter()).rows
    assert row.contact is not None
    assert not row.contact.is_allowed
    assert row.contact.next_allowed_at == datetime(2025, 6, 17, 2, 30, tzinfo=UTC)


def test_pages_follow_each_other_without_gap_or_repeat(session, ana):
    made = {make_case(session, ana, dpd=20) for _ in range(7)}  # all of one priority
    seen: list[int] = []
    after: Cursor | None = None
    for _ in range(4):
        page = queue.page(ana, QueueFilter(), Tab.ALL, after=after, limit=2)
        seen += ids(page)
        after = page.next_after
    assert after is None
    assert len(seen) == 7
    assert set(seen) == made


def test_call_backs_go_by_their_time_whatever_their_priority_and_page_without_gaps(session, ana):
    def call_back(hours, dpd):
        case_id = make_case(session, ana, dpd=dpd)
        borrower_id = session.scalar(text("SELECT borrower_id FROM collection_case WHERE id = :id"), {"id": case_id})
        follow_ups.record(ana, borrower_id, due_at=MORNING + timedelta(days=1, hours=hours), action="call_back")
        return case_id

    late, first, second, same = call_back(3, 80), call_back(0, 5), call_back(1, 40), call_back(1, 85)
    seen, after = [], None
    for _ in range(2):
        page = queue.page(ana, QueueFilter(), Tab.CALL_BACKS, after=after, limit=2)
        seen += ids(page)
        after = page.next_after
    assert seen == [first, *sorted([second, same]), late]
    assert after is None


def test_tabs_hold_what_their_names_say(session, ana):
    now, waiting, broken, call_back = (make_case(session, ana) for _ in range(4))

    def of(case_id):
        return session.execute(text("SELECT borrower_id FROM collection_case WHERE id = :id"), {"id": case_id}).scalar()

    def loan(case_id):
        return session.execute(text("SELECT id FROM loan WHERE borrower_id = :id"), {"id": of(case_id)}).scalar()

    builders.make_promise(session, loan(waiting), promised_on=TODAY, due_on=TODAY + timedelta(days=2))
    builders.make_promise(session, loan(broken), promised_on=TODAY, due_on=TODAY, status="broken")
    at = MORNING + timedelta(days=1)
    contacts.record(
        ana, of(call_back), channel="call", direction="inbound", person="borrower", outcome="call_back", follow_up_at=at
    )
    cases.refresh(session, TODAY, 0, 2**62)
    found = {tab: set(ids(queue.page(ana, QueueFilter(), tab))) for tab in Tab}
    assert found == {
        Tab.NOW: {now, broken},
        Tab.CALL_BACKS: {call_back},
        Tab.PROMISES: set(),
        Tab.BROKEN: {broken},
        Tab.ALL: {now, waiting, broken, call_back},
    }
    counts = queue.page(ana, QueueFilter()).counts
    assert counts == {tab: len(rows) for tab, rows in found.items()}
    cases.refresh(session, TODAY + timedelta(days=2), 0, 2**62)


def test_promise_of_today_is_in_its_tab(session, ana):
    case_id = make_case(session, ana)
    loan_id = session.execute(text("SELECT max(id) FROM loan")).scalar()
    builders.make_promise(session, loan_id, promised_on=TODAY, due_on=TODAY)
    cases.refresh(session, TODAY, 0, 2**62)
    assert ids(queue.page(ana, QueueFilter(), Tab.PROMISES)) == [case_id]


def test_filters_narrow_by_stage_bucket_risk_region_product_and_amount(session, marek):
    late = make_case(session, None, dpd=75, risk_band=5, overdue_amount=Decimal(50_000))
    early = make_case(session, None, dpd=5, risk_band=1)
    product = session.execute(text("SELECT id FROM product")).scalar()

    def found(**asked):
        return ids(queue.page(marek, QueueFilter(**asked), Tab.ALL))

    assert found(stages=("hard", "legal")) == [late]
    assert found(buckets=(3,)) == [late]
    assert found(risk_bands=(1, 2)) == [early]
    assert found(at_least=Decimal(50_000)) == [late]
    assert found(region="North") == []
    assert found(region="West", product_id=product) == [late, early]
    assert found(is_unallocated=True, buckets=(1,)) == [early]


def test_taken_case_is_told_to_the_next_who_asks(session, ana, marek):
    case_id = make_case(session, ana)
    assert queue.take(ana, case_id) == MORNING + queue.LEASE
    with pytest.raises(Conflict, match=r"Ana Pereira has this case open until 11:15"):
        queue.take(marek, case_id)
    assert queue.one(marek, case_id).holder_name == "Ana Pereira"


def test_lease_ends_by_itself(session, ana, marek, frozen_clock):
    case_id = make_case(session, ana)
    queue.take(ana, case_id)
    frozen_clock(MORNING + queue.LEASE)
    assert queue.one(marek, case_id).holder_name is None
    queue.take(marek, case_id)


def test_taking_again_renews_without_another_event(session, ana, frozen_clock):
    case_id = make_case(session, ana)
    queue.take(ana, case_id)
    frozen_clock(MORNING + timedelta(minutes=6))
    assert queue.take(ana, case_id) == MORNING + timedelta(minutes=6) + queue.LEASE
    assert session.execute(select(AuditEvent.action)).scalars().all() == ["case.taken"]


def test_taking_another_lets_go_of_the_first(session, ana):
    first, second = make_case(session, ana), make_case(session, ana)
    queue.take(ana, first)
    queue.take(ana, second)
    held = session.execute(select(CollectionCase.id).where(CollectionCase.held_by == ana.id)).scalars().all()
    assert held == [second]


def test_case_of_another_cannot_be_taken(session, ana, marek):
    with pytest.raises(NotFound):
        queue.take(ana, make_case(session, marek))


def test_analyst_and_auditor_may_not_work_the_queue(session, anil, ada):
    for actor in (anil, ada):
        with pytest.raises(NotAllowed):
            queue.page(actor, QueueFilter())
        with pytest.raises(NotAllowed):
            queue.next_case(actor)


def test_next_case_passes_over_what_others_hold_and_what_was_just_done(session, ana, marek):
    first, second, third = (make_case(session, ana, dpd=dpd) for dpd in (85, 50, 5))
    queue.take(marek, first)
    assert queue.next_case(ana) == second
    assert queue.next_case(ana, but=second) == third
    queue.release(marek)
    assert queue.next_case(ana, but=third) == first


def test_next_case_prefers_who_may_be_called_now(session, ana):
    blocked, allowed = make_case(session, ana, dpd=85), make_case(session, ana, dpd=5)
    borrower_id = queue.one(ana, blocked).borrower_id
    session.execute(text("UPDATE contact_point SET do_not_contact = true WHERE borrower_id = :id"), {"id": borrower_id})
    assert ids(queue.page(ana, QueueFilter())) == [blocked, allowed]
    assert queue.next_case(ana) == allowed


def test_who_is_called_back_later_today_is_left_alone_until_then(session, ana, frozen_clock):
    first, second = make_case(session, ana, dpd=85), make_case(session, ana, dpd=5)
    borrower_id = session.get_one(CollectionCase, first).borrower_id
    follow_ups.record(ana, borrower_id, due_at=MORNING + timedelta(hours=6))
    assert queue.next_case(ana) == second
    assert queue.next_case(ana, but=second) is None
    frozen_clock(MORNING + timedelta(hours=6))
    assert queue.next_case(ana) == first


def test_call_back_that_was_missed_is_offered_though_another_is_set_for_later(session, ana):
    case_id = make_case(session, ana)
    borrower_id = session.get_one(CollectionCase, case_id).borrower_id
    for hours in (-20, 6):
        due_at = MORNING + timedelta(hours=hours)
        session.add(FollowUp(borrower_id=borrower_id, due_at=due_at, action="call_back"))
    session.flush()
    cases.refresh_for(session, TODAY, [borrower_id])
    assert queue.next_case(ana) == case_id


def test_no_case_is_left(ana):
    assert queue.next_case(ana) is None


def test_two_at_once_are_given_different_cases(database):
    """Two leaders' requests at the same moment: nobody waits for the other, nobody gets the other's case."""
    from concurrent.futures import ThreadPoolExecutor

    from db.engine import transaction
    from services.actors import Role
    from tests.conftest import make_actor

    with transaction() as own:
        leaders = [make_actor(own, f"leader{n}", f"Leader {n}", Role.LEADER) for n in range(6)]
        for _ in range(6):
            borrower_id, _loan = builders.make_overdue(own)
            builders.make_case(own, borrower_id)
    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(queue.next_case, leaders))
    assert len(set(given)) == 6
    assert None not in given


def test_fifty_at_once_are_given_fifty_cases_and_the_next_who_asks_the_one_that_is_left(database):
    """The cases that others hold or are claiming are passed over, however many these are at the top of the list."""
    from concurrent.futures import ThreadPoolExecutor

    from db.engine import transaction
    from services.actors import Actor, Role

    with transaction() as own:
        rows = own.execute(
            text("""INSERT INTO app_user (username, name, role, password_hash)
                    SELECT 'l' || n, 'L' || n, 'leader', '!' FROM generate_series(1, 50) n RETURNING id""")
        )
        leaders = [Actor(row.id, "L", Role.LEADER) for row in rows]
        own.execute(
            text("""WITH b AS (INSERT INTO borrower (external_id, name) SELECT 'B' || n, 'B' FROM
                        generate_series(1, 51) n RETURNING id)
                    INSERT INTO collection_case (borrower_id, opened_on) SELECT id, DATE '2025-06-01' FROM b""")
        )
    with ThreadPoolExecutor(25) as pool:
        first = list(pool.map(queue.next_case, leaders))
        assert None not in first
        assert len(set(first)) == 50
    assert queue.next_case(leaders[0], but=first[0]) not in first


def test_strip_counts_todays_work_and_money(session, ana, frozen_clock):
    case_id = make_case(session, ana)
    borrower_id = queue.one(ana, case_id).borrower_id
    loan_id = session.execute(text("SELECT max(id) FROM loan")).scalar()
    frozen_clock(datetime(2025, 6, 15, 8, 0, tzinfo=UTC))
    entry: dict[str, Any] = {"channel": "call", "direction": "inbound"}
    contacts.record(ana, borrower_id, **entry, person="nobody", outcome="no_answer")
    frozen_clock(MORNING)
    contacts.record(ana, borrower_id, **entry, person="borrower", outcome="paid_already")
    contacts.record(ana, borrower_id, **entry, person="nobody", outcome="no_answer")
    builders.make_payment(session, loan_id, TODAY, 1500)
    builders.make_payment(session, loan_id, TODAY - timedelta(days=1), 900)
    strip = queue.day_strip(ana)
    assert (strip.contacts, strip.right_party, strip.borrowers, strip.collected) == (2, 1, 1, 1500)


def test_strip_of_a_leader_is_the_teams(session, ana, marek):
    borrower_id = queue.one(ana, make_case(session, ana)).borrower_id
    contacts.record(ana, borrower_id, channel="call", direction="inbound", person="borrower", outcome="paid_already")
    strip = queue.day_strip(marek)
    assert (strip.contacts, strip.collected) == (1, None)
