"""Stops on contact by region: whom they cover, that everything asks them, and that they end by themselves."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.grievances import RegionalHold
from db.queries import collectors as collector_queries
from services import borrowers, cases, holds, personal_data, policy, queue, regional_holds, reminders
from services.actors import SYSTEM
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound
from services.queue import QueueFilter
from services.regional_holds import Area, Terms
from tests import builders

INDIA = ZoneInfo("Asia/Kolkata")
TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India
NOW = datetime(2025, 6, 16, 11, tzinfo=INDIA)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def terms(*areas, **over):
    values = {"name": "Cyclone", "kind": "calamity", "reason": "Red alert", "starts_on": TODAY}
    values |= {"ends_on": date(2025, 6, 20), "areas": areas or (Area("state", "Odisha"),)}
    return Terms(**{**values, **over})


def late(session, ana, *, dpd=45, **where):
    """A borrower somewhere, overdue, with a number and an open case of the agent."""
    borrower_id = builders.make_borrower(session, **where)
    builders.make_state(session, builders.make_loan(session, borrower_id), dpd=dpd)
    builders.make_phone(session, borrower_id)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id


def answer(session, borrower_id, at=NOW, channel="call", **over):
    return policy.preview_many(session, [borrower_id], channel, at, **over)[borrower_id]


@pytest.mark.parametrize(
    ("area", "is_covered"),
    [
        (Area("everywhere"), True),
        (Area("region", "East"), True),
        (Area("state", "Odisha"), True),
        (Area("city", "Puri"), True),
        (Area("region", "West"), False),
        (Area("state", "East"), False),
        (Area("city", "Odisha"), False),
    ],
)
def test_an_area_covers_who_lives_there_and_the_gate_says_so(session, marek, area, is_covered):
    builders.make_borrower(session, region="West", state="Goa", city="Panaji")
    inside = builders.make_borrower(session, region="East", state="Odisha", city="Puri")
    regional_holds.place(marek, terms(area))
    given = answer(session, inside)
    assert (given.rule == "regional_hold") is is_covered
    if is_covered:
        assert given.reason == "No contact until 20 Jun 2025: calamity where the borrower lives (Cyclone)."
        assert given.next_allowed_at == datetime(2025, 6, 20, 8, tzinfo=INDIA)
    assert bool(regional_holds.covering(session, inside, today=TODAY)) is is_covered


def test_a_borrower_whose_place_is_not_known_is_held_everywhere_only(session, marek):
    nowhere = builders.make_borrower(session)
    regional_holds.place(marek, terms(Area("state", ""), Area("city", "Puri")))
    assert answer(session, nowhere).rule != "regional_hold"
    regional_holds.place(marek, terms(Area("everywhere"), name="Holi", kind="festival"))
    assert answer(session, nowhere).rule == "regional_hold"


@pytest.mark.parametrize("channel", ["call", "visit", "sms", "whatsapp", "email", "letter"])
@pytest.mark.parametrize("is_automated", [True, False])
def test_it_stops_every_channel_by_person_and_machine(session, marek, channel, is_automated):
    inside = builders.make_borrower(session, state="Odisha")
    regional_holds.place(marek, terms())
    assert answer(session, inside, channel=channel, is_automated=is_automated).rule == "regional_hold"


def test_it_starts_and_ends_by_itself_at_the_borrowers_midnight(session, marek):
    inside = builders.make_borrower(session, state="Odisha")
    regional_holds.place(marek, terms(starts_on=date(2025, 6, 18)))
    for at, is_held in (
        (datetime(2025, 6, 17, 18, 59, tzinfo=INDIA), False),
        (datetime(2025, 6, 18, 8, tzinfo=INDIA), True),
        (datetime(2025, 6, 19, 18, 59, tzinfo=INDIA), True),
        (datetime(2025, 6, 20, 8, tzinfo=INDIA), False),
    ):
        assert (answer(session, inside, at).rule == "regional_hold") is is_held


def test_the_next_moment_passes_over_a_coming_hold_and_one_that_follows(session, marek):
    inside = builders.make_borrower(session, state="Odisha", city="Puri")
    regional_holds.place(marek, terms())
    regional_holds.place(
        marek, terms(Area("city", "Puri"), name="Rath Yatra", starts_on=date(2025, 6, 20), ends_on=date(2025, 6, 23))
    )
    assert answer(session, inside).next_allowed_at == datetime(2025, 6, 23, 8, tzinfo=INDIA)


def test_ended_early_contact_is_allowed_at_once_and_history_says_why(session, marek):
    inside = builders.make_borrower(session, state="Odisha")
    hold_id = regional_holds.place(marek, terms())
    with pytest.raises(InvalidInput):
        regional_holds.end(marek, hold_id, reason=" ")
    regional_holds.end(marek, hold_id, reason="The cyclone turned away")
    assert answer(session, inside).is_allowed
    listing = regional_holds.listing(marek)
    assert listing.current == ()
    assert [(hold.end_reason, hold.ended_by_name) for hold in listing.past] == [
        ("The cyclone turned away", "Marek Nowak")
    ]
    with pytest.raises(Conflict):
        regional_holds.end(marek, hold_id, reason="Again")
    actions = session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()
    assert actions == ["regional_hold.placed", "regional_hold.ended"]


def test_one_that_is_over_cannot_be_ended(session, marek, frozen_clock):
    hold_id = regional_holds.place(marek, terms())
    frozen_clock(datetime(2025, 6, 20, tzinfo=INDIA))
    with pytest.raises(Conflict):
        regional_holds.end(marek, hold_id, reason="Over")
    assert [hold.id for hold in regional_holds.listing(marek).past] == [hold_id]
    with pytest.raises(NotFound):
        regional_holds.end(marek, hold_id + 1, reason="Not there")


def test_the_preview_counts_borrowers_cases_and_arrears_once_each(session, ana, marek):
    late(session, ana, state="Odisha", city="Puri", region="East")
    builders.make_borrower(session, state="Odisha", city="Cuttack", region="East")
    late(session, ana, state="Goa", city="Panaji", region="West")
    shown = regional_holds.preview(marek, [Area("state", "Odisha"), Area("city", "Puri"), Area("region", "East")])
    assert (shown.borrowers, shown.cases, shown.overdue_amount) == (2, 1, Decimal(10_000))
    assert regional_holds.preview(marek, [Area("everywhere")]).borrowers == 3
    assert regional_holds.preview(marek, []).borrowers == 0


# --- everything asks the gate ---------------------------------------------------------------------------------------


def test_the_queue_says_from_when_and_gives_a_case_elsewhere_first(session, ana, marek):
    inside = late(session, ana, dpd=75, state="Odisha")
    outside = late(session, ana, dpd=5, state="Goa")
    regional_holds.place(marek, terms())
    rows = {row.borrower_id: row.contact for row in queue.page(ana, QueueFilter()).rows}
    assert list(rows) == [inside, outside]  # by priority, as before
    assert (rows[inside].is_allowed, rows[outside].is_allowed) == (False, True)
    assert rows[inside].next_allowed_at == datetime(2025, 6, 20, 8, tzinfo=INDIA)
    assert queue.one(ana, queue.next_case(ana)).borrower_id == outside


def reminded(session, **where):
    """Someone two days overdue with an e-mail address."""
    borrower_id = builders.make_borrower(session, **where)
    session.execute(
        text("""INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint)
                VALUES (:b, 'email', :e, gen_random_uuid()::text::bytea, 'm•••')"""),
        {"b": borrower_id, "e": personal_data.encrypt("meera@example.in")},
    )
    builders.make_state(session, builders.make_loan(session, borrower_id), dpd=2)
    return borrower_id


def messages(session):
    return {
        row.borrower_id: row for row in session.execute(text("SELECT borrower_id, status, send_after FROM message"))
    }


def test_reminders_are_planned_for_the_day_after_or_not_at_all(session, marek):
    short, long, outside = (reminded(session, state=state) for state in ("Odisha", "Assam", "Goa"))
    regional_holds.place(marek, terms(ends_on=date(2025, 6, 18)))
    regional_holds.place(marek, terms(Area("state", "Assam"), name="Flood", ends_on=date(2025, 7, 1)))
    reminders.plan(SYSTEM)
    made = messages(session)
    assert made[short].send_after == datetime(2025, 6, 18, 8, tzinfo=INDIA)
    assert {made[each].status for each in (short, outside)} == {"planned"}
    assert made[long].status == "blocked"


def test_a_reminder_planned_before_the_hold_is_not_sent_while_it_lasts(session, marek, frozen_clock):
    inside = reminded(session, state="Odisha")
    reminders.plan(SYSTEM)
    regional_holds.place(marek, terms(ends_on=date(2025, 6, 17)))
    reminders.send_due(SYSTEM)
    assert messages(session)[inside].status == "planned"
    frozen_clock(datetime(2025, 6, 17, 9, tzinfo=INDIA))
    reminders.send_due(SYSTEM)
    assert messages(session)[inside].status == "sent"


def test_the_borrowers_page_knows_the_hold(session, ana, marek):
    inside = late(session, ana, state="Odisha")
    regional_holds.place(marek, terms())
    regional_holds.place(marek, terms(name="Next week", starts_on=TODAY + timedelta(days=7), ends_on=date(2025, 7, 1)))
    view = borrowers.view(ana, inside)
    assert [hold.label for hold in view.regional_holds] == ["Calamity: Cyclone"]
    assert view.call.rule == "regional_hold"


# --- who may, and what cannot be ------------------------------------------------------------------------------------


def test_only_a_leader_holds_a_region_and_agents_do_not_see_the_list(ana, ada, adam, anil, marek):
    hold_id = regional_holds.place(marek, terms())
    for actor in (ana, ada, adam, anil):
        with pytest.raises(NotAllowed):
            regional_holds.place(actor, terms())
        with pytest.raises(NotAllowed):
            regional_holds.end(actor, hold_id, reason="No")
        with pytest.raises(NotAllowed):
            regional_holds.preview(actor, [])
    for actor in (ana, adam):
        with pytest.raises(NotAllowed):
            regional_holds.listing(actor)
        with pytest.raises(NotAllowed):
            holds.in_force(actor)
    assert len(regional_holds.listing(ada).current) == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": " "}, "name"),
        ({"kind": "mood"}, "kind"),
        ({"reason": ""}, "reason"),
        ({"areas": ()}, "areas"),
        ({"areas": (Area("street", "Main"),)}, "areas"),
        ({"starts_on": TODAY - timedelta(days=1)}, "starts_on"),
        ({"ends_on": TODAY}, "ends_on"),
        ({"ends_on": TODAY + timedelta(days=181)}, "ends_on"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(session, marek, over, field):
    with pytest.raises(InvalidInput) as refusal:
        regional_holds.place(marek, terms(**over))
    assert set(refusal.value.fields) == {field}
    assert session.execute(select(RegionalHold.id)).all() == []


def test_the_same_form_twice_is_one_hold(session, marek):
    first = regional_holds.place(marek, terms(), request_key="k")
    assert regional_holds.place(marek, terms(), request_key="k") == first
    assert len(session.execute(select(RegionalHold.id)).all()) == 1


# --- the list of single holds ---------------------------------------------------------------------------------------


def test_single_holds_are_listed_by_their_end_and_pages_lose_nothing(session, marek):
    made = {}
    for ends in (None, date(2025, 6, 30), date(2025, 6, 17), None, TODAY):
        borrower_id = builders.make_borrower(session)
        made[builders.make_hold(session, borrower_id, starts_on=date(2025, 6, 1), ends_on=ends)] = ends
    expected = sorted((hold for hold, ends in made.items() if ends != TODAY), key=lambda h: (made[h] or date.max, h))
    seen, after = [], None
    while True:
        part = holds.in_force(marek, after=after, limit=1)
        seen += [hold.id for hold in part.holds]
        if (after := part.next_after) is None:
            break
    assert seen == expected
    assert holds.counts(marek) == {"dispute": 4}
    assert holds.in_force(marek, kind="legal").holds == ()


def test_places_and_languages_are_counted_as_borrowers_come_change_and_go(session, marek):
    def counted():
        return {(place.region, place.state, place.city): place.borrowers for place in regional_holds.places(marek)}

    pune, puri = ("West", "Maharashtra", "Pune"), ("East", "Odisha", "Puri")
    one = builders.make_borrower(session, region="West", state="Maharashtra", city="Pune", language="mr")
    two = builders.make_borrower(session, region="West", state="Maharashtra", city="Pune", language="hi")
    builders.make_borrower(session)
    assert counted() == {pune: 2, (None, None, None): 1}
    assert collector_queries.languages(session) == ["hi", "mr"]
    session.execute(
        text("UPDATE borrower SET region = 'East', state = 'Odisha', city = 'Puri' WHERE id = :id"), {"id": one}
    )
    session.execute(text("DELETE FROM borrower WHERE id = :id"), {"id": two})
    assert counted() == {puri: 1, (None, None, None): 1}
    assert collector_queries.languages(session) == ["mr"]
