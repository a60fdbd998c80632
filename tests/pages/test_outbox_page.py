"""The outbox page: messages by status, their text, and the decision that one of unknown fate needs."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from db.engine import transaction
from services import lender, personal_data, reminders
from services.actors import SYSTEM, Role
from tests.builders import make_borrower, make_loan, make_state
from tests.pages.conftest import opened, token_of, words

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def _sent():
    """Two reminders sent, at whatever hour the test runs."""
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false WHERE rule IN ('hours', 'calendar')"))
        session.execute(text("DELETE FROM message"))
        today = lender.load(session).today
        for number in range(2):
            borrower_id = make_borrower(session)
            address = f"borrower{number}@example.in"
            session.execute(
                text("""INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint)
                        VALUES (:b, 'email', :e, gen_random_uuid()::text::bytea, 'm•••')"""),
                {"b": borrower_id, "e": personal_data.encrypt(address)},
            )
            make_state(session, make_loan(session, borrower_id), dpd=2, as_of=today, overdue_amount=Decimal(123456))
    reminders.plan(SYSTEM)
    reminders.send_due(SYSTEM)


def of_unknown_fate():
    with transaction() as session:
        return session.execute(
            text("UPDATE message SET status = 'unknown' WHERE id = (SELECT min(id) FROM message) RETURNING id")
        ).scalar_one()


def status_of(message_id):
    with transaction() as session:
        return session.execute(text("SELECT status FROM message WHERE id = :id"), {"id": message_id}).scalar_one()


def test_an_empty_outbox_says_what_fills_it():
    with transaction() as session:
        session.execute(text("DELETE FROM message"))
    said = words(opened(token_of(Role.LEADER), url_path="outbox"))
    assert "Nothing waits and nothing needs your decision" in said
    assert "Reminders are planned every few minutes" in said


@pytest.mark.usefixtures("_sent")
def test_messages_are_listed_with_their_way():
    app = opened(token_of(Role.LEADER), url_path="outbox")
    frame = app.dataframe[0].value
    assert list(frame["status_reason"]) == ["kept here: no mail server is configured"] * 2
    assert list(frame["rule"]) == ["2 days overdue"] * 2


@pytest.mark.usefixtures("_sent")
def test_unknown_fate_asks_for_a_decision():
    of_unknown_fate()
    app = opened(token_of(Role.LEADER), url_path="outbox")
    assert "1 of unknown fate and 0 failed need your decision" in words(app)
    app.session_state["outbox.status"] = "unknown"
    assert len(app.run().dataframe[0].value) == 1


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST, Role.AUDITOR])
def test_other_roles_see_nothing(role):
    app = opened(token_of(role), url_path="outbox")
    assert not app.dataframe
    assert "decision" not in words(app)
