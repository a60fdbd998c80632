"""The queue as agents and leaders use it, on a real database: list, opened case, outcome, allocation."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.audit import AuditEvent
from db.models.work import CollectionCase, ContactAttempt, Promise
from services import cases, lender, queue
from services.actors import Role
from tests import builders
from tests.pages.conftest import opened, token_of, words


@pytest.fixture
def book(cast):
    """Two cases of the agent, one of nobody; every hour is allowed, so that the day's time does not matter."""
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        made = {}
        for name, dpd, owner in (
            ("Meera Iyer", 85, Role.AGENT),
            ("Ravi Shah", 20, Role.AGENT),
            ("Nobody's Case", 40, None),
        ):
            borrower_id, loan_id = builders.make_overdue(session, dpd=dpd, name=name, as_of=today)
            builders.make_phone(session, borrower_id, f"+9198{borrower_id:08}", is_primary=True)
            owner_id = cast[owner].id if owner else None
            made[name] = (
                builders.make_case(session, borrower_id, owner_id=owner_id, opened_on=today),
                borrower_id,
                loan_id,
            )
        cases.refresh(session, today, 0, 2**62)
    yield made
    with transaction() as session:
        for table in ("gate_decision", "contact_point", "loan_state", "loan", "borrower"):
            _empty(session, table)


def _empty(session, table):
    before = {
        "gate_decision": ("promise", "contact_attempt"),
        "loan": ("promise",),
        "borrower": ("follow_up", "hold", "status_change"),
    }
    for other in before.get(table, ()):
        session.execute(text(f"DELETE FROM {other}"))
    if table == "borrower":
        session.execute(text("DELETE FROM allocation"))
        session.execute(text("DELETE FROM collection_case"))
    session.execute(text(f"DELETE FROM {table}"))


def labels(app):
    return [button.label for button in app.button]


def names(app):
    return [label.split("**")[1] for label in labels(app) if label.startswith("**")]


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


def test_agent_sees_own_cases_by_priority(book):
    app = opened(token_of(Role.AGENT), url_path="queue")
    assert names(app) == ["Meera Iyer", "Ravi Shah"]
    assert not app.exception


def test_address_of_anothers_case_shows_nothing_of_it(book):
    app = opened(token_of(Role.AGENT), url_path="queue")
    app.query_params["case"] = str(book["Nobody's Case"][0])
    app.run()
    assert "not among yours" in words(app)
    assert "Nobody" not in words(app)


def test_best_case_is_opened_and_held(book, cast):
    app = press(opened(token_of(Role.AGENT), url_path="queue"), "Open the best case now")
    assert app.query_params["case"] == str(book["Meera Iyer"][0])
    assert [head.value for head in app.subheader] == ["Meera Iyer"]
    with reading() as session:
        held = session.execute(select(CollectionCase.id).where(CollectionCase.held_by == cast[Role.AGENT].id)).scalars()
        assert held.all() == [book["Meera Iyer"][0]]


def test_promise_is_recorded_with_save_and_next(book):
    app = press(opened(token_of(Role.AGENT), url_path="queue"), "Open the best case now")
    app = press(app, "Promise to pay")
    app.text_input(key=f"outcome.{book['Meera Iyer'][1]}.promise_to_pay.amount").set_value("5,000")
    app = press(app, "Save and next")
    assert not app.exception
    assert app.query_params["case"] == str(book["Ravi Shah"][0])
    with reading() as session:
        assert session.execute(select(Promise.amount, Promise.status)).all() == [(5000, "pending")]
        trail = select(AuditEvent.action).where(AuditEvent.borrower_id == book["Meera Iyer"][1])
        assert session.scalars(trail.order_by(AuditEvent.id)).all() == ["case.taken", "promise.recorded"]


def test_refusal_stands_above_the_form_where_it_is_seen(book):
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = rule = 'hold'"))
        builders.make_hold(session, book["Meera Iyer"][1], kind="deceased", starts_on=lender.current().today)
    app = press(opened_with(token_of(Role.LEADER), {"case": str(book["Meera Iyer"][0])}), "No answer")
    app = press(app, "Save")
    assert "the borrower has died" in app.error[0].value
    drawn = [element.key for element in app.main if element.type in {"error", "text_input"}]
    assert drawn.index(None) < drawn.index(f"outcome.{book['Meera Iyer'][1]}.no_answer.note")


def test_opened_case_explains_its_place(book):
    app = press(opened(token_of(Role.AGENT), url_path="queue"), "Open the best case now")
    assert "61–90 days past due +35" in words(app)
    assert "overdue ₹5,000 or more +6" in words(app)
    assert "Hard stage" in words(app)


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "Enter the amount promised"), ("a lot", "is not an amount"), ("9,99,999", "more than the ₹80,000 owed")],
)
def test_wrong_amount_is_told_and_nothing_is_recorded(book, typed, told):
    app = press(opened(token_of(Role.AGENT), url_path="queue"), "Open the best case now")
    app = press(app, "Promise to pay")
    app.text_input(key=f"outcome.{book['Meera Iyer'][1]}.promise_to_pay.amount").set_value(typed)
    app = press(app, "Save")
    assert told in words(app)
    with reading() as session:
        assert session.execute(select(ContactAttempt.id)).first() is None


