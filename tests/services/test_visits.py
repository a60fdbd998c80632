"""Field visits: the order of places, check-in and outcome, planning within limits, the sheet sent in later."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.owes import Payment
from db.models.work import ContactAttempt, GateDecision
from services import case_people, contacts, documents, lender, policy, promises, timeline, visits
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.visits import Fix, Plan, Position, Presence, places, sheet_lines, sheets
from tests import builders
from tests.conftest import make_actor

INDIA = ZoneInfo("Asia/Kolkata")
TODAY = date(2026, 11, 16)
"""A Monday on which the draft's order of places is in force."""
BANDRA, NEARBY = Position(19.0596, 72.8295), Position(19.0600, 72.8300)
NOT_HOME = contacts.Entry(channel="visit", direction="outbound", person="nobody", outcome="no_answer")
PHOTO = b"\xff\xd8\xff\xe0 a door"


@pytest.fixture(autouse=True)
def noon(frozen_clock):
    frozen_clock(datetime.combine(TODAY, time(12), INDIA))
    return frozen_clock


@pytest.fixture
def meera(session, ana):
    """A borrower of Ana's who owes 20,000 and has one address; ids of borrower, loan and address."""
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id)
    for number, due_on in enumerate((date(2026, 9, 5), date(2026, 10, 5), date(2026, 12, 5)), start=1):
        builders.make_instalment(session, loan_id, number, due_on)
    builders.make_state(session, loan_id, dpd=72, as_of=TODAY, overdue_amount=Decimal(20_000))
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id, loan_id, builders.make_address(session, borrower_id, is_primary=True)


def at(address, place="residence", **over):
    return Plan(address, place, **{"planned_on": TODAY, **over})


def here(position=BANDRA, accuracy=20):
    return Presence(Fix(position, accuracy))


def failed(actor, borrower_id, plan):
    """A visit on which nobody was met."""
    made = visits.plan(actor, borrower_id, plan)
    visits.check_in(actor, made.id, here())
    return visits.finish(actor, made.id, NOT_HOME, request_key=f"failed-{made.id}")


# --- places --------------------------------------------------------------------------------------------------------


def test_the_workplace_comes_after_a_failed_visit_at_home(session, ana, meera, noon):
    work = builders.make_address(session, meera[0], "Plot 7, MIDC, Andheri, Mumbai 400093")
    with pytest.raises(Refused, match="home comes first"):
        visits.plan(ana, meera[0], at(work, "workplace"))
    failed(ana, meera[0], at(meera[2]))
    noon(datetime.combine(TODAY + timedelta(days=2), time(12), INDIA))
    later = at(work, "workplace", planned_on=TODAY + timedelta(days=2))
    assert visits.plan(ana, meera[0], later).place == "workplace"


def test_where_the_borrower_chose_comes_before_the_home(session, ana, meera):
    tea_house = builders.make_address(session, meera[0], "Tea house, Station Road, Mumbai 400050")
    places.say(ana, meera[0], tea_house, "chosen")
    with pytest.raises(Refused, match="chose another place: a visit there must fail first"):
        visits.plan(ana, meera[0], at(meera[2]))
    failed(ana, meera[0], at(tea_house, "chosen"))
    tomorrow = at(meera[2], planned_on=TODAY + timedelta(days=1))
    assert visits.plan(ana, meera[0], tomorrow).status == "planned"


def test_a_microfinance_borrower_is_met_at_the_agreed_place_until_two_visits_failed(session, ana, meera, noon):
    session.execute(text("UPDATE product SET is_microfinance = true"))
    with pytest.raises(Refused, match="must be agreed first"):
        visits.plan(ana, meera[0], at(meera[2]))
    centre = builders.make_address(session, meera[0], "Community hall, Mumbai 400050")
    for day in (0, 4):
        noon(datetime.combine(TODAY + timedelta(days=day), time(12), INDIA))
        failed(ana, meera[0], at(centre, "chosen", planned_on=TODAY + timedelta(days=day)))
        if day == 0:
            with pytest.raises(Refused, match="a visit there must fail first"):
                visits.plan(ana, meera[0], at(meera[2], planned_on=TODAY + timedelta(days=1)))
    third = at(meera[2], planned_on=TODAY + timedelta(days=11))
    assert visits.plan(ana, meera[0], third).place == "residence"


