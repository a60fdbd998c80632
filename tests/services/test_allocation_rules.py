from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.audit import AuditEvent
from db.models.work import Allocation, CollectionCase
from services import allocation, schedules
from services.actors import SYSTEM, Role
from services.allocation import CollectorFacts, Papers, Rule, Scope, Skills, Way
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
NO_PAPERS = Papers(None, None, None, None)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def make_case(session, owner=None, *, region="West", language="hi", closed_by=None, **over):
    segment = builders.make_segment(session, region=region)
    borrower_id = builders.make_borrower(session, language=language)
    builders.make_loan(session, borrower_id, segment_id=segment)
    if closed_by is not None:
        builders.make_case(session, borrower_id, owner_id=closed_by.id, closed_on=TODAY)
    return builders.make_case(session, borrower_id, owner_id=owner.id if owner else None, segment_id=segment, **over)


def set_rules(marek, *rules, effective_from=TODAY):
    based_on = allocation.rule_book(marek).version
    return allocation.save_rules(marek, rules, based_on=based_on, effective_from=effective_from, reason="a test")


def know(marek, actor, **over):
    values = {"team": "North", "agency_id": None, "skills": Skills(), "capacity": None, "papers": NO_PAPERS}
    version = next(one.version for one in allocation.collectors(marek) if one.id == actor.id)
    allocation.save(marek, actor.id, CollectorFacts(**{**values, **over}), version=version)


def owner_of(session, case_id):
    return session.execute(select(CollectionCase.owner_id).where(CollectionCase.id == case_id)).scalar_one()


def to(*actors, name="All", way=Way.ROUND_ROBIN, **over):
    return Rule(name, way, user_ids=tuple(actor.id for actor in actors), **over)


