"""Legal on screens: opened on the borrower's page, led through its steps, shown to those who may and to nobody else."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.legal import LegalAction
from services import cases, legal, lender
from services.actors import Role
from tests import builders
from tests.pages.conftest import opened, token_of, words


@pytest.fixture
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera <b>Iyer", as_of=today)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        where = f"{borrower_id} Hill Road, Pune"
        builders.make_address(session, borrower_id, where)
        cases.refresh(session, today, 0, 2**62)
    return borrower_id, loan_id


@pytest.fixture
def action(cast, meera):
    bounce = legal.Dishonour("insufficient_funds", lender.current().today - timedelta(days=28), "123456")
    entry = legal.Entry("s138", (meera[1],), Decimal(5_000), "No answer", bounce)
    return legal.open_action(cast[Role.LEADER], meera[0], entry)


def page_of(role, page, **params):
    app = opened(token_of(role), url_path=page)
    for name, value in params.items():
        app.query_params[name] = str(value)
    return app.run()


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


def said(app):
    return words(app) + "\n".join(str(each.value) for each in [*app.warning, *app.toast])


def stored(action_id):
    with reading() as session:
        return session.get_one(LegalAction, action_id)


def test_an_action_is_opened_on_the_borrowers_page_and_told_there(cast, meera):
    app = page_of(Role.LEADER, "borrower", borrower=meera[0])
    app.segmented_control(key="borrower.act").set_value("legal")
    app = app.run()
    app = press(app, "Open the action")
    assert "Choose the day on which the return memo was received" in said(app)
    app.selectbox(key=f"legal.open.{meera[0]}.kind").set_value("recall")
    app = app.run()
    app.text_input(key=f"legal.open.{meera[0]}.recall.0.reason").set_value("Ninety days late")
    app = press(app, "Open the action")
    assert not app.exception
    assert "is open" in said(app)
    with reading() as session:
        kept = session.execute(select(LegalAction.kind, LegalAction.amount).where(LegalAction.borrower_id == meera[0]))
        assert kept.one() == ("recall", 80_000)
    assert "Loan recall" in words(app)


def test_nothing_is_demanded_of_who_owes_nothing(cast):
    with transaction() as session:
        borrower_id = builders.make_borrower(session, name="Asha Nair")
    app = page_of(Role.LEADER, "borrower", borrower=borrower_id)
    app.segmented_control(key="borrower.act").set_value("legal")
    app = app.run()
    assert "there is nothing to demand" in " ".join(each.value for each in app.caption)
    assert "Open the action" not in [button.label for button in app.button]


def test_a_leader_goes_from_the_list_through_notice_and_receipt(action):
    app = page_of(Role.LEADER, "legal")
    assert not app.exception
    frame = app.dataframe[0].value
    line = frame[frame["number"] == legal.number_of(action)].iloc[0]
    assert (line["urgency"], line["days_left"]) == (["Runs out soon"], 2)
    app = page_of(Role.LEADER, "legal", action=action)
    assert "Notice to be sent" not in [button.label for button in app.button]
    app = press(app, "Make the notice and record it as sent today")
    assert not app.exception
    assert stored(action).status == "noticed"
    app = press(app, "Record")
    assert stored(action).status == "served"
    assert "Too early" in said(app)
    app.segmented_control(key=f"legal.act.{action}.2").set_value("expense")
    app = app.run()
    app = press(app, "Record the expense")
    assert "Enter the amount that was paid." in said(app)
    app.text_input(key=f"legal.expense.{action}.amount").set_value("62")
    app = press(app, "Record the expense")
    assert stored(action).expenses == 62


def test_texts_clocks_batches_and_hearings_are_drawn(cast, action):
    app = page_of(Role.LEADER, "legal")
    for view in ("hearings", "batches", "setup"):
        app.segmented_control(key="legal.view").set_value(view)
        app = app.run()
        assert not app.exception
    assert "no legal advice" in said(app)
    before = legal.templates(cast[Role.LEADER], "s138")[0].version
    app.text_area(key=f"legal.text.s138.{before}.body").set_value("{amount} {instrument_number} {evil.x}")
    app = press(app, "Put this text in force")
    assert "is no field" in said(app)
    assert legal.templates(cast[Role.LEADER], "s138")[0].version == before


@pytest.mark.parametrize("role", [Role.ANALYST, Role.ADMIN])
def test_who_may_not_see_sees_nothing(action, role):
    app = page_of(role, "legal", action=action)
    assert not len(app.dataframe)
    assert "Meera" not in words(app)
    assert legal.number_of(action) not in words(app)


def test_an_auditor_reads_and_an_agent_acts_only_as_legal_officer(cast, meera, action):
    app = page_of(Role.AUDITOR, "legal", action=action)
    assert legal.number_of(action) in app.subheader[0].value
    assert not [each for each in app.segmented_control if each.key.startswith("legal.act")]
    app = page_of(Role.AGENT, "legal", action=action)
    assert not [each for each in app.segmented_control if each.key.startswith("legal.act")]
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO case_person (case_id, user_id, role, reason)"
                " SELECT id, :u, 'legal', 'leads it' FROM collection_case WHERE borrower_id = :b"
            ),
            {"u": cast[Role.AGENT].id, "b": meera[0]},
        )
    app = page_of(Role.AGENT, "legal", action=action)
    assert [each for each in app.segmented_control if each.key.startswith("legal.act")]
