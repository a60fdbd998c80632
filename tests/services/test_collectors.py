from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from db.models.work import Allocation, CollectionCase
from services import allocation
from services.actors import Role
from services.allocation import CollectorFacts, NotEligible, Papers, PapersSettings, Skills
from services.allocation.papers import months_later, standing
from services.errors import Conflict, InvalidInput, NotAllowed
from services.queue import QueueFilter, Tab
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
IN_ORDER = Papers("DRA-1", date(2026, 6, 30), date(2025, 1, 10), "ID-7")
NOTHING = Papers(None, None, None, None)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def facts(**over):
    values = {"team": None, "agency_id": None, "skills": Skills(), "capacity": None, "papers": IN_ORDER}
    return CollectorFacts(**{**values, **over})


def found(marek, actor):
    return next(one for one in allocation.collectors(marek) if one.id == actor.id)


def make_case(session, owner=None):
    borrower_id, _ = builders.make_overdue(session)
    return builders.make_case(session, borrower_id, owner_id=owner.id if owner else None)


def test_what_is_written_about_a_collector_is_read_back_with_one_event(session, marek, ana):
    agency = allocation.add_agency(marek, name="Sahara Recoveries")
    written = facts(team="North", agency_id=agency, skills=Skills(languages=("hi",), stages=("soft",)), capacity=40)
    allocation.save(marek, ana.id, written, version=0)
    one = found(marek, ana)
    assert (one.team, one.agency, one.capacity, one.skills, one.papers) == (
        "North",
        "Sahara Recoveries",
        40,
        written.skills,
        IN_ORDER,
    )
    assert one.standing.state == "In order"
    actions = session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()
    assert actions == ["agency.added", "collector.changed"]


def test_two_leaders_do_not_overwrite_each_other(session, marek, ana):
    allocation.save(marek, ana.id, facts(), version=0)
    with pytest.raises(Conflict):
        allocation.save(marek, ana.id, facts(capacity=5), version=0)
    allocation.save(marek, ana.id, facts(capacity=5), version=1)
    assert found(marek, ana).capacity == 5


def test_fields_that_cannot_be_are_named(session, marek, ana):
    wrong = facts(capacity=-1, skills=Skills(stages=("whim",)), papers=replace(IN_ORDER, certificate_number=None))
    with pytest.raises(InvalidInput) as refusal:
        allocation.save(marek, ana.id, wrong, version=0)
    assert set(refusal.value.fields) == {"capacity", "stages", "certificate"}


@pytest.mark.parametrize(
    ("papers", "is_required", "state", "says"),
    [
        (IN_ORDER, True, "In order", ""),
        (NOTHING, False, "Attention", "no valid certificate is on file, no police check is on file"),
        (NOTHING, True, "Barred", "no valid certificate is on file, no police check is on file"),
        (replace(IN_ORDER, certificate_expires_on=TODAY), True, "Attention", "expires on 16 Jun 2025"),
        (replace(IN_ORDER, certificate_expires_on=date(2025, 6, 15)), False, "Barred", "certificate expired on 15 Jun"),
        (replace(IN_ORDER, police_checked_on=date(2024, 6, 16)), False, "Attention", "police check expires on 16 Jun"),
        (replace(IN_ORDER, police_checked_on=date(2024, 6, 15)), False, "Barred", "police check expired on 15 Jun"),
    ],
)
def test_standing_follows_dates_and_the_setting(papers, is_required, state, says):
    where = standing(papers, PapersSettings(is_required, 12, 30), TODAY)
    assert where.state == state
    assert says in ", ".join((*where.problems, *where.warnings))


def test_months_end_with_the_month():
    assert months_later(date(2024, 8, 31), 6) == date(2025, 2, 28)


def test_expired_certificate_bars_from_cases_by_hand_and_names_who_and_why(session, marek, ana):
    expired = facts(papers=replace(IN_ORDER, certificate_expires_on=date(2025, 5, 1)))
    allocation.save(marek, ana.id, expired, version=0)
    mine = make_case(session, ana)
    with pytest.raises(NotEligible, match=r"Ana Pereira cannot be given cases: the certificate expired on 1 May 2025"):
        allocation.allocate(marek, [make_case(session)], ana.id, reason="x")
    with pytest.raises(NotEligible):
        allocation.spread(marek, QueueFilter(is_unallocated=True), Tab.ALL, [marek.id, ana.id], reason="x")
    assert session.execute(select(Allocation)).all() == []
    assert allocation.allocate(marek, [mine], None, reason="expired") == 1  # taking away is always possible


