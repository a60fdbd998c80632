"""Waivers of charges: asked for by one, decided by another, within authority, taken into what is owed at once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.owes import Instalment
from db.models.stands import LoanState
from services import approvals, borrowers, facts, restating, timeline, waivers
from services.actors import SYSTEM, Role
from services.errors import CollectionsError, Conflict, InvalidInput, NotAllowed, Refused
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def meera(session, ana):
    """A borrower of Ana's with three dues of 1,000 and 100 of charges each, two past and one to come; ids."""
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id)
    for number, due_on in enumerate((date(2025, 4, 5), date(2025, 5, 5), date(2025, 7, 5)), start=1):
        session.add(Instalment(loan_id=loan_id, number=number, due_on=due_on, principal=1_000, charges=100))
    session.flush()
    builders.make_case(session, borrower_id, owner_id=ana.id)
    restating.facts_changed(session, [loan_id], from_date=TODAY, cause="test")
    return borrower_id, loan_id


def state(session, loan_id):
    return session.execute(
        select(LoanState).where(LoanState.loan_id == loan_id).execution_options(populate_existing=True)
    ).scalar_one()


def request_of(session, made):
    return session.execute(
        text("SELECT id FROM approval_request WHERE kind = 'charge_waiver' AND subject_id = :id"), {"id": made.id}
    ).scalar_one()


def ask(actor, loan_id, amount=150, **over):
    return waivers.ask(actor, loan_id, amount=Decimal(amount), reason=over.pop("reason", "Charged twice"), **over)


def granted(session, ana, boss, loan_id, amount=150):
    made = ask(ana, loan_id, amount)
    approvals.decide(boss, request_of(session, made), approve=True, reason="The charge was wrong")
    return made


def test_waived_charges_are_not_owed_from_the_day_of_the_decision_on(session, ana, marek, meera):
    assert (state(session, meera[1]).overdue_amount, state(session, meera[1]).overdue_charges) == (2_200, 200)
    made = ask(ana, meera[1])
    assert made.status == "waiting"
    assert state(session, meera[1]).overdue_amount == 2_200
    approvals.decide(marek, request_of(session, made), approve=True, reason="The charge was wrong")
    after = state(session, meera[1])
    assert (after.overdue_amount, after.overdue_charges, after.overdue_principal) == (2_050, 50, 2_000)
    assert waivers.of_borrower(ana, meera[0])[0].status == "granted"
    strip = borrowers.view(ana, meera[0]).loans[0].strip
    assert [line.amount for line in strip] == [1_000, 1_050, 1_100]


def test_a_loan_that_owed_only_charges_is_in_order_once_they_are_waived(session, ana, marek, meera):
    session.execute(text("UPDATE product SET allocation_order = '{principal,interest,charges}'"))
    facts.record_payment(SYSTEM, meera[1], amount=Decimal(2_100), paid_on=TODAY)
    assert state(session, meera[1]).overdue_charges == 100
    granted(session, ana, marek, meera[1], 100)
    after = state(session, meera[1])
    assert (after.dpd, after.overdue_amount) == (0, 0)
    closed = text("SELECT closed_on FROM collection_case WHERE borrower_id = :id")
    assert session.execute(closed, {"id": meera[0]}).scalar_one() == TODAY


def test_ended_the_charges_are_owed_again(session, ana, marek, meera):
    made = granted(session, ana, marek, meera[1])
    ended = waivers.take_back(marek, made.id, reason="Granted by mistake")
    assert ended.status == "taken_back"
    assert state(session, meera[1]).overdue_amount == 2_200
    with pytest.raises(Conflict):
        waivers.take_back(marek, made.id, reason="again")
    trail = select(AuditEvent.action).where(AuditEvent.action.like("charge_waiver.%")).order_by(AuditEvent.id)
    actions = session.scalars(trail).all()
    (told,) = timeline.of(marek, meera[0], kinds=["waiver"]).entries
    assert (told.state, told.amount) == ("taken back", 150)
    assert actions == ["charge_waiver.asked", "charge_waiver.granted", "charge_waiver.taken_back"]


