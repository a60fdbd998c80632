"""A payment, its reversal and a bounce through the app, and what follows in the same transaction."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.models.stands import LoanState
from services import facts
from services.actors import SYSTEM
from services.delinquency import derive
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from tests.builders import make_borrower, make_instalment, make_loan, make_promise

TODAY = date(2025, 6, 16)


@pytest.fixture
def loan_id(session, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    made = make_loan(session, make_borrower(session))
    make_instalment(session, made, 1, date(2025, 5, 17), 5_000)
    make_instalment(session, made, 2, date(2030, 1, 1), 5_000)
    derive(session, TODAY, [made])
    return made


def state(session, loan_id):
    return session.get_one(LoanState, loan_id, populate_existing=True)


def test_payment_ends_arrears_promise_and_case_at_once(session, loan_id, marek):
    promise_id = make_promise(session, loan_id, promised_on=date(2025, 6, 10), due_on=TODAY)
    facts.record_payment(SYSTEM, loan_id, amount=Decimal(1), paid_on=TODAY)
    assert session.execute(text("SELECT count(*) FROM collection_case WHERE closed_on IS NULL")).scalar_one() == 1
    facts.record_payment(marek, loan_id, amount=Decimal(4_999), paid_on=TODAY, mode="upi", reference="UPI-1")
    found = state(session, loan_id)
    assert (found.dpd, found.overdue_amount, found.asset_class) == (0, 0, "standard")
    kept = session.execute(text("SELECT status FROM promise WHERE id = :id"), {"id": promise_id}).scalar_one()
    assert kept == "kept"
    assert session.execute(text("SELECT count(*) FROM collection_case WHERE closed_on IS NULL")).scalar_one() == 0
    event = session.execute(text("SELECT actor_name, summary FROM audit_event ORDER BY id DESC LIMIT 1")).one()
    assert event.actor_name == "Marek Nowak"
    assert "4,999.00" in event.summary


def test_reversal_brings_arrears_back_as_if_the_payment_never_came(session, loan_id):
    reference = facts.record_payment(SYSTEM, loan_id, amount=Decimal(5_000), paid_on=TODAY)
    facts.reverse_payment(SYSTEM, loan_id, reference, known_on=TODAY, reason="cheque returned")
    assert (state(session, loan_id).dpd, state(session, loan_id).paid_to_date) == (30, 0)
    with pytest.raises(Refused):
        facts.reverse_payment(SYSTEM, loan_id, reference, known_on=TODAY, reason="again")


def test_bounce_is_counted(session, loan_id):
    facts.record_bounce(SYSTEM, loan_id, presented_on=TODAY, amount=Decimal(5_000), reason="Insufficient funds")
    assert (state(session, loan_id).bounces, state(session, loan_id).bounces_total) == (1, 1)


def test_a_bounce_under_the_number_of_a_payment_takes_it_back_from_its_date_on(session, loan_id):
    facts.record_payment(SYSTEM, loan_id, amount=Decimal(5_000), paid_on=date(2025, 6, 14), reference="R1")
    facts.reverse_payment(SYSTEM, loan_id, "R1", known_on=TODAY, reason="part", amount=Decimal(1_000))
    facts.record_bounce(SYSTEM, loan_id, presented_on=TODAY, amount=Decimal(5_000), reference="R1")
    assert (state(session, loan_id).paid_to_date, state(session, loan_id).dpd) == (0, 30)
    taken = session.execute(text("SELECT amount, paid_on FROM payment WHERE reference = 'R1/B'")).one()
    assert tuple(taken) == (4_000, TODAY)


def test_same_receipt_twice_is_refused(session, loan_id):
    facts.record_payment(SYSTEM, loan_id, amount=Decimal(10), paid_on=TODAY, reference="R1")
    with pytest.raises(Conflict):
        facts.record_payment(SYSTEM, loan_id, amount=Decimal(10), paid_on=TODAY, reference="R1")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001"])
def test_amount_that_cannot_be_is_refused(session, loan_id, amount):
    with pytest.raises(InvalidInput):
        facts.record_payment(SYSTEM, loan_id, amount=Decimal(amount), paid_on=TODAY)


def test_payment_of_tomorrow_is_refused(session, loan_id):
    with pytest.raises(InvalidInput):
        facts.record_payment(SYSTEM, loan_id, amount=Decimal(10), paid_on=date(2025, 6, 17))


def test_payment_on_no_loan_is_refused(session, loan_id):
    with pytest.raises(NotFound):
        facts.record_payment(SYSTEM, loan_id + 1, amount=Decimal(10), paid_on=TODAY)


def test_agent_may_not_record_payments(session, loan_id, ana):
    with pytest.raises(NotAllowed):
        facts.record_payment(ana, loan_id, amount=Decimal(10), paid_on=TODAY)
