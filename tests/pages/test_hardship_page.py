"""Hardship on the borrower's page, its list, and its limits."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db.engine import reading, transaction
from services import approvals, cases, documents, hardship, lender
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
        cases.refresh_for(session, today, [borrower_id])
    return borrower_id, loan_id


def approvals_of(session):
    return session.execute(
        text("SELECT subject_id FROM approval_request WHERE kind = 'hardship' AND status = 'waiting'")
    ).scalar_one()


def waiting():
    with reading() as session:
        return session.execute(
            text("SELECT id FROM approval_request WHERE kind = 'hardship' AND status = 'waiting'")
        ).scalar_one()


def test_agent_applies_the_leader_grants_and_the_review_ends_it(meera, cast):
    borrower_id, _ = meera
    app = act(page_of(Role.AGENT, borrower_id), "hardship")
    assert not app.exception
    app = press(app, "Apply")
    assert "Write what happened" in words(app)
    app.text_area(key=f"hardship.{borrower_id}.story").set_value("The mill closed")
    app = press(app.run(), "Apply")
    assert "waits for a decision" in words(app)
    assert "Another person decides" not in words(app)

    with transaction() as session:
        asked = approvals_of(session)
        documents.store(
            session, cast[Role.AGENT], kind="evidence", file_name="slip.pdf", content=b"%PDF-1.7 a slip",
            borrower_id=borrower_id, subject=("hardship", asked),
        )  # fmt: skip
    for app in (opened(token_of(Role.LEADER), url_path="approvals"), page_of(Role.LEADER, borrower_id)):
        assert not app.exception
        assert "Evidence · 1 kB · Agent Person" in words(app)
    approvals.decide(cast[Role.LEADER], waiting(), approve=True, reason="Papers are in order")
    listed = opened(token_of(Role.LEADER), url_path="hardship")
    assert not listed.exception
    assert "1 in relief" in words(listed)
    assert listed.dataframe[0].value["relief"].tolist() == ["Payment holiday"]

    app = page_of(Role.AGENT, borrower_id)
    assert "granted" in words(app)
    number = hardship.listing(cast[Role.LEADER], ["in_relief"])[0].id
    app.radio(key=f"hardship.review.{number}.outcome").set_value("end")
    app.text_area(key=f"hardship.review.{number}.note").set_value("Works again")
    app = press(app, "Record the review")
    assert "Works again \\(ended\\)" in words(app)


def test_lower_instalment_shows_what_is_wrong_at_its_field(meera, cast):
    borrower_id, _ = meera
    app = act(page_of(Role.AGENT, borrower_id), "hardship")
    form = f"hardship.{borrower_id}"
    app.segmented_control(key=f"{form}.relief").set_value("lower_instalment")
    app = app.run()
    app.text_area(key=f"{form}.story").set_value("Half the shifts are gone")
    app = press(app.run(), "Apply")
    assert "Enter the amount of each instalment" in words(app)
    app.text_input(key=f"{form}.amount").set_value("2,000")
    app = press(app.run(), "Apply")
    assert "is left a month" in words(app)
    app.text_input(key=f"{form}.income").set_value("20,000")
    app = press(app.run(), "Apply")
    assert "waits for a decision" in words(app)
    hardship.withdraw(cast[Role.AGENT], hardship.listing(cast[Role.LEADER], ["waiting"])[0].id, reason="Done")


def test_who_may_not_sees_nothing_and_admin_changes_the_limits(cast):
    for role in (Role.AGENT, Role.ADMIN):
        refused = opened(token_of(role), url_path="hardship")
        assert not refused.dataframe
        assert "in relief" not in words(refused)
    app = opened(token_of(Role.ADMIN), url_path="plan_limits")
    app.number_input(key="hardship_policy.max_holiday_months").set_value(6)
    app.text_input(key="hardship_policy.reason").set_value("Board of 3 June")
    press(app, "Save the limits of relief")
    with reading() as session:
        assert hardship.load_policy(session).max_holiday_months == 6
