from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from db.models.work import CollectionCase, FollowUp, Hold, StatusChange
from services import exports, follow_ups, holds
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests import builders

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def borrower(session, ana):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def test_hold_starts_today_with_reason_event_and_change_of_status(session, ana, borrower):
    holds.place(ana, borrower, kind="hardship", reason="Lost the job", ends_on=date(2025, 7, 16))
    [hold] = holds.active(session, borrower, as_of=TODAY)
    assert (hold.kind, hold.starts_on, hold.ends_on) == ("hardship", TODAY, date(2025, 7, 16))
    assert session.execute(select(StatusChange.status, StatusChange.reason)).one() == ("hardship", "Lost the job")
    event = session.execute(select(AuditEvent.action, AuditEvent.reason)).one()
    assert event == ("hold.placed", "Lost the job")
    assert session.execute(select(CollectionCase.next_action)).scalar_one() == "review_hold"


def test_hold_ends_by_itself_on_its_date(session, borrower):
    builders.make_hold(session, borrower, starts_on=date(2025, 6, 1), ends_on=TODAY)
    assert holds.active(session, borrower, as_of=TODAY) == []
    assert len(holds.active(session, borrower, as_of=date(2025, 6, 15))) == 1


def test_release_says_who_and_why(session, ana, borrower):
    hold_id = holds.place(ana, borrower, kind="dispute", reason="Says paid")
    holds.release(ana, hold_id, reason="Receipt was for another loan")
    row = session.execute(select(Hold.released_by, Hold.release_reason)).one()
    assert row == (ana.id, "Receipt was for another loan")
    actions = session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars().all()
    assert actions == ["hold.placed", "hold.released"]
    with pytest.raises(NotFound):
        holds.release(ana, hold_id, reason="again")


@pytest.mark.parametrize("kind", sorted(holds.FOR_A_LEADER))
def test_agent_may_place_but_not_release_what_is_for_a_leader(session, ana, marek, borrower, kind):
    hold_id = holds.place(ana, borrower, kind=kind, reason="Told on the phone")
    with pytest.raises(Refused, match="leader"):
        holds.release(ana, hold_id, reason="No")
    holds.release(marek, hold_id, reason="Checked")


@pytest.mark.parametrize(
    ("kind", "reason", "ends_on", "field"),
    [
        ("mood", "x", None, "kind"),
        ("dispute", "  ", None, "reason"),
        ("dispute", "x", TODAY, "ends_on"),
    ],
)
def test_field_that_cannot_be_taken_is_named(ana, borrower, kind, reason, ends_on, field):
    with pytest.raises(InvalidInput) as refusal:
        holds.place(ana, borrower, kind=kind, reason=reason, ends_on=ends_on)
    assert set(refusal.value.fields) == {field}


def test_every_kind_is_known_to_the_database(session, marek, borrower):
    for kind in holds.KINDS:
        holds.place(marek, borrower, kind=kind, reason="x")
    assert len(holds.active(session, borrower, as_of=TODAY)) == len(holds.KINDS)


def test_second_submit_places_one_hold(session, ana, borrower):
    first = holds.place(ana, borrower, kind="dispute", reason="x", request_key="k")
    assert holds.place(ana, borrower, kind="dispute", reason="x", request_key="k") == first
    assert len(session.execute(select(AuditEvent.id)).all()) == 1


def test_auditor_may_not_place_a_hold(ada, borrower):
    with pytest.raises(NotAllowed):
        holds.place(ada, borrower, kind="dispute", reason="x")


def test_follow_up_takes_the_place_of_the_one_before(session, ana, borrower):
    follow_ups.record(ana, borrower, due_at=datetime(2025, 6, 18, 5, tzinfo=UTC))
    follow_ups.record(ana, borrower, due_at=datetime(2025, 6, 19, 5, tzinfo=UTC), action="visit", request_key="f")
    follow_ups.record(ana, borrower, due_at=datetime(2025, 6, 19, 5, tzinfo=UTC), action="visit", request_key="f")
    [open_one] = follow_ups.open_of(session, borrower)
    assert open_one.action == "visit"
    assert len(session.execute(select(FollowUp.id)).all()) == 2
    summaries = session.execute(select(AuditEvent.summary).order_by(AuditEvent.id)).scalars().all()
    assert summaries[-1] == "set a follow-up (visit) for 19 Jun 2025 10:30"


@pytest.mark.parametrize(
    ("due_at", "action", "field"),
    [
        (datetime(2025, 6, 16, 5, 0, tzinfo=UTC), "call_back", "due_at"),
        (datetime(2026, 6, 16, 5, 0, tzinfo=UTC), "call_back", "due_at"),
        (datetime(2025, 6, 17, 5, 0, tzinfo=UTC), "sing", "action"),
    ],
)
def test_follow_up_that_cannot_be_is_refused(ana, borrower, due_at, action, field):
    with pytest.raises(InvalidInput) as refusal:
        follow_ups.record(ana, borrower, due_at=due_at, action=action)
    assert set(refusal.value.fields) == {field}


@pytest.mark.parametrize("action", ["call_back", "visit"])
def test_follow_up_at_a_moment_without_contact_is_refused_with_the_next_one(session, ana, borrower, action):
    builders.make_phone(session, borrower, consent=True)
    builders.make_address(session, borrower)
    with pytest.raises(InvalidInput) as refusal:
        follow_ups.record(ana, borrower, due_at=datetime(2025, 6, 17, 16, 30, tzinfo=UTC), action=action)
    assert "Possible from 18 Jun 2025, 08:00." in refusal.value.fields["due_at"]


def test_follow_up_that_contacts_nobody_may_be_set_for_any_hour(session, ana, borrower):
    follow_ups.record(ana, borrower, due_at=datetime(2025, 6, 17, 16, 30, tzinfo=UTC), action="review")
    assert [found.action for found in follow_ups.open_of(session, borrower)] == ["review"]


def test_holds_go_into_a_file_for_those_who_see_them(session, ana, marek, borrower):
    holds.place(marek, borrower, kind="dispute", reason="=Amount is wrong")
    lines = exports.to_csv(holds.export(marek), holds.EXPORT_FIELDS).decode("utf-8-sig").splitlines()
    assert lines[0] == "Hold,Customer no.,Reason,From,Until,Placed by"
    assert "'=Amount is wrong" in lines[1]
    assert holds.export(marek, kind="legal") == ()
