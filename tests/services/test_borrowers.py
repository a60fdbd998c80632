from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.owes import Party
from db.models.stands import RiskModel, RiskScore
from services import borrowers
from services.borrowers import Paid
from services.errors import InvalidInput, NotAllowed, NotFound
from tests import builders

D = date.fromisoformat
TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def meera(session, ana):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera Iyer")
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id, loan_id


def test_view_holds_who_loans_case_and_the_gates_answer(session, ana, meera):
    borrower_id, loan_id = meera
    builders.make_hold(session, borrower_id, starts_on=TODAY)
    builders.make_promise(session, loan_id, promised_on=TODAY, due_on=TODAY)
    view = borrowers.view(ana, borrower_id)
    assert (view.name, view.max_dpd, view.overdue_amount, view.owed) == ("Meera Iyer", 45, 10_000, 80_000)
    assert view.case is not None
    assert view.case.owner_name == "Ana Pereira"
    assert [hold.label for hold in view.holds] == ["Dispute"]
    assert [promise.amount for promise in view.promises] == [5_000]
    assert view.call.rule == "hold"


def test_borrower_of_another_is_not_found(session, ana, marek, ada, meera):
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": marek.id})
    with pytest.raises(NotFound):
        borrowers.view(ana, meera[0])
    assert borrowers.view(ada, meera[0]).id == meera[0]
    with pytest.raises(NotFound):
        borrowers.view(ada, 10**12)


def test_admin_may_not_see_borrowers(adam, meera):
    with pytest.raises(NotAllowed):
        borrowers.view(adam, meera[0])


def strip(actor, borrower_id):
    return [(i.how, i.days_late, i.paid) for i in borrowers.view(actor, borrower_id).loans[0].strip]


def test_strip_tells_how_each_instalment_was_paid(session, ana, meera):
    borrower_id, loan_id = meera
    days = ("2025-02-05", "2025-03-05", "2025-04-05", "2025-05-05", "2025-07-05")
    for number, day in enumerate(days, start=1):
        builders.make_instalment(session, loan_id, number, D(day), 1000)
    builders.make_payment(session, loan_id, D("2025-02-05"), 1000)
    builders.make_payment(session, loan_id, D("2025-03-15"), 1400)
    assert strip(ana, borrower_id) == [
        (Paid.ON_TIME, 0, 1000),
        (Paid.LATE, 10, 1000),
        (Paid.PARTLY, 72, 400),
        (Paid.UNPAID, 42, 0),
        (Paid.FUTURE, 0, 0),
    ]


def test_reversed_payment_leaves_its_instalment_unpaid(session, ana, meera):
    borrower_id, loan_id = meera
    builders.make_instalment(session, loan_id, 1, D("2025-05-01"), 1000)
    reference = builders.make_payment(session, loan_id, D("2025-05-01"), 1000)
    assert strip(ana, borrower_id)[0][0] is Paid.ON_TIME
    builders.make_reversal(session, loan_id, D("2025-05-03"), 1000, reference)
    assert strip(ana, borrower_id) == [(Paid.UNPAID, 46, 0)]


def test_loan_without_schedule_shows_what_the_lender_reported(session, ana):
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id, source="snapshot")
    builders.make_state(session, loan_id, dpd=60)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    for day, dpd in (("2025-03-31", 0), ("2025-04-30", 30), ("2025-05-31", 60)):
        session.execute(
            text("INSERT INTO reported_snapshot (loan_id, as_of, dpd) VALUES (:loan, :day, :dpd)"),
            {"loan": loan_id, "day": day, "dpd": dpd},
        )
    assert [(how, late) for how, late, _ in strip(ana, borrower_id)] == [
        (Paid.ON_TIME, 0),
        (Paid.LATE, 30),
        (Paid.UNPAID, 60),
    ]


def test_loan_not_yet_derived_is_shown_without_figures(session, ana, meera):
    builders.make_loan(session, meera[0], external_id="L-NEW")
    [derived, fresh] = borrowers.view(ana, meera[0]).loans
    assert (derived.status, fresh.status, fresh.overdue_amount) == ("active", "not derived", 0)


def test_risk_comes_with_its_reasons(session, ana, meera):
    model = RiskModel(name="points", parameters={})
    session.add(model)
    session.flush()
    for day, score in ((1, 40), (10, 70)):
        session.add(
            RiskScore(
                loan_id=meera[1],
                scored_on=date(2025, 6, day),
                model_id=model.id,
                score=score,
                band=4,
                reasons=[f"dpd_31_60:{score}", "missed_over_2:12", "partial_payments_1_2:2"],
            )
        )
    session.flush()
    reasons = borrowers.view(ana, meera[0]).loans[0].risk_reasons
    assert [(reason.words, reason.points) for reason in reasons] == [
        ("31–60 days past due", 70),
        ("3 or more missed instalments", 12),
        ("1–2 partial payments in 180 days", 2),
    ]


def test_contact_points_are_masked_and_revealed_with_a_reason_in_the_trail(session, ana, meera):
    party = Party(borrower_id=meera[0], role="guarantor", name="Ravi Iyer")
    session.add(party)
    session.flush()
    point = builders.make_phone(session, meera[0], "+919876543210", party_id=party.id)
    [shown] = borrowers.view(ana, meera[0]).contact_points
    assert (shown.masked, shown.party_role) == ("••••••3210", "guarantor")
    with pytest.raises(InvalidInput):
        borrowers.reveal(ana, point, reason=" ")
    assert borrowers.reveal(ana, point, reason="To call back") == "+919876543210"
    event = session.execute(select(AuditEvent.action, AuditEvent.reason, AuditEvent.summary)).one()
    assert event.action == "contact_point.revealed"
    assert event.reason == "To call back"
    assert "9876543210" not in event.summary


def test_auditor_and_other_agents_do_not_see_personal_data(session, ana, ada, marek, meera):
    point = builders.make_phone(session, meera[0])
    with pytest.raises(NotAllowed):
        borrowers.reveal(ada, point, reason="audit")
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": marek.id})
    with pytest.raises(NotFound):
        borrowers.reveal(ana, point, reason="curious")
    assert session.execute(select(AuditEvent.id)).first() is None


@pytest.mark.parametrize(
    "typed", ["B-MEERA", "L-MEERA", "meer", "IYER", "iy", "+91 98765 43210", "98765-43210", "09876543210"]
)
def test_borrower_is_found(session, marek, typed):
    borrower_id = builders.make_borrower(session, name="Meera Iyer", external_id="B-MEERA")
    builders.make_loan(session, borrower_id, external_id="L-MEERA")
    builders.make_phone(session, borrower_id, "+919876543210")
    builders.make_borrower(session, name="Ravi Shah")
    assert [hit.id for hit in borrowers.search(marek, typed)] == [borrower_id]


@pytest.mark.parametrize("typed", ["B-MEER", "%", "eera", "98765 00000", "Meera Iyer X"])
def test_what_does_not_match_finds_nobody(session, marek, typed):
    builders.make_borrower(session, name="Meera Iyer", external_id="B-MEERA")
    if len(typed) < 2:
        with pytest.raises(InvalidInput):
            borrowers.search(marek, typed)
    else:
        assert borrowers.search(marek, typed) == []


def test_agent_finds_own_borrowers_only(session, ana, meera):
    builders.make_borrower(session, name="Meera Other")
    assert [hit.id for hit in borrowers.search(ana, "meera")] == [meera[0]]
    assert borrowers.search(ana, "meera")[0].overdue_amount == Decimal(0)