def test_missing_papers_bar_only_where_the_lender_asks_for_them(session, marek, ana):
    case_id = make_case(session)
    assert allocation.allocate(marek, [case_id], ana.id, reason="x") == 1
    allocation.set_papers_settings(marek, PapersSettings(is_required=True, police_months=12, warn_days=30))
    with pytest.raises(NotEligible, match="no police check is on file"):
        allocation.allocate(marek, [case_id], marek.id, reason="x")


def test_absence_is_on_from_its_first_to_its_last_day(session, marek, ana):
    for _ in range(2):  # sent twice
        allocation.add_absence(marek, ana.id, first_day=TODAY, last_day=TODAY, reason="Leave", request_key="k")
    [absence] = allocation.absences(marek)
    assert found(marek, ana).absent_reason == "Leave"
    allocation.withdraw_absence(marek, absence.id)
    assert found(marek, ana).absent_reason is None
    with pytest.raises(Conflict):
        allocation.withdraw_absence(marek, absence.id)
    with pytest.raises(InvalidInput):
        allocation.add_absence(marek, ana.id, first_day=TODAY, last_day=date(2025, 6, 1), reason="x")


def test_agencys_breach_takes_all_its_cases_back_and_bars_it(session, marek, ana):
    agency_id = allocation.add_agency(marek, name="Sahara Recoveries")
    ben = make_actor(session, "ben", "Ben Osei", Role.AGENT)
    allocation.save(marek, ana.id, facts(agency_id=agency_id), version=0)
    theirs, others = [make_case(session, ana) for _ in range(3)], make_case(session, ben)
    [agency] = allocation.agencies(marek)
    assert (agency.people, agency.open_cases) == (1, 3)
    assert allocation.recall_agency(marek, agency_id, reason="Called at night", version=agency.version) == 3
    owners = dict(session.execute(select(CollectionCase.id, CollectionCase.owner_id)).all())
    assert owners == {**dict.fromkeys(theirs), others: ben.id}
    kinds = session.execute(select(Allocation.kind, Allocation.reason)).all()
    assert kinds == [("agency_breach", "Called at night")] * 3
    with pytest.raises(NotEligible, match="agency Sahara Recoveries is suspended"):
        allocation.allocate(marek, theirs, ana.id, reason="x")
    with pytest.raises(Conflict):
        allocation.recall_agency(marek, agency_id, reason="again", version=agency.version)
    [agency] = allocation.agencies(marek)
    allocation.resume_agency(marek, agency_id, reason="Trained anew", version=agency.version)
    assert allocation.allocate(marek, theirs, ana.id, reason="x") == 3


def test_agreement_that_is_over_bars_the_agencys_people(session, marek, ana):
    agency_id = allocation.add_agency(marek, name="Sahara", agreement_until=TODAY)
    allocation.save(marek, ana.id, facts(agency_id=agency_id), version=0)
    assert found(marek, ana).may_be_given_cases
    allocation.change_agency(marek, agency_id, contact=None, agreement_until=date(2025, 6, 15), version=1)
    assert not found(marek, ana).may_be_given_cases
    with pytest.raises(Conflict):
        allocation.add_agency(marek, name="Sahara")


def test_only_who_allocates_sees_and_changes_collectors(session, ana, adam, ada, anil):
    acts = (
        allocation.collectors,
        allocation.absences,
        allocation.agencies,
        allocation.rule_book,
        allocation.allocation_runs,
        allocation.history,
        allocation.is_daily,
        allocation.papers_settings,
        lambda who: allocation.save(who, ana.id, facts(), version=0),
        lambda who: allocation.add_agency(who, name="x"),
        lambda who: allocation.recall_agency(who, 1, reason="x", version=1),
        lambda who: allocation.switch_daily(who, is_enabled=True),
        lambda who: allocation.request_run(who, allocation.Scope.ALL),
        lambda who: allocation.dry_run(who, allocation.Scope.ALL),
        lambda who: allocation.save_rules(who, [], based_on=0, effective_from=TODAY, reason="x"),
    )
    for actor in (ana, adam, ada, anil):
        for act in acts:
            with pytest.raises(NotAllowed):
                act(actor)
