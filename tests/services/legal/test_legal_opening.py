"""Opening a legal action: what it keeps, what it stops, and what gives no cause."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from db.models.owes import MandatePresentation
from services import holds, legal, timeline
from services.errors import Conflict, InvalidInput, Refused
from tests.services.legal.steps import MEMO, TODAY, entry, opened, row

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_opening_keeps_the_instrument_and_starts_the_clock_as_one_act(session, marek, loan):
    before = len(session.execute(select(AuditEvent.id)).all())
    action_id = legal.open_action(marek, loan[0], entry(loan[1]), request_key="k")
    assert legal.open_action(marek, loan[0], entry(loan[1]), request_key="k") == action_id
    kept = row(session, action_id)
    assert (kept.status, kept.notice_by, kept.next_step, kept.next_by) == (
        "opened",
        MEMO + timedelta(days=30),
        "notice",
        MEMO + timedelta(days=30),
    )
    assert len(session.execute(select(AuditEvent.id)).all()) == before + 1
    assert "LEG-" in timeline.of(marek, loan[0], kinds=["legal"]).entries[0].title


@pytest.mark.parametrize("reason", ["account_closed", "payment_stopped", "signature_differs"])
def test_an_auto_debit_needs_want_of_funds_and_a_cheque_does_not(session, marek, loan, reason):
    bounce = legal.Dishonour(reason, MEMO, "123456")
    with pytest.raises(Refused, match="gives no cause"):
        opened(marek, loan, "s25", dishonour=bounce)
    assert opened(marek, loan, "s138", dishonour=bounce)


@pytest.mark.parametrize("kind", ["s138", "s25"])
def test_a_technical_return_gives_no_cause(marek, loan, kind):
    with pytest.raises(Refused, match="gives no cause"):
        opened(marek, loan, kind, dishonour=legal.Dishonour("technical", MEMO, "1"))


def test_a_bounce_of_the_book_is_offered_with_its_reason_and_taken_once(session, marek, loan):
    made = MandatePresentation(
        loan_id=loan[1], reference="E-77", presented_on=date(2025, 6, 8), amount=Decimal(4_000), result="bounced",
        reason="Insufficient Funds",
    )  # fmt: skip
    session.add(made)
    session.flush()
    [bounce] = legal.bounces(marek, loan[0])
    assert (bounce.code, bounce.is_taken) == ("insufficient_funds", False)
    of_it = legal.Dishonour(bounce.code, MEMO, bounce.reference, bounce.presented_on, bounce.id)
    with pytest.raises(InvalidInput, match="demand no more"):
        opened(marek, loan, "s25", amount=4_001, dishonour=of_it)
    opened(marek, loan, "s25", amount=4_000, dishonour=of_it)
    with pytest.raises(Conflict):
        opened(marek, loan, "s25", amount=4_000, dishonour=of_it)
    assert legal.bounces(marek, loan[0])[0].is_taken


def test_a_hold_follows_where_the_settings_say_so_and_ends_with_the_action(session, marek, loan):
    opened(marek, loan, "s138")
    assert holds.active(session, loan[0], as_of=TODAY) == []
    action_id = opened(marek, loan, "suit")
    assert [hold.kind for hold in holds.active(session, loan[0], as_of=TODAY)] == ["legal"]
    legal.close(marek, action_id, reason="withdrawn", text="Settled by talks")
    assert holds.active(session, loan[0], as_of=TODAY) == []


def test_wrong_fields_are_told_together(marek, loan):
    with pytest.raises(InvalidInput) as wrong:
        legal.open_action(marek, loan[0], legal.Entry("suit", (), Decimal(0), " "))
    assert set(wrong.value.fields) == {"loans", "amount", "reason"}