def test_meeting_the_borrower_starts_the_order_of_places_anew(session, ana, meera, noon):
    work = builders.make_address(session, meera[0], "Plot 7, MIDC, Andheri, Mumbai 400093")
    failed(ana, meera[0], at(meera[2]))
    builders.make_contact(session, meera[0], channel="visit", person="borrower", outcome="call_back",
                          at=datetime.combine(TODAY, time(13), INDIA))  # fmt: skip
    with pytest.raises(Refused, match="home comes first"):
        visits.plan(ana, meera[0], at(work, "workplace", planned_on=TODAY + timedelta(days=1)))


def test_other_places_are_not_visited(ana, meera):
    with pytest.raises(Refused, match="nowhere else"):
        visits.plan(ana, meera[0], at(meera[2], "other"))


def test_an_address_that_refused_contact_is_not_offered(session, ana, meera):
    shut = builders.make_address(session, meera[0], "3 Park Street, Mumbai 400001", do_not_contact=True)
    assert [each.contact_point_id for each in places.of_borrower(ana, meera[0])] == [meera[2]]
    with pytest.raises(InvalidInput):
        visits.plan(ana, meera[0], at(shut))


def test_a_visit_that_is_logged_without_a_plan_keeps_the_order_of_places_too(session, ana, meera):
    work = builders.make_address(session, meera[0], "Plot 7, MIDC, Andheri, Mumbai 400093")
    places.say(ana, meera[0], work, "workplace")
    visit = {"channel": "visit", "direction": "outbound", "person": "nobody", "outcome": "no_answer"}
    with pytest.raises(Refused, match="home comes first"):
        contacts.record(ana, meera[0], **visit, contact_point_id=work)
    assert contacts.record(ana, meera[0], **visit, contact_point_id=meera[2]).channel == "visit"


# --- planning ------------------------------------------------------------------------------------------------------


def test_a_borrower_is_visited_once_a_day(session, ana, meera):
    visits.plan(ana, meera[0], at(meera[2]))
    with pytest.raises(Conflict, match="planned for that day already"):
        visits.plan(ana, meera[0], at(meera[2]))


def test_a_form_sent_twice_plans_one_visit(ana, meera):
    first = visits.plan(ana, meera[0], at(meera[2]), request_key="k")
    assert visits.plan(ana, meera[0], at(meera[2]), request_key="k").id == first.id


def test_leader_plans_for_the_field_agent_of_the_case_and_for_nobody_else(session, ana, marek, meera):
    ravi = make_actor(session, "ravi", "Ravi", Role.AGENT)
    with pytest.raises(Refused, match="Ravi neither owns this case"):
        visits.plan(marek, meera[0], at(meera[2]), agent_id=ravi.id)
    case_people.add(marek, meera[0], user_id=ravi.id, role="field", reason="Visits the area")
    made = visits.plan(marek, meera[0], at(meera[2]), agent_id=ravi.id)
    assert (made.agent_name, visits.day(ravi, TODAY).visits) == ("Ravi", (replace(made),))
    with pytest.raises(NotFound):
        visits.cancel(make_actor(session, "zoya", "Zoya", Role.AGENT), made.id, reason="mine")


def test_an_agent_plans_for_nobody_else(session, ana, meera):
    with pytest.raises(NotAllowed):
        visits.plan(ana, meera[0], at(meera[2]), agent_id=make_actor(session, "ravi", "Ravi", Role.AGENT).id)


def test_an_agent_whose_certificate_expired_makes_no_visit(session, ana, meera):
    session.execute(
        text("INSERT INTO collector (user_id, certificate_number, certificate_expires_on) VALUES (:id, 'C1', :on)"),
        {"id": ana.id, "on": TODAY - timedelta(days=1)},
    )
    with pytest.raises(Refused, match="certificate"):
        visits.plan(ana, meera[0], at(meera[2]))


