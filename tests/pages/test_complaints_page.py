"""Complaints and holds on screens: recorded on the borrower's page, answered, closed; regions held with a preview."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from components import complaints_cached
from db.engine import reading, transaction
from db.models.grievances import Complaint, ComplaintEvent, RegionalHold
from services import cases, complaints, lender
from services.actors import Role
from services.regional_holds import Area
from tests import builders
from tests.pages.conftest import opened, token_of, words


@pytest.fixture(autouse=True)
def _fresh_figures():
    complaints_cached.clear()
    complaints_cached._places.clear()


@pytest.fixture
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false WHERE rule IN ('hours', 'calendar', 'cap')"))
        borrower_id, _ = builders.make_overdue(session, dpd=45, name="Meera Iyer", as_of=today)
        session.execute(text("UPDATE borrower SET state = 'Kerala', city = 'Kochi' WHERE id = :b"), {"b": borrower_id})
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today)
        cases.refresh(session, today, 0, 2**62)
    return borrower_id


@pytest.fixture
def complaint(cast, meera):
    entry = complaints.Entry(
        "harassment", "call", datetime.now(UTC) - timedelta(days=31), "Called at night <b>loud</b>"
    )
    return complaints.receive(cast[Role.LEADER], meera, entry).id


def page_of(role, page, **params):
    app = opened(token_of(role), url_path=page)
    for name, value in params.items():
        app.query_params[name] = str(value)
    return app.run()


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


def act(app, key, name):
    app.segmented_control(key=key).set_value(name)
    return app.run()


def said(app):
    return words(app) + "\n".join(str(each.value) for each in [*app.warning, *app.toast])


def test_an_agent_records_a_complaint_and_loses_the_case(cast, meera):
    app = act(page_of(Role.AGENT, "borrower", borrower=meera), "borrower.act", "complaint")
    app = press(app, "Record complaint")
    assert "Write what the borrower complains of" in said(app)
    app.text_area(key=f"complaint.{meera}.text").set_value("Nobody listens")
    app = press(app, "Record complaint")
    assert not app.exception
    assert "recalled from Agent Person" in said(app)
    assert "not among your cases" in said(app)
    with reading() as session:
        assert session.execute(select(Complaint.text_).where(Complaint.borrower_id == meera)).scalars().all() == [
            "Nobody listens"
        ]


def test_the_figures_know_a_complaint_that_was_just_recorded(cast, meera):
    before = complaints.figures(cast[Role.LEADER]).awaiting
    page_of(Role.LEADER, "complaints")  # which keeps the figures for a while
    app = act(page_of(Role.LEADER, "borrower", borrower=meera), "borrower.act", "complaint")
    app.text_area(key=f"complaint.{meera}.text").set_value("Nobody listens")
    press(app, "Record complaint")
    said_now = page_of(Role.LEADER, "complaints").subheader[0].value
    assert said_now.startswith(f"{before + 1} complaint")


def test_the_borrowers_page_warns_and_leads_to_the_complaint(complaint, meera):
    app = page_of(Role.LEADER, "borrower", borrower=meera)
    [banner] = [each.value for each in app.warning]
    assert f"Complaint CMP-{complaint:05}" in banner
    assert "no contact until it is closed" in banner
    assert "Release" not in [button.label for button in app.button]


def test_an_officer_goes_from_the_list_through_answer_to_the_end(complaint, meera):
    app = page_of(Role.LEADER, "complaints")
    assert "past the last day" in app.subheader[0].value
    frame = app.dataframe[0].value
    row = frame[frame["number"] == f"CMP-{complaint:05}"].iloc[0]
    assert (row["urgency"], row["days_left"], row["status"]) == (["Overdue"], -1, "Open")
    app = page_of(Role.LEADER, "complaints", complaint=complaint)
    assert "harassment" in app.subheader[0].value
    app = press(app, "Record as sent")
    app.text_area(key=f"complaint.answer.{complaint}.text").set_value("It will not happen again.")
    app = press(app, "Record as sent")
    app.text_area(key=f"complaint.close.{complaint}.reason").set_value("Calls at night are on record")
    app = press(app, "Close and release the hold")
    assert not app.exception
    with reading() as session:
        kinds = session.execute(
            select(ComplaintEvent.kind).where(ComplaintEvent.complaint_id == complaint).order_by(ComplaintEvent.id)
        )
        assert kinds.scalars().all() == ["opened", "acknowledged", "answered", "closed"]
    assert not page_of(Role.LEADER, "borrower", borrower=meera).warning


def test_compensation_is_recorded_once_and_an_amount_that_is_none_is_told_at_its_field(complaint):
    app = page_of(Role.LEADER, "complaints", complaint=complaint)
    app = act(app, f"complaint.act.{complaint}.open", "compensated")
    app = press(app, "Record compensation")
    assert "Enter the amount that was paid." in said(app)
    app.text_input(key=f"complaint.compensate.{complaint}.amount").set_value("1,000")
    app.text_input(key=f"complaint.compensate.{complaint}.reason").set_value("Calls at night")
    app = press(app, "Record compensation")
    with reading() as session:
        assert session.execute(select(Complaint.compensation).where(Complaint.id == complaint)).scalar_one() == 1000


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_only_looks_sees_the_complaint_without_acts(complaint, role):
    app = page_of(role, "complaints", complaint=complaint)
    assert not app.exception
    assert "Record as sent" not in [button.label for button in app.button]
    assert [each.label for each in page_of(role, "holds").button if "Stop" in each.label] == []


def test_a_leader_who_is_complained_about_is_told_so_and_offered_nothing(cast, meera):
    entry = complaints.Entry("agent_conduct", "call", datetime.now(UTC), "Rude", cast[Role.LEADER].id)
    complaint_id = complaints.receive(cast[Role.AUDITOR], meera, entry).id
    app = page_of(Role.LEADER, "complaints", complaint=complaint_id)
    assert "against you" in app.info[0].value
    assert "Record as sent" not in [button.label for button in app.button]


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
@pytest.mark.parametrize("page", ["complaints", "holds"])
def test_other_roles_see_nothing(complaint, role, page):
    app = page_of(role, page, complaint=complaint)
    assert not app.dataframe
    assert "CMP-" not in words(app)


@pytest.mark.parametrize("address", ["0", "x", "99999999999999999999"])
def test_an_odd_address_breaks_nothing(cast, address):
    assert not page_of(Role.LEADER, "complaints", complaint=address).exception


def test_a_leader_sees_whom_a_regional_hold_covers_places_it_and_ends_it_early(meera):
    app = page_of(Role.LEADER, "holds")
    assert "No region is held now" in words(app)
    app.text_input(key="holds.region.name").set_value("Onam")
    app.text_input(key="holds.region.reason").set_value("Nobody is called at Onam")
    app.multiselect(key="holds.region.areas").set_value([Area("state", "Kerala")])
    app = app.run()
    assert "borrowers and" in words(app)
    app = press(app, "Stop contact")
    assert not app.exception
    assert "One regional hold is in force" in words(app)
    assert "Onam" in page_of(Role.AUDITOR, "borrower", borrower=meera).warning[0].value
    with reading() as session:
        hold_id = session.execute(select(RegionalHold.id).where(RegionalHold.ended_at.is_(None))).scalar_one()
    app.text_input(key=f"holds.end.{hold_id}.reason").set_value("Over sooner")
    app = press(app, "End now")
    assert "No region is held now" in words(app)
    assert not page_of(Role.AUDITOR, "borrower", borrower=meera).warning


def test_all_single_holds_are_listed_with_what_ends_them(complaint, meera):
    with transaction() as session:
        builders.make_hold(session, meera, kind="legal", starts_on=lender.current().today)
    app = page_of(Role.LEADER, "holds")
    frame = app.dataframe[-1].value
    assert {"Complaint", "Legal"} <= set(frame["label"])
