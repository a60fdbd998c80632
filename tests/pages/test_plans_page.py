"""Repayment plans on the borrower's page, and their limits."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from sqlalchemy import select, text

from components import plan_form
from db.engine import reading, transaction
from db.models.plans import PlanAffordability, RepaymentPlan
from services import cases, lender, plans
from services.actors import Role
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import act, page_of, press


@pytest.fixture
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera Iyer", as_of=today)
        builders.make_instalment(session, loan_id, 1, today - timedelta(days=45), 10_000)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        cases.refresh(session, today, 0, 2**62)
    return borrower_id, loan_id


def plans_of(loan_id):
    with reading() as session:
        return session.execute(
            select(RepaymentPlan.status, RepaymentPlan.amount, PlanAffordability.income)
            .join(PlanAffordability, PlanAffordability.plan_id == RepaymentPlan.id)
            .where(RepaymentPlan.loan_id == loan_id)
            .order_by(RepaymentPlan.id)
        ).all()


def fill(app, borrower_id, **fields):
    for name, value in fields.items():
        app.text_input(key=f"plan.{borrower_id}.{name}").set_value(value)
    return app.run()


def test_agent_makes_a_plan_sees_it_and_cancels_it(meera):
    borrower_id, loan_id = meera
    app = act(page_of(Role.AGENT, borrower_id), "plan")
    assert not app.exception
    assert "6 instalments, ₹10,000 in all, the last ₹1,670" in words(app)
    assert "Enter the income" in words(app)
    app = fill(app, borrower_id, income="12,000", housing="9,500")
    assert "ask your leader" in "".join(error.value for error in app.error)
    assert "Make the plan" not in [button.label for button in app.button]
    app = fill(app, borrower_id, income="none")
    assert "is not an amount" in words(app)
    app = fill(app, borrower_id, income="30,000")
    assert "At most ₹1,670 a month, :green[8 % of the ₹20,500]" in words(app)
    app = press(app, "Make the plan")
    assert not app.exception
    assert plans_of(loan_id) == [("running", 10_000, 30_000)]
    assert "has a plan that is running" in app.info[0].value
    assert "**Plan of ₹10,000**" in words(app)
    assert "6 not due yet" in words(app)
    app = press(app, "Cancel it")
    assert "Say why the plan ends." in "".join(error.value for error in app.error)
    with reading() as session:
        plan_id = session.execute(select(RepaymentPlan.id).where(RepaymentPlan.loan_id == loan_id)).scalar_one()
    app.text_input(key=f"plan.cancel.{plan_id}.reason").set_value("Lost the job")
    press(app, "Cancel it")
    assert plans_of(loan_id) == [("cancelled", 10_000, 30_000)]


def test_terms_that_change_the_loan_are_told_and_wait_for_approval(meera):
    borrower_id, loan_id = meera
    app = act(page_of(Role.LEADER, borrower_id), "plan")
    app.text_input(key=f"plan.{borrower_id}.amount.{loan_id}").set_value("8,000")
    app = fill(app, borrower_id, income="30000")
    assert "Restructuring (IN-16)" in app.warning[0].value
    press(app, "Ask for approval")
    assert plans_of(loan_id) == [("proposed", 8_000, 30_000)]
    with reading() as session:
        assert session.execute(text("SELECT count(*) FROM approval_request WHERE status = 'waiting'")).scalar_one() == 1


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_only_looks_sees_plans_and_has_no_form(meera, cast, role):
    borrower_id, loan_id = meera
    today = lender.current().today
    rows = plans.generate(plans.Pattern(Decimal(10_000), 4, today))
    means = plans.Affordability(income=Decimal(30_000))
    plans.make(cast[Role.LEADER], plans.Proposal(loan_id, rows, means))
    app = page_of(role, borrower_id)
    assert "**Plan of ₹10,000**" in words(app)
    assert not {"Make the plan", "Cancel it"} & {button.label for button in app.button}
    assert not {"Plan", "Promise"} & {option for group in app.segmented_control for option in group.options}


def test_a_row_changed_in_the_editor_is_read_to_the_paisa():
    rows = plans.generate(plans.Pattern(Decimal("1000.10"), 3, date(2025, 7, 1)))
    frame = pd.DataFrame({"due_on": [row.due_on for row in rows], "amount": [float(row.amount) for row in rows]})
    assert plan_form.changes(rows, frame) == {}
    frame.loc[1, "amount"] = 100.1
    frame.loc[0, "due_on"] = pd.Timestamp("2025-07-03")
    frame.loc[2, "amount"] = None
    assert plan_form.changes(rows, frame) == {
        1: plans.Row(1, date(2025, 7, 3), Decimal("333.00")),
        2: plans.Row(2, date(2025, 8, 1), Decimal("100.10")),
    }


def test_admin_changes_the_limits_and_a_wrong_one_is_told(cast):
    app = opened(token_of(Role.ADMIN), url_path="plan_limits")
    assert not app.exception
    app.number_input(key="plan_limits.max_months").set_value(6)
    press(app, "Save the limits")
    assert "Say why the limits change." in words(app) + "".join(error.value for error in app.error)
    app.text_input(key="plan_limits.reason").set_value("Board, 2 June")
    app = press(app, "Save the limits")
    assert not app.exception
    assert plans.current_limits(cast[Role.ADMIN]).max_months == 6
    plans.change_limits(
        cast[Role.ADMIN], plans.Limits(3, 30, 24, Decimal(500), 60, 12, Decimal(100_000)), reason="as before"
    )
    assert opened(token_of(Role.AGENT), url_path="plan_limits").number_input == []
