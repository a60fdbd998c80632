"""Deciding requests: who may, once, with its effect."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from db.engine import transaction
from db.models.access import AppUser
from db.models.approvals import Authority, AuthorityLimit
from db.models.audit import AuditEvent
from services import approvals
from services.actors import SYSTEM, Role
from services.approvals import kinds
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from tests import builders
from tests.conftest import make_actor
from tests.services.approvals.asking import NOW, ask, events, leader, request

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.parametrize("approve", [True, False])
def test_decision_takes_effect_with_one_event_and_is_history(session, ana, marek, done, approve):
    borrower_id = builders.make_borrower(session)
    request_id = ask(session, ana, borrower_id=borrower_id, subject_id=17)
    approvals.decide(marek, request_id, approve=approve, reason="Papers seen")
    status = "approved" if approve else "refused"
    assert done == [(status, marek.id, 17)]
    assert events(session, request_id) == [("asked", 1, ana.id), (status, 1, marek.id)]
    row = request(session, request_id)
    assert (row.status, row.decided_by, row.decided_for, row.decision_reason) == (status, marek.id, None, "Papers seen")
    trail = session.execute(select(AuditEvent.action, AuditEvent.borrower_id, AuditEvent.reason)).all()
    assert trail == [(f"request.{status}", borrower_id, "Papers seen")]


def test_maker_never_decides_whatever_the_level(session, viv, done):
    request_id = ask(session, viv)
    with pytest.raises(Refused, match="asked for this yourself"):
        approvals.decide(viv, request_id, approve=True, reason="mine")
    assert done == []


def test_excluded_user_never_decides(session, ana, marek, viv, done):
    request_id = ask(session, ana, excluded_user_ids=[viv.id])
    with pytest.raises(Refused, match="had part in"):
        approvals.decide(viv, request_id, approve=True, reason="ok")
    approvals.decide(marek, request_id, approve=True, reason="ok")


@pytest.mark.parametrize(
    ("amount", "percent", "level", "may"),
    [
        (25_000, 10, 1, True), ("25000.01", 10, 1, False), (25_000, "10.01", 1, False), (100_000, 25, 2, True),
        (100_001, 25, 2, False), (100_000, 26, 2, False), (500_000, 50, 3, True), (500_001, 1, 3, False),
        (1, 51, 3, False), (9_000_000, 100, 4, True), (1, 1, 4, True),
    ],
)  # fmt: skip
def test_each_level_decides_up_to_its_limits_and_no_further(session, ana, done, amount, percent, level, may):
    for held in (1, 2, 3, 4):
        leader(session, f"Level{held}", held)
    decider = leader(session, "Decider", level)
    request_id = ask(session, ana, amount, percent)
    if may:
        approvals.decide(decider, request_id, approve=True, reason="ok")
        assert len(done) == 1
    else:
        with pytest.raises(Refused, match=f"Yours is level {level}"):
            approvals.decide(decider, request_id, approve=True, reason="ok")
        assert done == []


def test_limit_lowered_while_it_waits_holds_at_the_decision(session, ana, marek, done):
    request_id = ask(session, ana, 20_000)
    session.execute(update(AuthorityLimit).where(AuthorityLimit.level == 1).values(max_amount=15_000))
    with pytest.raises(Refused):
        approvals.decide(marek, request_id, approve=True, reason="ok")


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST, Role.AUDITOR, Role.ADMIN])
def test_role_without_the_permission_may_not_decide(session, ana, done, role):
    request_id = ask(session, ana)
    someone = make_actor(session, "someone", "Someone", role)
    session.add(Authority(user_id=someone.id, level=4))  # a level left from an earlier role
    session.flush()
    with pytest.raises(NotAllowed):
        approvals.decide(someone, request_id, approve=True, reason="ok")


def test_system_and_disabled_user_hold_no_authority(session, ana, marek, done):
    request_id = ask(session, ana)
    session.execute(update(AppUser).where(AppUser.id == marek.id).values(disabled_at=NOW))
    for nobody in (SYSTEM, marek):
        with pytest.raises(Refused):
            approvals.decide(nobody, request_id, approve=True, reason="ok")


def test_decided_request_is_told_to_the_second(session, ana, marek, uma, done):
    request_id = ask(session, ana)
    approvals.decide(uma, request_id, approve=False, reason="no")
    with pytest.raises(Conflict, match="refused by Uma"):
        approvals.decide(marek, request_id, approve=True, reason="yes")
    assert len(done) == 1


def test_outcome_that_cannot_take_effect_leaves_the_request_waiting(session, ana, marek, done):
    def refuse(_session, _actor, _subject_id):
        raise Refused("The loan is closed.")

    kinds.register("waiver", approvals.Outcome("Waiver", refuse, refuse))
    request_id = ask(session, ana)
    with pytest.raises(Refused, match="closed"):
        approvals.decide(marek, request_id, approve=True, reason="ok")
    assert request(session, request_id).status == "waiting"
    assert events(session, request_id) == [("asked", 1, ana.id)]


def test_missing_request_and_missing_reason(session, marek, done):
    with pytest.raises(NotFound):
        approvals.decide(marek, 10**9, approve=True, reason="ok")
    with pytest.raises(InvalidInput):
        approvals.decide(marek, 1, approve=True, reason=" ")


def test_two_approvers_at_once_one_wins_and_the_other_is_told(database):
    did = []
    kinds.register(
        "race",
        approvals.Outcome(
            "Race", lambda _s, a, _: did.append(("approved", a.name)), lambda _s, a, _: did.append(("refused", a.name))
        ),
    )
    with transaction() as opened:
        maker = make_actor(opened, "maker", "Maker", Role.AGENT)
        deciders = [leader(opened, "One", 1), leader(opened, "Two", 2)]
        request_id = ask(opened, maker, kind="race")
    together, told = Barrier(2), []

    def decide(actor, approve):
        together.wait()
        try:
            approvals.decide(actor, request_id, approve=approve, reason="now")
        except Conflict as conflict:
            told.append(conflict.message)

    threads = [Thread(target=decide, args=pair) for pair in zip(deciders, (True, False), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds._OUTCOMES.pop("race")
    assert len(did) == 1
    assert told == [f"This request was {did[0][0]} by {did[0][1]} in the meantime."]


def test_database_itself_refuses_a_maker_as_decider_and_a_change_of_history(session, ana, done):
    request_id = ask(session, ana)
    made = {"id": request_id}
    forbidden = (
        "UPDATE approval_request SET status = 'approved', decided_at = now(), decided_by = asked_by WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="maker_checker"), session.begin_nested():
        session.execute(text(forbidden), made)
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text("DELETE FROM approval_event"))
