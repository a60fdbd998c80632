"""Waivers of charges on the borrower's page, notices of agents on Allocation, and the stage before the due date."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db.engine import reading, transaction
from db.models.owes import Instalment
from services import agent_notices, approvals, lender, restating, waivers
from services.actors import Role
from services.stages import pre_due
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import act, page_of, press


@pytest.fixture
def meera(cast):
    """A borrower of the agent's who owes 1,000 and 100 of charges, with an address; id."""
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id = builders.make_borrower(session)
        loan_id = builders.make_loan(session, borrower_id)
        for number, days in ((1, -40), (2, 20)):
            due_on = today + timedelta(days=days)
            session.add(Instalment(loan_id=loan_id, number=number, due_on=due_on, principal=1_000, charges=100))
        builders.make_address(session, borrower_id)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        restating.facts_changed(session, [loan_id], from_date=today, cause="test")
    return borrower_id


def test_an_agent_asks_a_leader_approves_and_a_leader_ends_it(meera, cast):
    app = act(page_of(Role.AGENT, meera), "waiver")
    assert not app.exception
    app = press(app, "Ask to waive")
    assert "Enter how much of the charges is waived" in words(app)
    app.text_input(key=f"waiver.{meera}.amount").set_value("60")
    app.text_input(key=f"waiver.{meera}.reason").set_value("Charged twice")
    app = press(app, "Ask to waive")
    assert "Waiver of ₹60 charges" in words(app)
    assert "waits for approval" in words(app)
    with reading() as session:
        asked = session.execute(text("SELECT id FROM approval_request WHERE kind = 'charge_waiver'")).scalar_one()
    inbox = opened(token_of(Role.LEADER), url_path="approvals")
    assert "Waiver of charges" in words(inbox)
    approvals.decide(cast[Role.LEADER], asked, approve=True, reason="It was wrong")
    app = page_of(Role.LEADER, meera)
    assert ":green[waived]" in words(app)
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Overdue"] == "₹1,040"
    (made,) = waivers.of_borrower(cast[Role.LEADER], meera)
    app.text_input(key=f"waiver.end.{made.id}.reason").set_value("Granted by mistake")
    app = press(app, "Owe them again")
    assert "owed again" in words(app)
    assert "Owe them again" not in {button.label for button in page_of(Role.AGENT, meera).button}


def test_a_leader_writes_the_letters_that_tell_of_an_agent_and_marks_them_dispatched(meera, cast):
    leader = cast[Role.LEADER]
    agent_notices.change_whom(leader, "all", reason="The board wants it")

    def notices():
        app = opened(token_of(Role.LEADER), url_path="allocation")
        app.segmented_control(key="allocation.section").set_value("Agent notices")
        return app.run()

    app = notices()
    assert not app.exception
    waiting = sum(each.by_letter for each in agent_notices.standing(leader))
    assert f"{sum(each.waiting for each in agent_notices.standing(leader))} borrower" in words(app)
    app = press(app, f"Write {waiting} {'letter' if waiting == 1 else 'letters'}")
    assert not app.exception
    app = press(notices(), "Dispatched")
    assert not agent_notices.open_files(leader)
    agent_notices.change_whom(leader, "agencies", reason="Back")


def test_a_leader_tries_and_sets_who_is_called_before_the_due_date(meera, cast):
    app = opened(token_of(Role.LEADER), url_path="strategy")
    assert "Nobody is called before an instalment" in words(app)
    app.number_input(key="pre_due.days").set_value(5)
    app = app.run()
    assert "Today: **" in words(app)
    app = press(app, "Apply")
    assert "Say why it changes" in words(app)
    app.text_input(key="pre_due.reason").set_value("Remind them in time")
    app = press(app, "Apply")
    assert pre_due.current(cast[Role.LEADER]).days == 5
    looking = opened(token_of(Role.ANALYST), url_path="strategy")
    assert "Apply" not in {button.label for button in looking.button}
