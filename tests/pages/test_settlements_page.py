"""Settlements on the borrower's page, their list, and their policy."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.settlements import Settlement
from services import approvals, cases, delinquency, lender, settlements
from services.actors import Role
from tests import builders
from tests.conftest import make_actor
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import act, page_of, press


@pytest.fixture
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id = builders.make_borrower(session, name="Meera Iyer")
        loan_id = builders.make_loan(session, borrower_id)
        for number in range(1, 6):
            builders.make_instalment(session, loan_id, number, today - timedelta(days=30 * number), 10_000)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        delinquency.derive(session, today, [loan_id])
        cases.refresh_for(session, today, [borrower_id])
        boss = make_actor(session, f"boss{borrower_id}", "Bela Boss", Role.LEADER)
        session.execute(text("INSERT INTO authority (user_id, level) VALUES (:id, 4)"), {"id": boss.id})
    return borrower_id, loan_id, boss


def statuses(loan_id):
    with reading() as session:
        return list(session.scalars(select(Settlement.status).where(Settlement.loan_id == loan_id)))


def test_agent_proposes_the_boss_approves_and_the_borrower_accepts(meera):
    borrower_id, loan_id, boss = meera
    app = act(page_of(Role.AGENT, borrower_id), "settlement")
    assert not app.exception
    assert "Waived of the ₹50,000 owed" in words(app)
    form = f"settlement.{borrower_id}"
    app.text_input(key=f"{form}.{loan_id}.principal").set_value("60,000")
    app = app.run()
    assert "Something must be left to pay" in words(app)
    app.text_input(key=f"{form}.{loan_id}.principal").set_value("20,000")
    app.text_area(key=f"{form}.reason").set_value("Lost the shop in the flood")
    app = app.run()
    assert "pays **₹30,000** of ₹50,000; 40.0 % is waived" in words(app)
    assert "expected without" in words(app)
    app = press(app, "Ask for approval")
    assert statuses(loan_id) == ["proposed"]
    assert "Settlement of ₹30,000" in words(app)

    with reading() as session:
        asked = session.execute(text("SELECT id FROM approval_request WHERE kind = 'settlement'")).scalar_one()
    approvals.decide(boss, asked, approve=True, reason="Within policy")
    app = page_of(Role.AGENT, borrower_id)
    assert "offered to the borrower" in words(app)
    app = press(app, "Record the yes")
    assert statuses(loan_id) == ["running"]
    app = page_of(Role.AGENT, borrower_id)
    withdraw = next(field for field in app.text_input if field.key and field.key.startswith("settlement.withdraw"))
    withdraw.set_value("The borrower asked for it")
    app = press(app, "Withdraw it")
    assert statuses(loan_id) == ["cancelled"]
    assert "withdrawn by Agent Person\\: The borrower asked for it" in words(app)


def test_list_tells_what_waits_and_what_was_given_up(meera, cast):
    _, loan_id, _ = meera
    app = opened(token_of(Role.LEADER), url_path="settlements")
    assert not app.exception
    today = lender.current().today
    terms = settlements.Terms(
        loan_id,
        settlements.Components(principal=Decimal(20_000)),
        ((today + timedelta(days=9), Decimal(30_000)),),
        today + timedelta(days=5),
        "Lost the shop",
    )
    settlements.propose(cast[Role.AGENT], terms)
    app = opened(token_of(Role.ANALYST), url_path="settlements")
    assert not app.exception
    assert "1 wait for approval" in words(app)
    assert {metric.label: metric.value for metric in app.metric}["Of what is owed"] == "40.0 %"
    assert app.dataframe[0].value["sacrifice"].tolist() == [20_000]
    for role in (Role.AGENT, Role.ADMIN):
        refused = opened(token_of(role), url_path="settlements")
        assert not refused.metric
        assert not refused.dataframe


def test_admin_changes_the_policy_with_a_reason(cast):
    app = opened(token_of(Role.ADMIN), url_path="plan_limits")
    assert not app.exception
    app.number_input(key="settlement_policy.grace_days").set_value(5)
    app = press(app, "Save the policy")
    assert "Say why the policy changes" in words(app)
    app.text_input(key="settlement_policy.reason").set_value("Board of 3 June")
    app = press(app, "Save the policy")
    with reading() as session:
        assert settlements.load_policy(session).grace_days == 5
    assert not opened(token_of(Role.LEADER), url_path="plan_limits").number_input
