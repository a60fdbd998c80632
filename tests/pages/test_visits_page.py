"""Visits on their page and the borrower's: by role, from plan to money; limits of field work."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.engine import reading, transaction
from services import cases, contacts, lender, visits
from services.actors import Role
from services.visits import Fix, Plan, Position, Presence, Taken
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import act, page_of, press

BANDRA = Position(19.0596, 72.8295)


@pytest.fixture
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = rule = 'visit_place'"))
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera $ Iyer", as_of=today)
        builders.make_instalment(session, loan_id, 1, today - timedelta(days=45), 10_000)
        builders.make_address(session, borrower_id, is_primary=True)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        cases.refresh_for(session, today, [borrower_id])
    return borrower_id, loan_id


def visits_of(role, **query):
    app = opened(token_of(role), url_path="visits")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run() if query else app


def address_of(borrower_id):
    with reading() as session:
        return session.execute(
            text("SELECT id FROM contact_point WHERE borrower_id = :id"), {"id": borrower_id}
        ).scalar_one()


def test_a_visit_is_planned_made_and_paid(meera, cast):
    borrower_id, loan_id = meera
    agent, leader = cast[Role.AGENT], cast[Role.LEADER]
    app = act(page_of(Role.AGENT, borrower_id), "visit")
    assert not app.exception
    app = press(app, "Plan the visit")
    assert "**Visits**" in words(app)

    app = visits_of(Role.AGENT)
    assert not app.exception
    assert "1 to make today" in words(app)
    assert "You hold no money" in words(app)
    (visit,) = visits.of_borrower(agent, borrower_id)
    app = visits_of(Role.AGENT, visit=str(visit.id))
    app = press(app, "Check in")
    assert "say why there is none" in words(app)
    app.text_input(key=f"visit.nowhere.{visit.id}").set_value("No signal")
    app = press(app, "Check in")
    assert "What came of it?" in words(app)
    entry = contacts.Entry(channel="visit", direction="outbound", person="nobody", outcome="no_answer")
    visits.finish(agent, visit.id, entry, request_key="k")
    made = visits.issue(agent, borrower_id, Taken(loan_id, Decimal(2_000), "cash", "Meera"), visit_id=visit.id)
    app = visits_of(Role.AGENT, visit=str(visit.id))
    assert "No answer" in words(app)
    assert made.number in words(app)

    app = visits_of(Role.LEADER)
    assert not app.exception
    assert "1 of 1 visits made today, somebody met on 0" in words(app)
    assert "₹2,000 in the hands of 1 agent" in words(app)
    handed = visits.deposit(agent, [made.id], visits.Slip(Decimal(2_000), "SBI", "S-1"))
    app = press(visits_of(Role.LEADER), "It arrived")
    assert "No deposit waits to be confirmed" in words(app)
    assert visits.deposits.listing(leader)[0].status == "arrived"
    assert handed.number == visits.deposits.listing(leader)[0].number
    app = page_of(Role.AGENT, borrower_id)
    assert made.number in words(app)


def test_an_auditor_looks_and_acts_on_nothing_and_an_analyst_has_no_such_page(meera, cast):
    borrower_id, _ = meera
    plan = Plan(address_of(borrower_id), "residence", lender.current().today)
    visit = visits.plan(cast[Role.AGENT], borrower_id, plan)
    visits.check_in(cast[Role.AGENT], visit.id, Presence(Fix(BANDRA, 10)))
    app = visits_of(Role.AUDITOR)
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["Team", "Money"]
    assert {"It arrived", "Check in"}.isdisjoint({button.label for button in app.button})
    app = visits_of(Role.AUDITOR, visit=str(visit.id))
    assert not app.exception
    assert "What came of it?" not in words(app)
    app = visits_of(Role.ANALYST)
    assert "may not" in words(app)
    assert not app.tabs


def test_another_agents_visit_is_not_shown(meera, cast):
    borrower_id, _ = meera
    plan = Plan(address_of(borrower_id), "residence", lender.current().today)
    visit = visits.plan(cast[Role.AGENT], borrower_id, plan)
    with transaction() as session:
        theirs = session.execute(
            text("""
                INSERT INTO visit (borrower_id, agent_id, planned_on, contact_point_id, place)
                SELECT borrower_id, :leader, planned_on + 1, contact_point_id, place FROM visit WHERE id = :id
                RETURNING id
            """),
            {"id": visit.id, "leader": cast[Role.LEADER].id},
        ).scalar_one()
    app = visits_of(Role.AGENT, visit=str(theirs))
    assert "That visit is not among yours" in words(app)


def test_limits_of_field_work_need_a_reason(cast):
    app = opened(token_of(Role.ADMIN), url_path="plan_limits")
    app.number_input(key="field_policy.visits_per_day").set_value(12)
    app = press(app, "Save the limits of field work")
    assert "Say why the limits change" in words(app)
    app.text_input(key="field_policy.reason").set_value("Long ways")
    app = press(app, "Save the limits of field work")
    assert visits.current(cast[Role.ADMIN]).visits_per_day == 12


def test_what_was_planned_stands_under_today_at_once_and_what_was_refused_says_why(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = rule = 'visit_place'"))
        refused = builders.make_borrower(session, name="Kavita Rao")
        loan_id = builders.make_loan(session, refused, segment_id=builders.make_segment(session, product="micro"))
        session.execute(text("UPDATE product SET is_microfinance = true WHERE code = 'micro'"))
        builders.make_state(session, loan_id, dpd=80, as_of=today)
        planned, _ = builders.make_overdue(session, dpd=45, name="Lata Nene", as_of=today)
        for borrower_id in (refused, planned):
            builders.make_address(session, borrower_id, "2 Lake Road", is_primary=True)
            builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        cases.refresh_for(session, today, [refused, planned])
    app = visits_of(Role.AGENT)
    app.multiselect(key="visits.plan.cases").set_value([refused, planned])
    app = press(app, f"Plan for {today:%d %b %Y}".replace(" 0", " "))
    assert "Lata Nene** :blue[planned]" in words(app)
    assert "Kavita Rao" in " ".join(each.value for each in app.warning)
    assert app.multiselect(key="visits.plan#1.cases").value == []