def test_a_full_day_takes_no_more_visits(session, ana, meera):
    session.execute(text("UPDATE field_policy SET visits_per_day = 1"))
    visits.plan(ana, meera[0], at(meera[2]))
    other, _ = builders.make_overdue(session, dpd=40, as_of=TODAY)
    builders.make_case(session, other, owner_id=ana.id)
    with pytest.raises(Refused, match="day is full"):
        visits.plan(ana, other, at(builders.make_address(session, other)))


@pytest.mark.parametrize("days", [-1, 31])
def test_a_visit_is_planned_from_today_to_the_limit(ana, meera, days):
    with pytest.raises(InvalidInput, match="30 days ahead"):
        visits.plan(ana, meera[0], at(meera[2], planned_on=TODAY + timedelta(days=days)))


def test_nobody_on_hold_or_without_case_is_visited(session, ana, marek, meera):
    builders.make_hold(session, meera[0], kind="bereavement", starts_on=TODAY)
    with pytest.raises(Refused, match="bereavement"):
        visits.plan(ana, meera[0], at(meera[2]))
    session.execute(text("UPDATE collection_case SET closed_on = :on"), {"on": TODAY})
    with pytest.raises(Refused, match="no open case"):
        visits.plan(marek, meera[0], at(meera[2]), agent_id=marek.id)


def test_many_are_planned_at_once_and_those_that_cannot_be_are_told(session, ana, meera):
    held, _ = builders.make_overdue(session, dpd=40, as_of=TODAY, name="Asha Rao")
    builders.make_case(session, held, owner_id=ana.id)
    builders.make_address(session, held)
    builders.make_hold(session, held, kind="bereavement", starts_on=TODAY)
    assert {each.borrower_id for each in visits.candidates(ana, on=TODAY)} == {meera[0], held}
    planned = visits.plan_many(ana, [meera[0], held], agent_id=None, on=TODAY, purpose="Collect")
    assert [visit.borrower_id for visit in planned.visits] == [meera[0]]
    assert planned.refused[0][0] == held
    assert [each.borrower_id for each in visits.candidates(ana, on=TODAY)] == [held]
    places_said = text("SELECT count(*) FROM address_place WHERE borrower_id = :id")
    assert session.execute(places_said, {"id": held}).scalar_one() == 0


def test_a_moved_visit_frees_its_day_and_keeps_its_history(session, ana, meera):
    made = visits.plan(ana, meera[0], at(meera[2]))
    moved = visits.move(ana, made.id, planned_on=TODAY + timedelta(days=1), appointed_at=time(15), reason="asked so")
    assert [visit.status for visit in visits.of_borrower(ana, meera[0])] == ["planned", "cancelled"]
    assert moved.appointed_at == time(15)
    assert visits.plan(ana, meera[0], at(meera[2])).status == "planned"


@pytest.mark.parametrize("zone", ["Etc/GMT+11", "America/New_York", "Europe/London", "Asia/Tokyo", "Etc/GMT-14"])
def test_a_visit_without_a_time_is_asked_for_noon_where_the_borrower_is(session, ana, meera, noon, zone):
    session.execute(text("UPDATE borrower SET time_zone = :zone WHERE id = :id"), {"zone": zone, "id": meera[0]})
    noon(datetime.combine(TODAY, time(12), ZoneInfo(zone)))
    today = lender.load(session).today
    assert visits.plan(ana, meera[0], at(meera[2], planned_on=today + timedelta(days=1))).status == "planned"


@pytest.mark.parametrize(
    ("agreed", "is_allowed"), [(time(7, 30), False), (time(8, 30), True), (time(18, 30), True), (time(19, 30), False)]
)
def test_an_agreed_time_is_that_of_the_place(session, ana, meera, agreed, is_allowed):
    session.execute(text("UPDATE borrower SET time_zone = 'Asia/Tokyo' WHERE id = :id"), {"id": meera[0]})
    wanted = at(meera[2], planned_on=TODAY + timedelta(days=1), appointed_at=agreed)
    with nullcontext() if is_allowed else pytest.raises(Refused, match="Outside contact hours"):
        visits.plan(ana, meera[0], wanted)


