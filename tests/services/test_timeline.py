from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from services import allocation, contacts, follow_ups, holds, plans, promises, timeline
from services.errors import InvalidInput, NotFound
from tests import builders

TODAY = date(2025, 6, 16)
NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def meera(session, ana, marek):
    """A borrower with one of everything, and another who must not show."""
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    case_id = builders.make_case(session, borrower_id)
    allocation.allocate(marek, [case_id], ana.id, reason="New in the team")
    contacts.record(
        ana,
        borrower_id,
        channel="call",
        direction="inbound",
        person="borrower",
        outcome="promise_to_pay",
        promise=promises.Terms(loan_id, Decimal(5000), TODAY),
    )
    follow_ups.record(ana, borrower_id, due_at=NOW + timedelta(days=1))
    rows = plans.generate(plans.Pattern(Decimal(10_000), 4, TODAY))
    plans.make(ana, plans.Proposal(loan_id, rows, plans.Affordability(income=Decimal(30_000))))
    hold_id = holds.place(ana, borrower_id, kind="dispute", reason="Says paid")
    holds.release(ana, hold_id, reason="Checked")
    reference = builders.make_payment(session, loan_id, date(2025, 6, 1), 1200, mode="upi")
    builders.make_reversal(session, loan_id, date(2025, 6, 3), 1200, reference)
    session.execute(
        text("""
            INSERT INTO mandate_presentation (loan_id, reference, presented_on, amount, result, reason)
            VALUES (:loan, 'M1', '2025-06-02', 900, 'bounced', 'Insufficient funds')
        """),
        {"loan": loan_id},
    )
    other, _ = builders.make_overdue(session)
    builders.make_contact(session, other)
    return borrower_id


def titles(page):
    return [entry.title for entry in page.entries]


def test_everything_is_in_one_order_newest_first(ana, meera):
    page = timeline.of(ana, meera)
    assert {entry.kind for entry in page.entries} == timeline.KINDS.keys() - {
        "visit",
        "waiver",
        "receipt",
        "message",
        "complaint",
        "settlement",
        "hardship",
        "override",
        "legal",
    }
    moments = [entry.at for entry in page.entries]
    assert moments == sorted(moments, reverse=True)
    assert titles(page)[-3:] == ["Payment reversed", "Auto-debit bounced", "Paid"]
    assert {"Promise to pay", "Promised for 16 Jun 2025", "Allocated to Ana Pereira"} <= set(titles(page))
    assert "Repayment plan to 16 Sep 2025" in titles(page)
    assert {"Hold placed: Dispute", "Hold released: Dispute"} <= set(titles(page))
    assert "Follow-up set for 17 Jun 2025 11:00" in titles(page)


def test_filter_by_kind(ana, meera):
    assert titles(timeline.of(ana, meera, kinds=["payment"])) == ["Payment reversed", "Paid"]
    with pytest.raises(InvalidInput):
        timeline.of(ana, meera, kinds=["payment'; DROP TABLE loan; --"])


def test_each_entry_says_who(ana, meera):
    [contact] = timeline.of(ana, meera, kinds=["contact"]).entries
    assert (contact.who, contact.state, contact.detail) == ("Ana Pereira", "call", "inbound · borrower")


def test_pages_follow_each_other_without_gap_or_repeat(ana, meera):
    whole = timeline.of(ana, meera).entries
    seen: list[timeline.Entry] = []
    before: timeline.Cursor | None = None
    for _ in range(len(whole)):
        page = timeline.of(ana, meera, before=before, limit=2)
        seen += page.entries
        before = page.next_before
        if before is None:
            break
    assert tuple(seen) == whole


def test_timeline_of_another_agents_borrower_is_not_found(session, ana, marek, meera):
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": marek.id})
    with pytest.raises(NotFound):
        timeline.of(ana, meera)
