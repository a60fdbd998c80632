"""The limits and levels of authority, and the lists of requests."""

from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from services import approvals
from services.approvals import authority
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests.services.approvals.asking import ask

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_admin_sets_limits_and_levels_and_both_stand_in_the_trail(session, adam, marek):
    authority.set_limit(adam, "*", 1, max_amount=Decimal(30_000), max_percent=Decimal(12), hours=8)
    authority.set_level(adam, marek.id, 2)
    line = authority.limits(adam)[0]
    assert (line.max_amount, line.max_percent, line.hours) == (30_000, 12, 8)
    assert {holder.id: holder.level for holder in authority.holders(adam)}[marek.id] == 2
    assert session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all() == [
        "authority_limit.set",
        "authority.set",
    ]


def test_higher_level_may_never_do_less(adam):
    with pytest.raises(Refused, match="level 1"):
        authority.set_limit(adam, "*", 2, max_amount=Decimal(20_000), max_percent=Decimal(25), hours=24)
    with pytest.raises(Refused, match="level 3"):
        authority.set_limit(adam, "*", 2, max_amount=None, max_percent=Decimal(25), hours=24)
    with pytest.raises(Refused, match="level 3"):
        authority.set_limit(adam, "*", 2, max_amount=Decimal(100_000), max_percent=Decimal(60), hours=24)


def test_limits_and_levels_are_for_those_who_configure(session, marek, viv):
    with pytest.raises(NotAllowed):
        authority.set_limit(viv, "*", 1, max_amount=None, max_percent=None, hours=1)
    with pytest.raises(NotAllowed):
        authority.set_level(viv, marek.id, 4)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"max_amount": Decimal(0)}, "max_amount"), ({"max_percent": Decimal(101)}, "max_percent"),
        ({"max_percent": Decimal(0)}, "max_percent"), ({"hours": 0}, "hours"),
    ],
)  # fmt: skip
def test_limit_that_cannot_be_names_the_field(adam, values, field):
    with pytest.raises(InvalidInput) as refusal:
        authority.set_limit(adam, "*", 1, **{"max_amount": None, "max_percent": None, "hours": 1, **values})
    assert set(refusal.value.fields) == {field}


def test_inbox_holds_my_level_and_on_demand_those_below(session, ana, marek, uma, done):
    low, high = ask(session, ana, 1_000), ask(session, ana, 60_000, subject_id=2)
    assert [found.id for found in approvals.inbox(marek).requests] == [low]
    assert [found.id for found in approvals.inbox(uma).requests] == [high]
    page = approvals.inbox(uma, is_exact=False)
    assert ({found.id for found in page.requests}, page.total) == ({low, high}, 2)


def test_all_that_waits_is_listed_whoever_may_decide_it(session, ana, marek, viv, done):
    high = ask(session, ana, 300_000)
    low = ask(session, ana, 10, subject_id=2)
    page = approvals.everything(marek)
    assert [found.id for found in page.requests] == [high, low]
    assert page.requests[0].level == page.highest_held == 3
    session.execute(text("DELETE FROM authority WHERE user_id = :id"), {"id": viv.id})
    assert approvals.everything(marek).highest_held < page.requests[0].level


def test_all_that_waits_is_read_on_page_by_page(session, ana, marek, done):
    asked = [ask(session, ana, 1_000, subject_id=number) for number in range(1, 6)]
    first = approvals.everything(marek, limit=3)
    rest = approvals.everything(marek, limit=3, after=first.next_key)
    assert [found.id for page in (first, rest) for found in page.requests] == asked
    assert (first.total, rest.total, rest.next_key) == (5, 5, None)
    assert approvals.everything(marek, limit=5).next_key is None


def test_makers_see_their_own_and_nothing_of_others(session, ana, marek, uma, done):
    mine, other = ask(session, ana), ask(session, marek, subject_id=2)
    assert [found.id for found in approvals.asked_by_me(ana).requests] == [mine]
    assert approvals.detail(ana, mine).may_withdraw
    with pytest.raises(NotFound):
        approvals.detail(ana, other)
    for look in (approvals.inbox, approvals.everything, approvals.escalated, approvals.decided):
        with pytest.raises(NotAllowed):
            look(ana)


def test_detail_tells_facts_history_and_why_not(session, ana, marek, viv, done):
    request_id = ask(session, ana, 300_000)
    shown = approvals.detail(marek, request_id)
    assert (shown.may_decide, shown.may_withdraw, shown.facts) == (False, False, (("Of", "1"),))
    assert "level 3" in shown.why_not
    assert [event.event for event in shown.history] == ["asked"]
    assert approvals.detail(viv, request_id).may_decide


def test_decided_pages_by_key(session, ana, marek, done):
    made = [ask(session, ana, subject_id=number) for number in range(5)]
    for request_id in made:
        approvals.decide(marek, request_id, approve=True, reason="ok")
    first = approvals.decided(marek, limit=3)
    rest = approvals.decided(marek, limit=3, before=first.next_key)
    assert [found.id for found in (*first.requests, *rest.requests)] == made[::-1]
    assert rest.next_key is None
    assert approvals.decided(marek, is_mine=True, limit=10).requests == approvals.decided(marek, limit=10).requests
