"""Allocation as a leader uses it: a rule, a dry run, a run asked for, papers that bar, an agency's recall."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db.engine import reading, transaction
from services import allocation
from services.actors import SYSTEM, Role
from services.allocation import CollectorFacts, Papers, Rule, Scope, Skills, Way
from tests import builders
from tests.pages.conftest import opened, token_of, words


@pytest.fixture(scope="module")
def book(cast):
    """Three cases of nobody, and a rule that gives them to the agent."""
    with transaction() as session:
        segment = builders.make_segment(session)
        for _ in range(3):
            borrower_id = builders.make_borrower(session)
            builders.make_case(session, borrower_id, segment_id=segment)
    today = allocation.rule_book(SYSTEM).today
    agent = cast[Role.AGENT]
    rules = [Rule("Everything", Way.ROUND_ROBIN, user_ids=(agent.id,))]
    allocation.save_rules(SYSTEM, rules, based_on=0, effective_from=today, reason="a test")
    return agent


def section(app, name):
    app.session_state["allocation.section"] = name
    return app.run()


def button(app, label):
    return next(found for found in app.button if found.label.startswith(label))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.AGENT, Role.AUDITOR])
def test_who_may_not_allocate_sees_nothing(cast, role):
    assert "rules are on" not in words(opened(token_of(role), url_path="allocation"))


def test_leader_sees_rules_tries_them_and_asks_for_a_run(book):
    app = opened(token_of(Role.LEADER), url_path="allocation")
    assert not app.exception
    assert "1 of 1 rules are on" in words(app)
    frame = app.dataframe[0].value
    assert (frame["about"][0], frame["target"][0], frame["way"][0]) == ("Every case", "Agent Person", "In turn")
    section(app, "Run")
    assert "3 open cases have nobody" in words(app)
    button(app, "Show what a run would do").click().run()
    assert not app.exception
    assert "3 cases considered, 3 placed by rule." in words(app)
    button(app, "Run now: 3 cases change hands").click().run()
    assert not app.exception
    asked = allocation.current_run(SYSTEM)
    assert asked is not None
    assert asked.arguments["scope"] == "unallocated"
    allocation.perform(SYSTEM, Scope.UNALLOCATED, job_run_id=asked.id)
    with transaction() as session:
        session.execute(text("UPDATE job_run SET status = 'done'"))
    section(app, "Run")
    assert "3 placed by rule" in words(app)
    section(app, "History")
    assert len(app.dataframe[0].value) == 3
    assert not app.exception


def test_rule_is_added_and_what_is_wrong_is_told_at_its_field(book):
    app = opened(token_of(Role.LEADER), url_path="allocation")
    before = len(allocation.rule_versions(SYSTEM))
    button(app, "Save rule").click().run()
    assert "Give the rule a name" in words(app)
    assert "Choose one team, one agency, or people" in words(app)
    assert len(allocation.rule_versions(SYSTEM)) == before


def test_papers_and_agency_are_shown_and_recall_asks_for_confirmation(book):
    agency_id = allocation.add_agency(SYSTEM, name="Sahara Recoveries")
    expired = Papers("DRA-1", allocation.rule_book(SYSTEM).today - timedelta(days=9), None, None)
    allocation.save(SYSTEM, book.id, CollectorFacts(None, agency_id, Skills(), None, expired), version=0)
    app = section(opened(token_of(Role.LEADER), url_path="allocation"), "Collectors")
    assert not app.exception
    assert "1 may not be given cases" in words(app)
    section(app, "Agencies")
    assert not app.exception
    assert "1 agency has" in words(app)
    with reading() as session:
        held = session.execute(text("SELECT count(*) FROM collection_case WHERE owner_id IS NOT NULL")).scalar_one()
    assert app.dataframe[0].value["open_cases"][0] == held