def test_case_held_by_another_is_told_and_cannot_be_worked(book, cast):
    queue.take(cast[Role.LEADER], book["Meera Iyer"][0])
    app = opened(token_of(Role.AGENT), url_path="queue")
    app.query_params["case"] = str(book["Meera Iyer"][0])
    app.run()
    assert "Leader Person has this case open until" in app.warning[0].value
    assert "Promise to pay" not in labels(app)
    assert "Open the next free case" in labels(app)


def test_leader_allocates_what_nobody_has(book, cast):
    app = opened(token_of(Role.LEADER), url_path="queue")
    assert "**1** unallocated" in words(app)
    nobodys = book["Nobody's Case"][0]
    app.checkbox(key=f"allocate.tick.{nobodys}").check()
    app.run()
    app.multiselect(key="allocate.who").set_value([cast[Role.AGENT].id])
    app.text_input(key="allocate.reason").set_value("New today")
    app = press(app, "Allocate 1 case")
    assert not app.exception
    assert "**0** unallocated" in words(app)
    assert not any(box.value for box in app.checkbox)  # pressed again it would give the same cases again
    assert [field.value for field in app.text_input if field.label == "Reason"] == [""]
    with reading() as session:
        assert session.execute(text("SELECT reason FROM allocation")).scalars().all() == ["New today"]
    assert [toast.value for toast in app.toast] == ["1 case allocated"]


def test_leader_takes_a_case_from_its_collector(book, cast):
    app = opened(token_of(Role.LEADER), url_path="queue")
    app.checkbox(key=f"allocate.tick.{book['Meera Iyer'][0]}").check()
    app.run()
    app.selectbox(key="allocate.way").set_value("to nobody").run()
    app.text_input(key="allocate.reason").set_value("On leave")
    app = press(app, "Allocate 1 case")
    assert [toast.value for toast in app.toast] == ["1 case without a collector now"]
    assert "**2** unallocated" in words(app)


def test_agent_has_no_allocation_tools(book):
    assert "unallocated" not in words(opened(token_of(Role.AGENT), url_path="queue"))


def test_empty_list_says_what_to_do(cast):
    app = opened(token_of(Role.AGENT), url_path="queue")
    assert "Nothing to work now" in words(app)


def test_a_filter_that_leaves_nothing_is_told_as_the_reason(book):
    app = opened_with(token_of(Role.LEADER), {"tab": "all", "band": "Very high", "amount": "₹1,00,000 or more"})
    assert names(app) == []
    assert "No case of this list matches the filters" in words(app)
    assert "No open cases" not in words(app)


def test_a_leader_is_not_sent_to_a_leader(cast):
    assert "ask your leader" not in words(opened(token_of(Role.LEADER), url_path="queue"))


def test_lease_of_yesterday_does_not_hold_today(book, cast):
    case_id = book["Meera Iyer"][0]
    queue.take(cast[Role.LEADER], case_id)
    with transaction() as session:
        session.execute(text("UPDATE collection_case SET held_until = now() - :past"), {"past": timedelta(days=1)})
    app = opened(token_of(Role.AGENT), url_path="queue")
    app.query_params["case"] = str(case_id)
    app.run()
    assert "Promise to pay" in labels(app)


def test_address_names_list_and_filters(book):
    """As a link of a colleague, or of the portfolio's segments, opens it."""
    with transaction() as session:
        segment = builders.make_segment(session, region="North", branch="Agra", attribute=None)
        session.execute(
            text("UPDATE collection_case SET segment_id = :segment WHERE id = :id"),
            {"segment": segment, "id": book["Ravi Shah"][0]},
        )
    for query, expected in (
        ({"tab": "all"}, ["Meera Iyer", "Nobody's Case", "Ravi Shah"]),
        ({"tab": "all", "stage": "Hard"}, ["Meera Iyer"]),
        ({"tab": "all", "branch": "Agra"}, ["Ravi Shah"]),
        ({"tab": "all", "region": "North", "branch": "Agra"}, ["Ravi Shah"]),
        ({"tab": "broken"}, []),
        ({"tab": "nonsense"}, ["Meera Iyer", "Nobody's Case", "Ravi Shah"]),
    ):
        app = opened_with(token_of(Role.LEADER), query)
        assert not app.exception
        assert sorted(names(app)) == expected, query


def opened_with(token, query):
    return opened(token, url_path="queue", address=query)
