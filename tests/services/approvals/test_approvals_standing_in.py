"""Requests that nobody decides in time, and standing in for a decider who is away."""

from datetime import date, timedelta

import pytest

from services import approvals
from services.actors import SYSTEM
from services.approvals import delegating
from services.errors import InvalidInput, NotAllowed, Refused
from tests.services.approvals.asking import NOW, ask, events, leader, request

pytestmark = pytest.mark.usefixtures("frozen_clock")

TODAY = date(2025, 6, 16)


def test_overdue_request_goes_up_level_by_level_and_keeps_its_history(
    session, ana, marek, uma, viv, done, frozen_clock
):
    request_id = ask(session, ana)
    frozen_clock(NOW + timedelta(hours=23, minutes=59))
    assert not approvals.has_overdue(session)
    assert approvals.escalate_due(SYSTEM) == 0
    frozen_clock(NOW + timedelta(hours=24))
    assert approvals.has_overdue(session)
    assert approvals.escalate_due(SYSTEM) == 1
    assert approvals.escalate_due(SYSTEM) == 0  # twice is once
    with pytest.raises(Refused, match="level 2"):
        approvals.decide(marek, request_id, approve=True, reason="too late")
    frozen_clock(NOW + timedelta(hours=48))
    assert approvals.escalate_due(SYSTEM) == 1
    frozen_clock(NOW + timedelta(hours=96))
    assert approvals.escalate_due(SYSTEM) == 0  # nobody holds level 4: it stays with who can decide it
    approvals.decide(viv, request_id, approve=True, reason="ok")
    assert events(session, request_id)[:3] == [("asked", 1, ana.id), ("escalated", 2, None), ("escalated", 3, None)]


def test_request_at_the_top_stays_and_is_not_asked_for_ever(session, ana, done, frozen_clock):
    top = leader(session, "Top", 4)
    request_id = ask(session, ana, 900_000)
    frozen_clock(NOW + timedelta(days=30))
    assert approvals.escalate_due(SYSTEM) == 0
    assert not approvals.has_overdue(session)
    assert request(session, request_id).due_at is None
    approvals.decide(top, request_id, approve=True, reason="late but right")


def test_only_jobs_escalate(marek):
    with pytest.raises(NotAllowed):
        approvals.escalate_due(marek)


def stand_in(giver, taker, days=5, start=TODAY, **over):
    return delegating.delegate(
        giver, from_user_id=giver.id, to_user_id=taker.id, starts_on=start, ends_on=start + timedelta(days=days),
        reason="Leave", **over,
    )  # fmt: skip


def test_delegate_decides_at_the_absent_ones_level_while_it_holds(session, ana, marek, viv, done, frozen_clock):
    stand_in(viv, marek, start=TODAY + timedelta(days=1), days=2)
    request_id = ask(session, ana, 300_000)
    with pytest.raises(Refused):
        approvals.decide(marek, request_id, approve=True, reason="too early")
    frozen_clock(NOW + timedelta(days=3))
    with pytest.raises(Refused):
        approvals.decide(marek, request_id, approve=True, reason="too late")
    frozen_clock(NOW + timedelta(days=2))
    assert [found.id for found in approvals.inbox(marek).requests] == [request_id]
    assert approvals.detail(marek, request_id).stands_in_for == "Viv"
    approvals.decide(marek, request_id, approve=True, reason="ok")
    row = request(session, request_id)
    assert (row.decided_by, row.decided_for) == (marek.id, viv.id)


def test_delegate_may_not_decide_what_the_absent_one_may_not(session, ana, marek, viv, done):
    stand_in(viv, marek)
    by_viv = ask(session, viv, 300_000)
    excluding_viv = ask(session, ana, 300_000, subject_id=2, excluded_user_ids=[viv.id])
    for request_id in (by_viv, excluding_viv):
        with pytest.raises(Refused):
            approvals.decide(marek, request_id, approve=True, reason="ok")
    assert approvals.inbox(marek, is_exact=False).requests == ()


def test_borrowed_authority_is_not_lent_on(session, ana, marek, uma, viv, done):
    stand_in(viv, uma)
    stand_in(uma, marek)
    request_id = ask(session, ana, 300_000)
    with pytest.raises(Refused, match="level 3"):
        approvals.decide(marek, request_id, approve=True, reason="ok")


def test_ended_delegation_gives_nothing(session, ana, marek, viv, done):
    delegation_id = stand_in(viv, marek)
    delegating.end_delegation(viv, delegation_id)
    request_id = ask(session, ana, 300_000)
    with pytest.raises(Refused):
        approvals.decide(marek, request_id, approve=True, reason="ok")


def test_delegation_is_refused_where_it_makes_no_sense(session, ana, adam, marek, viv):
    with pytest.raises(Refused, match="may not decide"):
        stand_in(viv, ana)
    with pytest.raises(InvalidInput):
        stand_in(viv, viv)
    with pytest.raises(InvalidInput):
        stand_in(viv, marek, days=0)
    with pytest.raises(InvalidInput):
        stand_in(viv, marek, start=TODAY - timedelta(days=1))
    with pytest.raises(NotAllowed):
        delegating.delegate(
            marek,
            from_user_id=viv.id,
            to_user_id=marek.id,
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=1),
            reason="x",
        )
    made = delegating.delegate(
        adam, from_user_id=viv.id, to_user_id=marek.id, starts_on=TODAY, ends_on=TODAY + timedelta(days=1), reason="ill"
    )
    with pytest.raises(NotAllowed):
        delegating.end_delegation(ana, made)


def test_same_delegation_form_twice_is_one_delegation(session, marek, viv):
    first = stand_in(viv, marek, request_key="form")
    assert stand_in(viv, marek, request_key="form") == first
    assert len(delegating.delegations(viv)) == 1
