"""Asking for approval: at which level a request waits, and taking it back."""

from decimal import Decimal

import pytest
from sqlalchemy import update

from db.models.approvals import AuthorityLimit
from services import approvals
from services.actors import SYSTEM
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from tests.services.approvals.asking import ask, leader, request

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.parametrize(
    ("amount", "percent", "level"),
    [
        ("25000", None, 1), ("25000.01", None, 2), ("100000", None, 2), ("100000.01", None, 3), ("500000", None, 3),
        ("500000.01", None, 4), ("1", "10", 1), ("1", "10.01", 2), ("1", "25", 2), ("1", "25.01", 3), ("1", "50", 3),
        ("1", "50.01", 4), ("1", "100", 4), ("25000", "50", 3), ("400000", "5", 3),
    ],
)  # fmt: skip
def test_request_waits_at_the_lowest_level_whose_limits_cover_it(session, ana, marek, done, amount, percent, level):
    for held in (2, 3, 4):
        leader(session, f"Level{held}", held)
    assert request(session, ask(session, ana, amount, percent)).level == level


def test_level_that_nobody_else_holds_is_passed_over(session, ana, marek, viv, done):
    assert request(session, ask(session, ana, 60_000)).level == 3  # level 2 has nobody
    assert request(session, ask(session, marek, 1_000, subject_id=2)).level == 3  # level 1 is the maker alone
    excluded = ask(session, ana, 1_000, subject_id=3, excluded_user_ids=[marek.id])
    assert request(session, excluded).level == 3


def test_level_that_nobody_holds_at_all_is_the_lowest_that_covers(session, ana, done):
    assert request(session, ask(session, ana, 60_000)).level == 2


def test_decider_must_be_above_the_level_the_kind_asks_for(session, ana, marek, uma, done):
    assert request(session, ask(session, ana, 1_000, above_level=1)).level == 2


def test_more_than_any_level_may_decide_is_refused(session, ana, done):
    session.execute(update(AuthorityLimit).where(AuthorityLimit.level == 4).values(max_amount=1_000_000))
    with pytest.raises(Refused, match="No level"):
        ask(session, ana, 1_000_001)
    with pytest.raises(Refused, match="No level"):
        ask(session, ana, 1, above_level=4)


def test_kind_with_limits_of_its_own_does_not_read_those_of_every_kind(session, ana, marek, done):
    session.add(AuthorityLimit(kind="waiver", level=1, max_amount=Decimal(500)))
    session.flush()
    assert request(session, ask(session, ana, 500)).level == 1
    with pytest.raises(Refused):
        ask(session, ana, 501, subject_id=2)


def test_subject_waits_once(session, ana, marek, done):
    ask(session, ana)
    with pytest.raises(Conflict, match="waits for a decision already"):
        ask(session, ana)


def test_unknown_kind_no_reason_and_the_system_cannot_ask(session, ana, done):
    with pytest.raises(LookupError):
        ask(session, ana, kind="unheard_of")
    with pytest.raises(InvalidInput):
        ask(session, ana, reason=" ")
    with pytest.raises(NotAllowed):
        ask(session, SYSTEM)


def test_maker_takes_a_request_back_and_may_ask_again(session, ana, marek, done):
    request_id = ask(session, ana)
    with pytest.raises(Refused):
        approvals.withdraw(marek, request_id, reason="not mine")
    approvals.withdraw(ana, request_id, reason="typed wrongly")
    assert done == [("withdrawn", ana.id, 1)]
    with pytest.raises(Conflict):
        approvals.decide(marek, request_id, approve=True, reason="ok")
    with pytest.raises(Conflict):
        approvals.withdraw(ana, request_id, reason="again")
    assert ask(session, ana) != request_id


def test_request_closes_with_the_subject_that_ends(session, ana, marek, done):
    request_id = ask(session, ana)
    assert approvals.withdraw_for(session, SYSTEM, kind="waiver", subject=("waiver", 1), reason="Paid in full.")
    assert not approvals.withdraw_for(session, SYSTEM, kind="waiver", subject=("waiver", 1), reason="again")
    assert request(session, request_id).status == "withdrawn"
