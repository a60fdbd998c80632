"""The page of outcome codes, and what follows from it in the form of a contact."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from components import outcomes_cached
from db.engine import reading, transaction
from db.models.owes import Party
from db.models.work import ContactAttempt, Promise
from services import cases, lender
from services.actors import Role
from services.contacts import codes
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import page_of, press


@pytest.fixture(autouse=True)
def _fresh(cast):
    outcomes_cached.clear()


@pytest.fixture(scope="module")
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera Iyer", as_of=today)
        builders.make_phone(session, borrower_id, "+919876543210", is_primary=True)
        builders.make_instalment(session, loan_id, 1, today - timedelta(days=45), 10_000)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        session.add(Party(borrower_id=borrower_id, role="guarantor", name="Ravi Iyer"))
        cases.refresh(session, today, 0, 2**62)
    return borrower_id


def labels_of(app):
    return [button.label for button in app.button]


def test_leader_adds_a_code_and_the_agent_is_offered_it(cast, meera):
    app = opened(token_of(Role.LEADER), url_path="outcomes")
    assert not app.exception
    assert "Promise to pay" in list(app.dataframe[0].value["label"])
    app.text_input(key="outcomes.add.code").set_value("asks_for_time")
    app.text_input(key="outcomes.add.label").set_value("Asks for time")
    app = press(app, "Add the code")
    assert not app.exception
    assert "Asks for time" in list(app.dataframe[0].value["label"])
    app.text_input(key="outcomes.add#1.code").set_value("Bad Code")
    app = press(app, "Add the code")
    assert "small letters" in words(app)
    assert "Asks for time" in labels_of(page_of(Role.AGENT, meera))
    codes.retire(cast[Role.LEADER], "asks_for_time", reason="Too vague")
    outcomes_cached.clear()
    assert "Asks for time" not in labels_of(page_of(Role.AGENT, meera))
    app = opened(token_of(Role.LEADER), url_path="outcomes")
    app.segmented_control(key="outcomes.shown").set_value("retired")
    assert list(app.run().dataframe[0].value["code"]) == ["asks_for_time"]


def test_channel_decides_what_is_offered_and_a_third_party_leaves_no_room(meera):
    app = page_of(Role.AGENT, meera)
    assert "Door locked" not in labels_of(app)
    app.segmented_control(key=f"outcome.{meera}.channel").set_value("visit")
    app = app.run()
    assert {"Door locked", "No answer"} <= set(labels_of(app))
    assert "● Visit allowed now" in words(app)
    app = press(app, "Third party, nothing disclosed")
    assert [field.label for field in app.text_input if field.label.startswith("Note")] == []
    app = press(app, "Save")
    assert not app.exception
    app.segmented_control(key=f"outcome.{meera}.direction").set_value("inbound")
    assert "No answer" not in labels_of(app.run())
    with reading() as session:
        stored = session.execute(select(ContactAttempt.channel, ContactAttempt.person, ContactAttempt.note)).all()
    assert stored == [("visit", "third_party", None)]


def test_guarantor_promises_on_two_dates(meera):
    app = press(page_of(Role.AGENT, meera), "Promise to pay")
    form = f"outcome.{meera}.promise_to_pay"
    app = press(app, "Add a date")
    app.text_input(key=f"{form}.amount").set_value("2,000")
    app.text_input(key=f"{form}.amount.2").set_value("a lot")
    app = press(app, "Save")
    assert "is not an amount" in words(app)
    app.text_input(key=f"{form}.amount.2").set_value("3,000")
    guarantor = next(box for box in app.selectbox if box.label == "Person reached")
    assert guarantor.options == ["Borrower", "Guarantor: Ravi Iyer"]
    guarantor.select_index(1)
    app = press(app, "Save")
    assert not app.exception
    with reading() as session:
        rows = session.execute(select(Promise.amount, Promise.part, Promise.person).order_by(Promise.part)).all()
    assert rows == [(2000, 1, "guarantor"), (3000, 2, "guarantor")]
    assert "**Promise of ₹5,000 on 2 dates**" in words(app)
    assert "Not yet tried" in words(app)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_only_looks_has_the_table_alone(cast, role):
    app = opened(token_of(role), url_path="outcomes")
    assert len(app.dataframe[0].value) > 10
    assert "Add the code" not in labels_of(app)


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
def test_who_may_not_sees_nothing(cast, role):
    app = opened(token_of(role), url_path="outcomes")
    assert "Promise to pay" not in words(app)
    assert not [frame for frame in app.dataframe if "label" in frame.value]