# --- at the place ----------------------------------------------------------------------------------------------------


def test_a_visit_from_plan_to_outcome(session, ana, meera):
    places.locate(ana, meera[0], meera[2], BANDRA)
    made = visits.plan(ana, meera[0], at(meera[2]))
    checked = visits.check_in(ana, made.id, here(NEARBY))
    assert checked.status == "checked_in"
    assert 50 < checked.check_in.distance_m < 90
    entry = contacts.Entry(channel="visit", direction="outbound", person="borrower", outcome="promise_to_pay",
                           promise=promises.Terms(meera[1], Decimal(5_000), TODAY + timedelta(days=3)))  # fmt: skip
    done = visits.finish(ana, made.id, entry, request_key="k", photos=[("door.jpg", PHOTO)])
    assert (done.status, done.outcome_label, done.photos) == ("done", "Promise to pay", 1)
    attempt = session.get_one(ContactAttempt, done.contact_attempt_id)
    assert (attempt.channel, attempt.contact_point_id, attempt.at) == ("visit", meera[2], checked.check_in.at)
    assert session.get_one(GateDecision, attempt.gate_decision_id).channel == "visit"
    photo = documents.with_subject(ana, ("visit", made.id))[0]
    assert (photo.kind, photo.borrower_id) == ("visit_photo", meera[0])
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions[-3:] == ["visit.planned", "visit.checked_in", "promise.recorded"]


def test_an_outcome_needs_a_check_in_and_is_recorded_once(ana, meera):
    made = visits.plan(ana, meera[0], at(meera[2]))
    with pytest.raises(Refused, match="Check in at the place first"):
        visits.finish(ana, made.id, NOT_HOME, request_key="a")
    visits.check_in(ana, made.id, here())
    with pytest.raises(Refused, match="checked in"):
        visits.check_in(ana, made.id, here())
    visits.finish(ana, made.id, NOT_HOME, request_key="a")
    with pytest.raises(Conflict, match="recorded already"):
        visits.finish(ana, made.id, NOT_HOME, request_key="b")


def test_the_gate_stops_a_check_in_and_what_it_said_is_kept(session, ana, marek, meera, noon):
    made = visits.plan(ana, meera[0], at(meera[2]))
    noon(datetime.combine(TODAY, time(19, 30), INDIA))
    with pytest.raises(Refused, match="Outside contact hours"):
        visits.check_in(ana, made.id, here())
    assert session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(1)).one() == "visit.blocked"
    with pytest.raises(NotAllowed):
        visits.check_in(ana, made.id, Presence(Fix(BANDRA, 10), override_reason="asked me to come"))
    done = visits.check_in(marek, made.id, Presence(Fix(BANDRA, 10), override_reason="asked me to come"))
    assert done.check_in.override_reason == "asked me to come"
    visits.finish(marek, made.id, NOT_HOME, request_key="k")
    newest = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert newest.action == "contact.recorded_against_gate"


def test_the_outcome_of_a_visit_that_began_in_time_is_not_stopped_later(ana, meera, noon):
    made = visits.plan(ana, meera[0], at(meera[2]))
    noon(datetime.combine(TODAY, time(18, 55), INDIA))
    visits.check_in(ana, made.id, here())
    noon(datetime.combine(TODAY, time(19, 20), INDIA))
    assert visits.finish(ana, made.id, NOT_HOME, request_key="k").status == "done"


def test_without_a_position_a_reason_is_asked_for(ana, meera):
    made = visits.plan(ana, meera[0], at(meera[2]))
    with pytest.raises(InvalidInput, match="say why there is none"):
        visits.check_in(ana, made.id, Presence(None))
    done = visits.check_in(ana, made.id, Presence(None, "The phone gives none"))
    assert done.check_in.no_position_reason == "The phone gives none"