def test_two_waivers_follow_one_another_over_the_due_dates(session, ana, marek, meera):
    granted(session, ana, marek, meera[1], 60)
    granted(session, ana, marek, meera[1], 140)
    assert state(session, meera[1]).overdue_charges == 0
    parts = session.execute(text("SELECT number, sum(amount) FROM charge_waiver_part GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(part) for part in parts] == [(1, 100), (2, 100)]


def test_refused_or_withdrawn_nothing_changes(session, ana, marek, meera):
    made = ask(ana, meera[1])
    approvals.decide(marek, request_of(session, made), approve=False, reason="It was right")
    assert waivers.of_borrower(ana, meera[0])[0].status == "refused"
    again = ask(ana, meera[1])
    waivers.withdraw(ana, again.id, reason="Paid after all")
    assert waivers.of_borrower(ana, meera[0])[0].status == "withdrawn"
    assert state(session, meera[1]).overdue_amount == 2_200
    with pytest.raises(Conflict):
        waivers.withdraw(ana, again.id, reason="again")


def test_no_more_is_waived_than_is_owed_also_when_that_changed_meanwhile(session, ana, marek, meera):
    with pytest.raises(Refused, match="no more can be waived"):
        ask(ana, meera[1], 201)
    made = ask(ana, meera[1], 200)
    facts.record_payment(SYSTEM, meera[1], amount=Decimal(1_100), paid_on=TODAY)
    with pytest.raises(Refused, match="no more can be waived"):
        approvals.decide(marek, request_of(session, made), approve=True, reason="x")
    assert state(session, meera[1]).overdue_amount == 1_100


def test_one_waiver_waits_at_a_time_and_a_form_sent_twice_is_one(ana, meera):
    first = ask(ana, meera[1], request_key="k")
    assert ask(ana, meera[1], request_key="k").id == first.id
    with pytest.raises(Conflict, match="waits for a decision already"):
        ask(ana, meera[1])


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), ("1.005", "x"), (50, " ")])
def test_what_cannot_be_is_refused(ana, meera, amount, reason):
    with pytest.raises(InvalidInput):
        ask(ana, meera[1], amount, reason=reason)


def test_a_loan_without_charges_says_so(session, ana, meera):
    other, loan_id = builders.make_overdue(session, dpd=30)
    builders.make_case(session, other, owner_id=ana.id)
    with pytest.raises(Refused, match="nothing to waive"):
        ask(ana, loan_id, 10)


def test_who_asked_neither_decides_nor_ends_and_authority_has_limits(session, ana, marek, meera):
    made = ask(marek, meera[1])
    with pytest.raises(CollectionsError):
        approvals.decide(marek, request_of(session, made), approve=True, reason="x")
    boss = make_actor(session, "boss", "Boss", Role.LEADER)
    approvals.decide(boss, request_of(session, made), approve=True, reason="x")
    with pytest.raises(Refused, match="asked for this waiver yourself"):
        waivers.take_back(marek, made.id, reason="x")
    with pytest.raises(NotAllowed):
        waivers.take_back(ana, made.id, reason="x")
    session.execute(text("UPDATE instalment SET charges = 9000 WHERE number = 2"))
    restating.facts_changed(session, [meera[1]], from_date=TODAY - timedelta(days=1), cause="test")
    large = ask(ana, meera[1], 8_000)
    with pytest.raises(CollectionsError):
        approvals.decide(marek, request_of(session, large), approve=True, reason="x")


def test_a_schedule_whose_charges_sank_below_what_was_waived_owes_none(session, ana, marek, meera):
    granted(session, ana, marek, meera[1], 100)
    session.execute(text("UPDATE instalment SET charges = 40 WHERE number = 1"))
    restating.facts_changed(session, [meera[1]], from_date=TODAY, cause="test")
    after = state(session, meera[1])
    assert (after.overdue_charges, after.overdue_amount) == (100, 2_100)
