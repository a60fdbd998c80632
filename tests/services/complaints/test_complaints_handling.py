"""Handling complaints: who may, what is said, lists and figures."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from services import complaints, holds, timeline
from services.actors import Role
from services.errors import InvalidInput, NotAllowed, Refused
from tests import builders
from tests.conftest import make_actor
from tests.services.complaints.cases import ACTS, INDIA, NOW, TODAY, answered, call, do, received

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def leela(session):
    return make_actor(session, "leela", "Leela Menon", Role.LEADER)


def test_only_officers_handle_and_agents_do_not_even_read(session, ana, ada, anil, marek, borrower):
    complaint_id = received(marek, borrower)
    for actor in (ana, ada, anil):
        for act in ACTS:
            with pytest.raises(NotAllowed):
                do(actor, complaint_id, act)
    with pytest.raises(NotAllowed):
        complaints.page(ana, complaints.Wanted())
    assert complaints.opened(ada, complaint_id).acts == ()


def test_a_leader_who_is_complained_about_handles_nothing_of_it(session, marek, leela, borrower):
    complaint_id = received(leela, borrower, against_user_id=marek.id)
    answered(leela, complaint_id)
    for act in ACTS:
        with pytest.raises(Refused, match="against you"):
            do(marek, complaint_id, act)
    shown = complaints.opened(marek, complaint_id)
    assert (shown.acts, shown.is_against_actor) == ((), True)
    do(leela, complaint_id, "closed")


def test_the_hold_is_not_released_past_the_complaint(session, marek, borrower):
    complaint_id = received(marek, borrower)
    [hold] = holds.active(session, borrower, as_of=TODAY)
    with pytest.raises(Refused, match="Close the complaint"):
        holds.release(marek, hold.id, reason="Let us go on")
    answered(marek, complaint_id)
    do(marek, complaint_id, "closed")
    assert holds.active(session, borrower, as_of=TODAY) == []


def test_a_second_complaint_keeps_contact_stopped_when_the_first_is_closed(session, marek, borrower):
    first, _ = received(marek, borrower), received(marek, borrower, about="wrong_amount")
    answered(marek, first)
    do(marek, first, "closed")
    assert not call(session, borrower).is_allowed


def test_every_answer_names_the_ombudsman_and_is_a_letter(session, marek, borrower):
    complaint_id = received(marek, borrower)
    answered(marek, complaint_id)
    *_, answer = complaints.opened(marek, complaint_id).events
    assert answer.text.startswith("We are sorry.\n\n")
    assert "RBI Ombudsman" in answer.text
    letter = complaints.letter(marek, complaint_id, answer.id)
    assert letter.file_name == f"CMP-{complaint_id:05}-answered.html"
    assert "https://cms.rbi.org.in" in letter.content.decode()
    assert "Meera Iyer" in letter.content.decode()


def test_a_letter_cannot_carry_markup_of_the_borrower_or_officer(session, marek, borrower):
    session.execute(text("UPDATE borrower SET name = '<script>x</script>'"))
    complaint_id = received(marek, borrower)
    complaints.acknowledge(marek, complaint_id, text="<b>Read</b>", sent_by="letter")
    event = complaints.opened(marek, complaint_id).events[-1]
    said = complaints.letter(marek, complaint_id, event.id).content.decode()
    assert "<script>" not in said
    assert "<b>Read</b>" not in said


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"paid_on": TODAY + timedelta(days=1)}, "paid_on"),
        ({"reason": " "}, "reason"),
    ],
)
def test_compensation_that_cannot_be_is_refused(marek, borrower, over, field):
    complaint_id = received(marek, borrower)
    values = {"amount": Decimal(100), "paid_on": TODAY, "reason": "For the call."}
    with pytest.raises(InvalidInput) as refusal:
        complaints.compensate(marek, complaint_id, **{**values, **over})
    assert set(refusal.value.fields) == {field}


def test_compensation_adds_up_and_the_same_form_twice_counts_once(marek, borrower):
    complaint_id = received(marek, borrower)
    for key in ("a", "a", "b"):
        complaints.compensate(
            marek, complaint_id, amount=Decimal("250.50"), paid_on=TODAY, reason="Calls at night", request_key=key
        )
    assert complaints.opened(marek, complaint_id).complaint.compensation == Decimal("501.00")


def test_the_timeline_tells_of_it_without_the_borrowers_words(session, marek, borrower):
    complaint_id = received(marek, borrower)
    answered(marek, complaint_id)
    do(marek, complaint_id, "closed")
    entries = timeline.of(marek, borrower, kinds=["complaint"]).entries
    assert [each.title for each in entries] == [
        f"Complaint CMP-{complaint_id:05} closed: partly upheld",
        f"Complaint CMP-{complaint_id:05} answered",
        f"Complaint CMP-{complaint_id:05} acknowledged",
        f"Complaint CMP-{complaint_id:05} received: agent conduct",
    ]
    assert not any("shouted" in (each.detail or "") for each in entries)


def test_lists_show_the_most_urgent_first_and_pages_lose_nothing(session, marek, leela):
    made = {}
    for days in (29, 5, 35, 12, 1):
        borrower_id = builders.make_borrower(session)
        made[days] = received(leela, borrower_id, received_at=NOW - timedelta(days=days))
    assert [row.id for row in complaints.page(marek, complaints.Wanted()).rows] == [
        made[days] for days in (35, 29, 12, 5, 1)
    ]
    seen, after = [], None
    while True:
        part = complaints.page(marek, complaints.Wanted(), after=after, limit=2)
        seen += [row.id for row in part.rows]
        if (after := part.next_after) is None:
            break
    assert seen == [made[days] for days in (35, 29, 12, 5, 1)]
    assert [row.id for row in complaints.page(marek, complaints.Wanted("due_soon")).rows] == [made[29]]
    complaints.acknowledge(leela, made[5], text="Read.", sent_by="email")
    assert [row.id for row in complaints.page(leela, complaints.Wanted(is_mine=True)).rows] == [made[5]]
    assert len(complaints.export(marek, complaints.Wanted("all"))) == 5


def test_figures_count_what_waits_and_the_rate_per_thousand_contacts(session, ana, marek, borrower):
    for hours in range(4):
        builders.make_contact(session, borrower, recorded_by=ana.id, at=NOW - timedelta(hours=hours))
    builders.make_contact(session, borrower, recorded_by=ana.id, at=datetime(2025, 5, 31, 20, tzinfo=INDIA))
    first = received(marek, borrower, received_at=NOW - timedelta(days=40))
    received(marek, borrower)
    answered(marek, first)
    shown = complaints.figures(marek)
    assert (shown.awaiting, shown.overdue, shown.to_close, shown.days_to_answer) == (1, 0, 1, 40.0)
    assert (shown.received_this_month, shown.contacts_this_month, shown.per_thousand_contacts) == (1, 4, 250.0)
