"""The borrower's page: finding one, what each role sees, and the acts on the right."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.work import FollowUp, Hold, Promise
from services import audit, cases, lender
from services.actors import Role
from tests import builders
from tests.pages.conftest import opened, token_of, words


@pytest.fixture(scope="module")
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera Iyer", as_of=today)
        builders.make_phone(session, borrower_id, "+919876543210", is_primary=True)
        builders.make_instalment(session, loan_id, 1, today, 10_000)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        other, _ = builders.make_overdue(session, dpd=45, name="Someone Else", as_of=today)
        cases.refresh(session, today, 0, 2**62)
    return borrower_id, other


def page_of(role, borrower_id):
    app = opened(token_of(role), url_path="borrower")
    app.query_params["borrower"] = str(borrower_id)
    return app.run()


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


def act(app, name):
    app.segmented_control(key="borrower.act").set_value(name)
    return app.run()


@pytest.mark.parametrize("role", [Role.AGENT, Role.LEADER, Role.ANALYST, Role.AUDITOR])
def test_head_tells_who_and_how_late(meera, role):
    app = page_of(role, meera[0])
    assert not app.exception
    assert [head.value for head in app.subheader] == ["Meera Iyer"]
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Overdue"] == "₹10,000"
    assert figures["Days past due"] == "45"


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_only_looks_has_no_forms_and_no_clear_numbers(meera, role):
    app = page_of(role, meera[0])
    assert "Promise to pay" not in [button.label for button in app.button]
    assert "9876543210" not in words(app)
    assert "Show" not in [button.label for button in app.button]


def test_borrower_of_another_shows_nothing(meera):
    app = page_of(Role.AGENT, meera[1])
    assert "not among your cases" in words(app)
    assert "Someone Else" not in words(app)


@pytest.mark.parametrize("address", ["0", "-1", "x", "99999999999999999999999", "1; DROP TABLE loan"])
def test_odd_address_breaks_nothing(meera, address):
    app = page_of(Role.AUDITOR, address)
    assert not app.exception
    assert not app.subheader


def test_search_opens_the_only_one_found_without_telling_the_address(meera):
    app = opened(token_of(Role.AGENT), url_path="borrower")
    app.text_input(key="borrower.search").set_value("meer")
    app.run()
    assert [head.value for head in app.subheader] == ["Meera Iyer"]
    assert "meer" not in str(app.query_params).lower()


def test_what_a_file_brought_is_shown_and_not_obeyed(meera):
    name, loan = "[Pay here](https://evil.example) *now* $x$", "LN_1_*2*"
    with transaction() as session:
        borrower_id = builders.make_borrower(session, name=name)
        builders.make_loan(session, borrower_id, external_id=loan)
    app = page_of(Role.LEADER, borrower_id)
    (head,) = (head.value for head in app.subheader)
    assert head == r"\[Pay here\]\(https\://evil\.example\) \*now\* \$x\$"
    assert r"**LN\_1\_\*2\***" in words(app)


def test_a_search_leads_once_so_that_the_way_back_holds(meera):
    app = opened(token_of(Role.AUDITOR), url_path="borrower")
    app.text_input(key="borrower.search").set_value("meer")
    app.run()
    app.query_params["borrower"] = str(meera[1])  # as the browser's Back does
    app.run()
    assert [head.value for head in app.subheader] == ["Someone Else"]
    app.text_input(key="borrower.search").set_value("")
    app.run()
    app.text_input(key="borrower.search").set_value("meer")
    app.run()
    assert [head.value for head in app.subheader] == ["Meera Iyer"]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (Role.AGENT, "Search above, or open one from the queue."),
        (Role.ANALYST, "Search above, or open one from Accounts."),
        (Role.AUDITOR, "Search above."),
    ],
)
def test_nobody_is_sent_to_a_page_of_another_role(cast, role, said):
    app = opened(token_of(role), url_path="borrower")
    assert said in [element.value for element in app.markdown]


def test_a_search_that_finds_nobody_says_only_that(meera):
    app = opened(token_of(Role.AGENT), url_path="borrower")
    assert "No borrower is chosen" in words(app)
    app.text_input(key="borrower.search").set_value("zzzz")
    app.run()
    assert "Nobody matches" in words(app)
    assert "No borrower is chosen" not in words(app)


def test_promise_follow_up_and_hold_are_recorded_at_one_place(meera):
    app = act(page_of(Role.AGENT, meera[0]), "promise")
    app.text_input(key=f"promise.{meera[0]}.amount").set_value("1,000")
    app = press(app, "Record promise")
    app = press(act(app, "follow_up"), "Set follow-up")
    app = act(app, "hold")
    app.text_input(key=f"hold.{meera[0]}.reason").set_value("Says [March](http://elsewhere.test) is paid")
    app = press(app, "Place hold")
    assert not app.exception
    assert "Says \\[March\\]\\(http\\:" in app.warning[0].value  # shown as it was typed, not followed
    with reading() as session:
        assert session.execute(select(Promise.amount)).scalars().all() == [1000]
        assert len(session.execute(select(FollowUp.id)).all()) == 1
        assert session.execute(select(Hold.kind)).scalars().all() == ["dispute"]


def test_number_is_shown_in_the_clear_for_a_reason_that_is_recorded(meera):
    app = press(page_of(Role.AGENT, meera[0]), "Show")
    assert [code.value for code in app.code] == ["+919876543210"]
    with reading() as session:
        found = session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'contact_point.revealed'"))
        assert found.scalar_one() == 1


def test_leader_records_a_payment_once(meera):
    borrower_id, loan_id = _someone_late()
    app = act(page_of(Role.LEADER, borrower_id), "payment")
    press(app, "Record payment")
    assert "Enter the amount received." in words(app)
    app.text_input(key=f"payment.{borrower_id}.amount").set_value("2,500")
    press(app, "Record payment")
    with reading() as session:
        paid = session.execute(text("SELECT amount, mode FROM payment WHERE loan_id = :id"), {"id": loan_id}).all()
    assert paid == [(2500, "cash")]
    assert [field.value for field in app.text_input if field.label == "Amount"] == [""]  # Enter again sends nothing
    press(app, "Record payment")
    with reading() as session:
        assert (
            session.execute(text("SELECT count(*) FROM payment WHERE loan_id = :id"), {"id": loan_id}).scalar_one() == 1
        )


def test_who_may_not_record_payments_is_not_offered_it(meera):
    app = page_of(Role.AGENT, meera[0])
    assert "payment" not in app.segmented_control(key="borrower.act").options


def test_pending_promise_is_taken_back_with_a_reason(meera, cast):
    borrower_id, loan_id = _someone_late()
    with transaction() as session:
        today = lender.current().today
        builders.make_case(session, borrower_id, opened_on=today)
        promise_id = builders.make_promise(
            session, loan_id, amount=1_000, promised_on=today, due_on=today + timedelta(days=2)
        )
    app = page_of(Role.LEADER, borrower_id)
    press(app, "Take it back")
    assert "Say why the promise is taken back." in words(app) + "".join(error.value for error in app.error)
    app.text_input(key=f"promise.cancel.{promise_id}.reason").set_value("wrong date")
    press(app, "Take it back")
    with reading() as session:
        assert session.get_one(Promise, promise_id).status == "cancelled"


def test_auditor_sees_what_the_trail_says_of_the_borrower(meera, cast):
    with transaction() as session:
        audit.record(
            session, cast[Role.AGENT], "contact.recorded", subject=("contact", 1), summary="noted 123,456.00 promised",
            borrower_id=meera[0],
        )  # fmt: skip
    app = page_of(Role.AUDITOR, meera[0])
    assert "Audit" in [tab.label for tab in app.tabs]
    (told,) = [frame.value for frame in app.dataframe if "sentence" in frame.value.columns]
    assert "noted ₹1,23,456 promised" in told["sentence"][0]
    assert "Audit" not in [tab.label for tab in page_of(Role.AGENT, meera[0]).tabs]


def _someone_late() -> tuple[int, int]:
    today = lender.current().today
    with transaction() as session:
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Ravi Late", as_of=today)
        builders.make_instalment(session, loan_id, 1, today - timedelta(days=45), 10_000)
    return borrower_id, loan_id


def test_leader_adds_and_removes_people_of_the_case(meera, cast):
    app = page_of(Role.LEADER, meera[0])
    assert "**Also on the case:** nobody" in words(app)
    key = f"people.add.{meera[0]}"
    app.selectbox(key=f"{key}.user").set_value(cast[Role.LEADER].id)
    app.selectbox(key=f"{key}.role").set_value("legal")
    app = press(app, "Add to the case")
    assert "Say why, in a few words." in words(app)
    app.text_input(key=f"{key}.reason").set_value("Notice is due")
    app = press(app, "Add to the case")
    assert not app.exception
    assert "Leader Person :gray[(legal officer)]" in words(app)
    seen = page_of(Role.AGENT, meera[0])
    assert "(legal officer)" in words(seen)
    assert "Add to the case" not in [button.label for button in seen.button]
    app.text_input(key=f"people.remove.{meera[0]}.reason").set_value("Paid")
    app = press(app, "Remove from the case")
    assert "**Also on the case:** nobody" in words(app)