def test_an_address_learns_its_position_where_the_borrower_was_met_and_only_there(session, ana, meera, noon):
    failed(ana, meera[0], at(meera[2]))
    assert not places.of_borrower(ana, meera[0])[0].has_position
    tomorrow = TODAY + timedelta(days=1)
    noon(datetime.combine(tomorrow, time(12), INDIA))
    made = visits.plan(ana, meera[0], at(meera[2], planned_on=tomorrow))
    visits.check_in(ana, made.id, here())
    met = contacts.Entry(channel="visit", direction="outbound", person="borrower", outcome="refuses_to_pay", note="No")
    visits.finish(ana, made.id, met, request_key="k")
    assert visits.day(ana, tomorrow).visits[0].position == BANDRA
    stored = session.execute(text("SELECT position_encrypted FROM address_position")).scalar_one()
    assert b"19.05" not in bytes(stored)


def test_a_visit_that_nobody_made_is_missed_the_day_after(ana, meera, noon):
    made = visits.plan(ana, meera[0], at(meera[2]))
    noon(datetime.combine(TODAY + timedelta(days=1), time(9), INDIA))
    assert visits.one(ana, made.id).status == "missed"
    with pytest.raises(Refused, match="missed"):
        visits.check_in(ana, made.id, here())


def test_what_is_no_photo_is_refused(ana, meera):
    made = visits.plan(ana, meera[0], at(meera[2]))
    with pytest.raises(Refused):
        visits.add_photo(ana, made.id, file_name="a.jpg", content=PHOTO)
    visits.check_in(ana, made.id, here())
    with pytest.raises(InvalidInput, match="JPEG or PNG"):
        visits.add_photo(ana, made.id, file_name="a.jpg", content=b"%PDF-1.7")


def test_only_who_makes_the_visit_sees_its_address_and_that_is_recorded(session, ana, ada, meera):
    made = visits.plan(ana, meera[0], at(meera[2]))
    assert places.reveal(ana, made.id).startswith("12 Hill Road")
    assert session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(1)).one() == (
        "contact_point.revealed"
    )
    with pytest.raises(NotAllowed):
        places.reveal(ada, made.id)


def test_the_team_shows_who_met_whom_and_how_far_from_the_address(session, ana, marek, meera):
    places.locate(ana, meera[0], meera[2], BANDRA)
    made = visits.plan(ana, meera[0], at(meera[2]))
    visits.check_in(ana, made.id, here(Position(19.10, 72.8295)))
    visits.finish(ana, made.id, NOT_HOME, request_key="k")
    (row,) = visits.team(marek)
    assert (row.agent_name, row.visits, row.done, row.met, row.far) == ("Ana Pereira", 1, 1, 0, 1)
    with pytest.raises(NotAllowed):
        visits.team(ana)


# --- the sheet -------------------------------------------------------------------------------------------------------


def filled(lines, **cells):
    return sheets.as_csv([{**lines[0], **cells}])


def test_a_sheet_filled_without_network_is_recorded_once(session, ana, meera, noon):
    visits.plan(ana, meera[0], at(meera[2]))
    lines = sheets.taken_along(ana, TODAY)
    assert lines[0]["address"].startswith("12 Hill Road")
    content = filled(lines, arrived_at="14:30", latitude="19.0596", longitude="72.8295", outcome="Promise to pay",
                     person="Borrower", promise_amount="5,000", promise_on="2026-11-20", received="2,000", mode="Cash",
                     paid_by="Meera Iyer", paper_number="B-17")  # fmt: skip
    noon(datetime.combine(TODAY, time(20), INDIA))
    trial = sheet_lines.send_in(ana, content, is_trial=True)
    assert [line.result for line in trial] == ["recorded"]
    assert visits.day(ana, TODAY).visits[0].status == "planned"
    (line,) = sheet_lines.send_in(ana, content, is_trial=False)
    assert line.sentence == "Visit and receipt 2026-27/000001"
    done = visits.day(ana, TODAY).visits[0]
    assert (done.status, done.received, done.check_in.source) == ("done", 2_000, "sheet")
    assert done.check_in.at == datetime.combine(TODAY, time(14, 30), INDIA)
    (again,) = sheet_lines.send_in(ana, content, is_trial=False)
    assert again.result == "already"
    assert len(session.scalars(select(Payment)).all()) == 1
    told = {entry.kind: entry for entry in timeline.of(ana, meera[0], kinds=["visit", "receipt", "contact"]).entries}
    assert (told["visit"].state, told["receipt"].state, told["receipt"].amount) == ("done", "credited", 2_000)