def test_cases_go_to_the_team_that_the_first_matching_rule_names(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    know(marek, ana, team="North")
    know(marek, ben, team="South")
    teams = {one.team: one.team_id for one in allocation.collectors(marek)}
    hard = make_case(session, stage="hard", max_dpd=80)
    soft = [make_case(session, stage="soft", max_dpd=5) for _ in range(2)]
    set_rules(
        marek,
        Rule("Hard cases", Way.BY_LOAD, stages=("hard",), min_dpd=61, team_id=teams["South"]),
        Rule("The rest", Way.ROUND_ROBIN, team_id=teams["North"]),
    )
    counts = allocation.perform(SYSTEM, Scope.UNALLOCATED, asked_by=marek.id)
    assert counts == {"considered": 3, "changed": 3, "unallocated": 0}
    assert owner_of(session, hard) == ben.id
    assert {owner_of(session, case_id) for case_id in soft} == {ana.id}
    rows = session.execute(
        select(Allocation.kind, Allocation.reason, Allocation.allocated_by).where(Allocation.case_id == hard)
    )
    assert rows.all() == [("by_rule", "Rule “Hard cases”, to even out open cases", marek.id)]
    assert session.execute(text("SELECT count(*) FROM allocation WHERE rule_id > 0 AND run_id > 0")).scalar_one() == 3


def test_dry_run_tells_what_the_run_then_does_and_writes_nothing(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    know(marek, ben, capacity=1)
    made = [make_case(session) for _ in range(5)]
    make_case(session, region="East")
    set_rules(marek, to(ben, name="West to Ben", regions=("West",)))
    told = allocation.dry_run(marek, Scope.UNALLOCATED)
    assert all(owner_of(session, case_id) is None for case_id in made)
    assert (told.considered, told.allocated, told.unallocated) == (6, 1, 5)
    assert [(share.rule, share.cases) for share in told.rules] == [("West to Ben", 1)]
    assert [(share.name, share.before, share.after, share.capacity) for share in told.people] == [("Ben Osei", 0, 1, 1)]
    assert [(share.rule, share.cases) for share in told.misses] == [("West to Ben", 4), (None, 1)]
    allocation.perform(SYSTEM, Scope.UNALLOCATED)
    [run] = allocation.allocation_runs(marek)
    assert run.report == told


@pytest.mark.parametrize("bar", ["expired", "absent", "unskilled", "suspended", "disabled"])
def test_rules_pass_over_who_may_not_or_cannot(session, marek, ana, bar):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    if bar == "expired":
        know(marek, ana, papers=Papers("DRA-1", TODAY - timedelta(days=1), None, None))
    elif bar == "absent":
        allocation.add_absence(marek, ana.id, first_day=TODAY, last_day=TODAY, reason="Leave")
    elif bar == "unskilled":
        know(marek, ana, skills=Skills(languages=("ta",)))
    elif bar == "suspended":
        agency_id = allocation.add_agency(marek, name="Sahara")
        know(marek, ana, agency_id=agency_id)
        allocation.recall_agency(marek, agency_id, reason="breach", version=1)
    else:
        session.execute(text("UPDATE app_user SET disabled_at = now() WHERE id = :id"), {"id": ana.id})
    made = [make_case(session) for _ in range(4)]
    set_rules(marek, to(ana, ben))
    allocation.perform(SYSTEM, Scope.UNALLOCATED)
    assert [owner_of(session, case_id) for case_id in made] == [ben.id] * 4


def test_open_complaint_and_case_in_work_are_left_alone(session, marek, ana):
    complained, in_work = make_case(session), make_case(session)
    borrower_id = session.execute(
        select(CollectionCase.borrower_id).where(CollectionCase.id == complained)
    ).scalar_one()
    builders.make_hold(session, borrower_id, kind="complaint", starts_on=TODAY)
    session.execute(
        text("UPDATE collection_case SET held_by = :who, held_until = 'infinity' WHERE id = :id"),
        {"who": marek.id, "id": in_work},
    )
    set_rules(marek, to(ana))
    told = allocation.dry_run(marek, Scope.UNALLOCATED)
    assert (told.considered, told.complaints, told.in_work) == (0, 1, 1)


def test_borrower_who_falls_due_again_goes_to_the_same_agent_but_never_back_after_a_recall(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    again = make_case(session, closed_by=ben)
    taken = make_case(session, ben, closed_by=ben)
    with transaction() as own:
        allocation.recall(own, marek, [taken], reason="complaint", kind="complaint")
    for _ in range(3):
        make_case(session, ben)
    set_rules(marek, to(ana, ben, way=Way.KEEP_AGENT))
    allocation.perform(SYSTEM, Scope.UNALLOCATED)
    assert owner_of(session, again) == ben.id
    assert owner_of(session, taken) == ana.id


def test_dealing_anew_evens_out_and_leaves_what_no_rule_is_about(session, marek, ana):
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    west = [make_case(session, ana) for _ in range(6)]
    east = make_case(session, ana, region="East")
    set_rules(marek, to(ana, ben, way=Way.BY_LOAD, regions=("West",)))
    counts = allocation.perform(SYSTEM, Scope.ALL)
    owners = [owner_of(session, case_id) for case_id in west]
    assert (owners.count(ana.id), owners.count(ben.id)) == (2, 4)  # the one that stays counts too
    assert owner_of(session, east) == ana.id
    assert counts == {"considered": 7, "changed": 4, "unallocated": 1}


def test_before_anything_is_overdue_only_a_rule_that_names_the_stage_gives_a_case_and_none_is_left_over(
    session, marek, ana
):
    near = [make_case(session, stage="pre_due", max_dpd=0, overdue_amount=0, risk_band=band) for band in (2, 5)]
    soft = make_case(session, stage="soft", max_dpd=5)
    set_rules(marek, to(ana))
    assert allocation.perform(SYSTEM, Scope.UNALLOCATED) == {"considered": 1, "changed": 1, "unallocated": 0}
    assert [owner_of(session, case_id) for case_id in (*near, soft)] == [None, None, ana.id]
    set_rules(marek, to(ana), to(ana, name="Riskiest", stages=("pre_due",), risk_bands=(5,)))
    assert allocation.perform(SYSTEM, Scope.ALL) == {"considered": 2, "changed": 1, "unallocated": 0}
    assert [owner_of(session, case_id) for case_id in near] == [None, ana.id]


def test_amounts_bound_a_rule(session, marek, ana):
    small, large = (
        make_case(session, overdue_amount=Decimal(amount), outstanding=Decimal(90_000)) for amount in (4_999, 5_000)
    )
    set_rules(marek, to(ana, min_overdue=Decimal(5_000), max_outstanding=Decimal(90_000)))
    allocation.perform(SYSTEM, Scope.UNALLOCATED)
    assert (owner_of(session, small), owner_of(session, large)) == (None, ana.id)


def test_rules_hold_from_their_day_and_keep_their_history(session, marek, ana, frozen_clock):
    first = set_rules(marek, to(ana, name="Old"))
    later = set_rules(marek, to(ana, name="New"), effective_from=TODAY + timedelta(days=1))
    book = allocation.rule_book(marek)
    assert (book.version, book.in_force, book.rules[0].name) == (later, first, "New")
    assert [version.id for version in allocation.rule_versions(marek)] == [later, first]
    assert allocation.rules_of_version(marek, first)[0].name == "Old"
    make_case(session)
    assert allocation.dry_run(marek, Scope.ALL).rules[0].rule == "Old"
    assert allocation.dry_run(marek, Scope.ALL, uses_newest=True).rules[0].rule == "New"
    with pytest.raises(InvalidInput):
        set_rules(marek, to(ana), effective_from=TODAY - timedelta(days=1))
    with pytest.raises(Conflict):
        allocation.save_rules(marek, [], based_on=first, effective_from=TODAY, reason="stale")
    with pytest.raises(InvalidInput) as refusal:
        set_rules(marek, Rule(" ", Way.BY_LOAD, min_dpd=9, max_dpd=1))
    assert set(refusal.value.fields) == {"name", "target", "dpd"}


def test_rules_are_moved_and_switched_without_touching_the_old_set(session, marek, ana):
    rules = (to(ana, name="A"), to(ana, name="B"))
    assert [rule.name for rule in allocation.moved(rules, 1, -1)] == ["B", "A"]
    assert allocation.moved(rules, 0, -1) == rules
    make_case(session)
    set_rules(marek, *allocation.switched(rules, 0))
    assert [share.rule for share in allocation.dry_run(marek, Scope.ALL).rules] == ["B"]


def test_a_job_performed_twice_runs_the_rules_once(session, marek, ana):
    make_case(session)
    set_rules(marek, to(ana))
    once = allocation.perform(SYSTEM, Scope.UNALLOCATED, job_run_id=7)
    make_case(session)
    assert allocation.perform(SYSTEM, Scope.UNALLOCATED, job_run_id=7) == once
    assert len(allocation.allocation_runs(marek)) == 1
    events = session.execute(select(AuditEvent.action).where(AuditEvent.action == "allocation.run")).all()
    assert len(events) == 1


def test_run_is_asked_for_once_and_needs_rules(session, marek, ana):
    with pytest.raises(Refused, match="No allocation rules"):
        allocation.request_run(marek, Scope.UNALLOCATED)
    with pytest.raises(Refused):
        allocation.switch_daily(marek, is_enabled=True)
    set_rules(marek, to(ana))
    run_id = allocation.request_run(marek, Scope.UNALLOCATED)
    assert allocation.current_run(marek).id == run_id
    with pytest.raises(Conflict):
        allocation.request_run(marek, Scope.ALL)


def test_daily_run_waits_for_the_close(session, marek, ana):
    set_rules(marek, to(ana))
    case_id = make_case(session)
    allocation.switch_daily(marek, is_enabled=True)
    assert schedules.plan_due() is not None  # the time of today has passed: nothing is made up for
    assert allocation.current_run(marek) is None
    yesterday = TODAY - timedelta(days=1)
    assert "skipped" in allocation.daily(SYSTEM, yesterday, job_run_id=1)
    assert allocation.current_run(marek) is not None  # asks again
    session.execute(text("UPDATE lender SET closed_through = :day"), {"day": yesterday})
    allocation.daily(SYSTEM, yesterday, job_run_id=2)
    assert owner_of(session, case_id) == ana.id
    assert "skipped" in allocation.daily(SYSTEM, yesterday - timedelta(days=1), job_run_id=3)


def test_history_is_paged_from_the_latest(session, marek, ana):
    case_id = make_case(session, ana)
    session.execute(
        text("""INSERT INTO allocation (case_id, owner_id, reason, kind)
                SELECT :case_id, :owner_id, 'Rule', 'by_rule' FROM generate_series(1, 60)"""),
        {"case_id": case_id, "owner_id": ana.id},
    )
    allocation.allocate(marek, [case_id], None, reason="On leave")
    first = allocation.history(marek)
    assert first.rows[0].how == "By hand"
    rest = allocation.history(marek, after=first.next_after)
    assert len(first.rows) + len(rest.rows) == 61
    assert rest.next_after is None
    assert len(allocation.history(marek, kind="by_hand").rows) == 1
    assert [change.id for change in allocation.export_history(marek)] == [row.id for row in (*first.rows, *rest.rows)]
    with pytest.raises(NotAllowed):
        allocation.export_history(ana)


def test_two_runs_at_once_give_each_case_once(database):
    """Two workers begin the same run's work at the same moment: the second waits, then finds nothing left."""
    from concurrent.futures import ThreadPoolExecutor

    with transaction() as own:
        ana, marek = (make_actor(own, n, n, role) for n, role in (("ana", Role.AGENT), ("marek", Role.LEADER)))
        for _ in range(9):
            make_case(own)
    set_rules(marek, to(ana))
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: allocation.perform(SYSTEM, Scope.UNALLOCATED), range(3)))
    assert sorted(run["changed"] for run in runs) == [0, 0, 9]
    with reading() as own:
        assert own.execute(text("SELECT count(*) FROM allocation")).scalar_one() == 9
