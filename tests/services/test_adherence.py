"""A leader's view of follow-ups and untouched cases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services import adherence, cases, contacts, follow_ups
from services.adherence import Part
from services.errors import NotAllowed
from tests import builders

TODAY = date(2025, 6, 16)
NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
CALL: dict[str, Any] = {"channel": "call", "direction": "outbound", "person": "nobody", "outcome": "no_answer"}


@pytest.fixture(autouse=True)
def _no_rules(session, frozen_clock):
    session.execute(text("UPDATE policy_rule SET is_enabled = false"))


def a_case(session, owner, *, opened=2, contacted=None):
    """A case opened, and last contacted by a person, so many days ago."""
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=owner and owner.id, opened_on=TODAY - timedelta(days=opened))
    if contacted is not None:
        at = NOW - timedelta(days=contacted)
        builders.make_contact(session, borrower_id, at=at, recorded_by=owner and owner.id)
    cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id


def row_of(leader, name):
    return next(row for row in adherence.by_owner(leader) if row.name == name)


def test_open_cases_are_told_apart_by_work_of_today_and_by_age(session, ana, marek):
    worked = a_case(session, ana)
    contacts.record(ana, worked, **CALL)
    for opened, contacted in ((1, None), (5, None), (40, 10), (40, 35), (3, 20)):
        a_case(session, ana, opened=opened, contacted=contacted)
    a_case(session, None, opened=20)
    row = row_of(marek, "Ana Pereira")
    assert (row.cases, row.worked, row.unworked) == (6, 1, 5)
    # the contact of twenty days ago was before the case opened
    assert (row.never, row.untouched_4, row.untouched_8, row.untouched_15, row.untouched_31) == (3, 1, 1, 0, 1)
    nobody = adherence.by_owner(marek)[-1]
    assert (nobody.name, nobody.owner_id, nobody.untouched_15) == ("Nobody", 0, 1)
    for part in Part:  # what is listed is what is counted
        assert len(adherence.cases_of(marek, part, ana.id).rows) == getattr(row, part.value)
        assert len(adherence.cases_of(marek, part, 0).rows) == getattr(nobody, part.value)
    page = adherence.cases_of(marek, Part.UNTOUCHED_31, ana.id)
    assert [line.untouched_days for line in page.rows] == [35]


def test_follow_up_is_kept_late_missed_or_moved(session, ana, marek, frozen_clock):
    borrowers = [a_case(session, ana) for _ in range(5)]
    due = NOW + timedelta(hours=2)
    for borrower_id in borrowers:
        follow_ups.record(ana, borrower_id, due_at=due)
    assert (row_of(marek, "Ana Pereira").due, row_of(marek, "Ana Pereira").overdue) == (5, 0)
    contacts.record(ana, borrowers[0], **CALL)  # kept, even a little early
    follow_ups.record(ana, borrowers[1], due_at=due + timedelta(days=3))  # moved before its date
    frozen_clock(NOW + timedelta(days=1))
    contacts.record(ana, borrowers[2], **CALL)  # late
    follow_ups.record(ana, borrowers[3], due_at=due + timedelta(days=5))  # moved after its date: not kept either
    row = row_of(marek, "Ana Pereira")
    assert (row.came_due, row.on_time, row.late, row.missed) == (4, 1, 2, 1)
    assert row.kept_share is not None
    assert float(row.kept_share) == 0.25
    assert (row.due, row.overdue) == (0, 1)
    assert adherence.cases_of(marek, Part.DUE).rows == ()
    assert [line.borrower_id for line in adherence.cases_of(marek, Part.OVERDUE, ana.id).rows] == [borrowers[4]]


def test_pages_of_cases_follow_each_other_by_urgency(session, ana, marek):
    for opened in range(5):
        a_case(session, ana, opened=opened)
    first = adherence.cases_of(marek, Part.UNWORKED, limit=3)
    second = adherence.cases_of(marek, Part.UNWORKED, after=first.next_after, limit=3)
    seen = [line.case_id for line in (*first.rows, *second.rows)]
    assert (len(seen), len(set(seen)), second.next_after) == (5, 5, None)


def test_contacts_against_the_gate_are_counted_for_who_made_them(session, ana, marek):
    borrower_id = a_case(session, ana)
    builders.make_contact(session, borrower_id, at=NOW, recorded_by=marek.id, override_reason="asked for it")
    assert row_of(marek, "Marek Nowak").overrides == 1
    assert row_of(marek, "Ana Pereira").overrides == 0


def test_only_who_sees_performance_sees_it(ana, ada, adam):
    for actor in (ana, ada, adam):
        with pytest.raises(NotAllowed):
            adherence.by_owner(actor)
        with pytest.raises(NotAllowed):
            adherence.cases_of(actor, Part.NEVER)