def test_a_wrong_line_of_a_sheet_records_nothing_of_itself(session, ana, meera):
    visits.plan(ana, meera[0], at(meera[2]))
    lines = sheets.taken_along(ana, TODAY)
    content = filled(lines, arrived_at="11:30", outcome="No answer", person="Nobody", received="99,99,999", paid_by="M")
    (line,) = sheet_lines.send_in(ana, content, is_trial=False)
    assert line.result == "wrong"
    assert "is owed in all" in line.sentence
    assert visits.day(ana, TODAY).visits[0].status == "planned"
    assert session.scalars(select(ContactAttempt)).all() == []
    (later,) = sheet_lines.send_in(ana, filled(lines, arrived_at="23:30", outcome="No answer"), is_trial=False)
    assert "has not come yet" in later.sentence
    assert [line.result for line in sheet_lines.send_in(ana, sheets.as_csv(lines), is_trial=False)] == ["empty"]


def test_the_time_on_a_sheet_is_that_of_the_place(session, ana, meera):
    session.execute(text("UPDATE borrower SET time_zone = 'Asia/Dubai' WHERE id = :id"), {"id": meera[0]})
    made = visits.plan(ana, meera[0], at(meera[2]))
    lines = sheets.taken_along(ana, TODAY)
    sheet_lines.send_in(ana, filled(lines, arrived_at="09:15", outcome="No answer", person="Nobody"), is_trial=False)
    (arrived,) = (visit.check_in for visit in visits.of_borrower(ana, meera[0]) if visit.id == made.id)
    assert arrived.at == datetime.combine(TODAY, time(9, 15), ZoneInfo("Asia/Dubai"))


def test_a_visit_outside_hours_that_comes_in_with_a_sheet_stands_out(session, ana, meera, noon):
    visits.plan(ana, meera[0], at(meera[2]))
    lines = sheets.taken_along(ana, TODAY)
    noon(datetime.combine(TODAY, time(21), INDIA))
    sheet_lines.send_in(ana, filled(lines, arrived_at="19:45", outcome="No answer", person="Nobody"), is_trial=False)
    newest = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert newest.action == "contact.recorded_against_gate"
    assert "Made without network" in newest.reason


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", b"Visit\nV-1\n", b"x" * 3_000_000])
def test_what_is_no_sheet_is_told(ana, content):
    with pytest.raises(InvalidInput):
        sheet_lines.send_in(ana, content, is_trial=True)


def test_another_agents_sheet_records_nothing(session, ana, meera):
    visits.plan(ana, meera[0], at(meera[2]))
    content = filled(sheets.taken_along(ana, TODAY), arrived_at="11:30", outcome="No answer", person="Nobody")
    (line,) = sheet_lines.send_in(make_actor(session, "zoya", "Zoya", Role.AGENT), content, is_trial=False)
    assert (line.result, line.sentence) == ("wrong", "That visit is not among yours.")


def test_the_page_of_the_sheet_escapes_what_borrowers_are_called(session, ana, meera):
    session.execute(text("UPDATE borrower SET name = '</script><b>x'"))
    visits.plan(ana, meera[0], at(meera[2]))
    page = sheets.as_page(ana, sheets.taken_along(ana, TODAY), TODAY).decode()
    assert "</script><b>" not in page
    assert page.count("<script>") == 1


def test_the_gate_asks_about_places_only_for_visits(session, meera):
    now = datetime.combine(TODAY, time(12), INDIA)
    assert policy.preview_many(session, [meera[0]], "visit", now)[meera[0]].is_allowed
    assert policy.preview_many(session, [meera[0]], "visit", now, place="other")[meera[0]].rule == "visit_place"
