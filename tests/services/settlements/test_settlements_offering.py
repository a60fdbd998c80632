"""Offering settlements: what they are worth, terms, and authority."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.settlements import Settlement as Row
from db.models.work import CollectionCase
from services import approvals, documents, settlements
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.settlements.values import Expectation, Policy
from services.settlements.worth import present_value, worth
from tests.conftest import make_actor
from tests.services.settlements.offers import TODAY, leader, offered, owing, request_of, status, terms

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_present_value_discounts_each_part_by_its_years():
    parts = ((TODAY, Decimal(1_000)), (TODAY + timedelta(days=365), Decimal(1_120)))
    assert present_value(parts, Decimal(12), TODAY) == Decimal("2000.00")
    assert present_value(parts, Decimal(0), TODAY) == Decimal("2120.00")


def test_expected_is_the_share_after_its_months_discounted():
    policy = Policy(3, Decimal(12), 3, 12, 12, 30)
    line = Expectation(90, Decimal(75), Decimal(50), 12)
    told = worth(((TODAY, Decimal(60_000)),), Decimal(112_000), line, policy, is_secured=False, today=TODAY)
    assert told.expected_value == Decimal("50000.00")  # half of 1,12,000, a year away at 12 %
    assert told.gain == Decimal("10000.00")
    secured = worth(((TODAY, Decimal(60_000)),), Decimal(112_000), line, policy, is_secured=True, today=TODAY)
    assert secured.expected_value == Decimal("75000.00")


def test_proposal_keeps_what_is_owed_and_waits(session, ana, boss, loan):
    made = settlements.propose(ana, terms(loan))
    assert (made.status, made.amount, made.owed.whole, made.percent) == ("proposed", 60_000, 100_000, 40)
    assert (made.worth.expected_percent, made.worth.expected_months) == (50, 12)  # 127 days past due, unsecured
    asked = request_of(session, made.id)
    assert (asked.amount, asked.percent) == (40_000, 40)
    assert asked.level == 4  # level 3 allows 50 %, but nobody holds it
    assert session.scalars(select(AuditEvent.action)).all() == ["settlement.proposed"]
    assert session.execute(select(CollectionCase.next_action)).scalar_one() == "call"


def test_same_form_twice_is_one_settlement(session, ana, boss, loan):
    first = settlements.propose(ana, terms(loan), request_key="form-1")
    assert settlements.propose(ana, terms(loan), request_key="form-1").id == first.id
    with pytest.raises(Conflict):
        settlements.propose(ana, terms(owing(session, owner_id=ana.id)), request_key="form-1")


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"waive": 0}, "waived_charges"),
        ({"waive": 100_000, "parts": ((TODAY + timedelta(9), Decimal(1)),)}, "waived_principal"),
        ({"waive": 100_001, "parts": ((TODAY + timedelta(9), Decimal(1)),)}, "waived_principal"),
        ({"waive": -1}, "waived_principal"),
        ({"parts": ((TODAY + timedelta(9), Decimal(59_999)),)}, "parts"),
        ({"parts": ((TODAY + timedelta(9), Decimal(30_000)), (TODAY + timedelta(9), Decimal(30_000)))}, "parts"),
        ({"parts": ((TODAY + timedelta(4), Decimal(60_000)),)}, "parts"),
        ({"parts": ((date(2026, 6, 17), Decimal(60_000)),)}, "parts"),
        ({"valid_until": TODAY - timedelta(1)}, "valid_until"),
        ({"valid_until": TODAY + timedelta(31), "parts": ((TODAY + timedelta(40), Decimal(60_000)),)}, "valid_until"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_terms_that_cannot_be_are_told_at_their_field(session, ana, boss, loan, over, field):
    with pytest.raises(InvalidInput) as told:
        settlements.propose(ana, terms(loan, **over))
    assert field in told.value.fields
    assert session.scalars(select(Row.id)).all() == []


def test_part_later_than_three_months_is_restructuring(session, ana, boss, loan):
    in_time = settlements.preview(ana, terms(loan, parts=((date(2025, 9, 16), Decimal(60_000)),)))
    later = settlements.preview(ana, terms(loan, parts=((date(2025, 9, 17), Decimal(60_000)),)))
    assert (in_time.is_restructuring, later.is_restructuring) == (False, True)


def test_who_may_not_make_arrangements_is_refused(session, ada, anil, ana, boss, loan):
    for actor in (ada, anil):
        with pytest.raises(NotAllowed):
            settlements.propose(actor, terms(loan))
    stranger = make_actor(session, "sara", "Sara Stranger", Role.AGENT)
    with pytest.raises(NotFound):
        settlements.preview(stranger, terms(loan))


def test_loan_has_one_settlement_at_a_time(session, ana, boss, loan):
    made = settlements.propose(ana, terms(loan))
    with pytest.raises(Refused, match="Withdraw that one first"):
        settlements.propose(ana, terms(loan))
    settlements.withdraw(ana, made.id, reason="Wrong date")
    assert (status(session, made.id), settlements.propose(ana, terms(loan)).status) == ("cancelled", "proposed")


@pytest.mark.parametrize(
    ("waive", "level"),
    [(9_999, 1), (10_000, 1), (10_001, 2), (30_000, 2), (30_001, 3), (50_000, 3), (50_001, 4), (90_000, 4)],
)
def test_level_covers_amount_and_percentage(session, ana, loan, waive, level):
    for each in range(1, 5):
        leader(session, f"level{each}", each)
    made = settlements.propose(ana, terms(loan, waive=waive))
    assert request_of(session, made.id).level == level


def test_decider_is_above_the_maker_and_never_the_maker(session, loan):
    maker, same, above = leader(session, "maker", 2), leader(session, "same", 2), leader(session, "above", 3)
    made = settlements.propose(maker, terms(loan, waive=5_000))
    asked = request_of(session, made.id)
    assert asked.level == 3  # 5 % would do at level 1
    for actor in (maker, same):
        with pytest.raises(Refused):
            approvals.decide(actor, asked.id, approve=True, reason="Fine")
    approvals.decide(above, asked.id, approve=True, reason="Fine")
    assert status(session, made.id) == "offered"


@pytest.mark.parametrize("named", ["chief", "Chief", "CHIEF"])
def test_sanctioner_may_not_approve_and_the_decider_stands_above(session, ana, named):
    chief, above = leader(session, "chief", 3), leader(session, "above", 4)
    loan_id = owing(session, attributes={"Sanctioned By": named}, owner_id=ana.id)
    made = settlements.propose(ana, terms(loan_id, waive=5_000))
    asked = request_of(session, made.id)
    assert (made.sanctioned_by, asked.level) == (named, 4)
    with pytest.raises(Refused):
        approvals.decide(chief, asked.id, approve=True, reason="Fine")
    approvals.decide(above, asked.id, approve=True, reason="Fine")


def test_nobody_may_approve_more_than_all_levels_allow(session, ana, loan):
    session.execute(text("UPDATE authority_limit SET max_percent = 60 WHERE kind = 'settlement' AND level = 4"))
    with pytest.raises(Refused, match="No level of authority"):
        settlements.propose(ana, terms(loan, waive=60_001))


def test_approval_makes_the_letter(session, ana, boss, loan):
    made = offered(session, ana, boss, loan)
    kept = documents.of_subject(session, ("settlement", made.id))
    assert [each.kind for each in kept] == ["settlement_letter"]
    told = settlements.of_borrower(ana, made.borrower_id)[0]
    assert (told.status, told.approved_by_name, told.approved_on) == ("offered", "Boss", TODAY)
    assert session.execute(select(CollectionCase.next_action)).scalar_one() in {"call", "ask_acceptance"}


def test_refused_with_the_reason(session, ana, boss, loan):
    made = settlements.propose(ana, terms(loan))
    approvals.decide(boss, request_of(session, made.id).id, approve=False, reason="Too little")
    told = settlements.of_borrower(ana, made.borrower_id)[0]
    assert (told.status, told.refuse_reason) == ("refused", "Too little")


def test_offer_whose_time_is_over_is_not_approved_and_not_accepted(session, ana, boss, loan, frozen_clock):
    late = settlements.propose(ana, terms(loan))
    frozen_clock(datetime(2025, 6, 22, 5, 30, tzinfo=UTC))
    with pytest.raises(Refused, match="would have stood"):
        approvals.decide(boss, request_of(session, late.id).id, approve=True, reason="Fine")
