from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from db.engine import transaction
from db.models.access import AppUser
from db.models.approvals import ApprovalRequest, Authority, AuthorityLimit
from db.models.audit import AuditEvent
from services import approvals
from services.actors import SYSTEM, Role
from services.approvals import authority, delegating, kinds
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from tests import builders
from tests.conftest import make_actor

pytestmark = pytest.mark.usefixtures("frozen_clock")
NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
TODAY = date(2025, 6, 16)


@pytest.fixture
def done():
    """What the decisions of the kind 'waiver' did, in order."""
    did = []
    note = lambda what: lambda _, actor, subject_id: did.append((what, actor.id, subject_id))  # noqa: E731
    kinds.register(
        "waiver",
        approvals.Outcome(
            "Waiver",
            note("approved"),
            note("refused"),
            note("withdrawn"),
            facts=lambda _, subject: [("Of", str(subject))],
        ),
    )
    yield did
    kinds._OUTCOMES.pop("waiver")


def leader(session, name, level=None):
    actor = make_actor(session, name.lower(), name, Role.LEADER)
    if level is not None:
        session.add(Authority(user_id=actor.id, level=level))
        session.flush()
    return actor


@pytest.fixture
def uma(session):
    """Holds level 2."""
    return leader(session, "Uma", 2)


@pytest.fixture
def viv(session):
    """Holds level 3."""
    return leader(session, "Viv", 3)


def ask(session, actor, amount=10_000, percent=None, subject_id=1, **over):
    return approvals.ask(
        session,
        actor,
        **{
            "kind": "waiver",
            "subject": ("waiver", subject_id),
            "borrower_id": None,
            "amount": Decimal(amount),
            "percent": Decimal(percent) if percent is not None else None,
            "reason": "Lost the job",
            "summary": f"waive {amount}",
            **over,
        },
    )


def request(session, request_id):
    session.expire_all()
    return session.get_one(ApprovalRequest, request_id)


def events(session, request_id):
    found = session.execute(
        text("SELECT event, level, actor_id FROM approval_event WHERE request_id = :id ORDER BY id"), {"id": request_id}
    )
    return [tuple(row) for row in found]


# --- asking -------------------------------------------------------------------------------------------------------


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


# --- deciding -----------------------------------------------------------------------------------------------------


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


# --- taking back --------------------------------------------------------------------------------------------------


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


# --- time limit ---------------------------------------------------------------------------------------------------


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


# --- standing in --------------------------------------------------------------------------------------------------


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


# --- limits and levels --------------------------------------------------------------------------------------------


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


# --- looking ------------------------------------------------------------------------------------------------------


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
