"""Running settlements: payments, breaches, expiry, in any order; policy and lists."""

import threading
from contextvars import copy_context
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.engine import transaction
from db.models.audit import AuditEvent
from db.models.settlements import Settlement as Row
from db.models.settlements import SettlementPart
from db.models.stands import LoanState
from db.models.work import CollectionCase
from services import approvals, delinquency, facts, plans, settlements
from services.actors import SYSTEM, Role
from services.closing import close
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from services.settlements.values import Policy
from tests import builders
from tests.conftest import make_actor
from tests.services.settlements.offers import TODAY, leader, offered, owing, request_of, status, terms

pytestmark = pytest.mark.usefixtures("frozen_clock")


def state(session, loan_id):
    statement = select(LoanState).where(LoanState.loan_id == loan_id).execution_options(populate_existing=True)
    return session.execute(statement).scalar_one()


def accepted(session, actor, boss, loan_id, **over):
    made = offered(session, actor, boss, loan_id, **over)
    return settlements.accept(actor, made.id, channel="call")


def test_accepted_and_paid_closes_the_loan_and_the_case(session, ana, marek, boss, loan):
    made = accepted(session, ana, boss, loan)
    assert (made.status, made.counts_from, made.next_due_amount) == ("running", TODAY, 60_000)
    assert session.execute(select(CollectionCase.next_action)).scalar_one() == "await_settlement"
    facts.record_payment(marek, loan, amount=Decimal(60_000), paid_on=TODAY)
    told = settlements.of_borrower(ana, made.borrower_id)[0]
    assert (told.status, told.resolved_on, told.paid_amount) == ("completed", TODAY, 60_000)
    after = state(session, loan)
    assert (after.status, after.outstanding, after.overdue_amount, after.dpd) == ("closed", 0, 0, 0)
    assert session.execute(select(CollectionCase.closed_on)).scalar_one() == TODAY


def test_reversal_reopens_the_loan_and_its_case(session, ana, marek, boss, loan):
    made = accepted(session, ana, boss, loan)
    receipt = facts.record_payment(marek, loan, amount=Decimal(60_000), paid_on=TODAY)
    facts.reverse_payment(marek, loan, receipt, known_on=TODAY, reason="Cheque came back")
    assert status(session, made.id) == "running"
    after = state(session, loan)
    assert (after.status, after.outstanding, after.dpd) == ("active", 100_000, 127)
    assert None in session.scalars(select(CollectionCase.closed_on)).all()


def test_payment_before_the_yes_does_not_count(session, ana, marek, boss, loan):
    facts.record_payment(marek, loan, amount=Decimal(20_000), paid_on=TODAY - timedelta(days=1))
    parts = ((TODAY + timedelta(days=9), Decimal(50_000)),)
    made = settlements.propose(ana, terms(loan, waive=30_000, parts=parts))
    approvals.decide(boss, request_of(session, made.id).id, approve=True, reason="Fine")
    assert settlements.accept(ana, made.id, channel="call").paid_amount == 0


@pytest.mark.parametrize(
    ("paid", "day", "expected"),
    [
        ((), date(2025, 6, 26), "running"),
        ((), date(2025, 6, 27), "behind"),
        ((), date(2025, 6, 29), "behind"),
        ((), date(2025, 6, 30), "broken"),
        (((date(2025, 6, 29), 30_000),), date(2025, 6, 30), "running"),
        (((date(2025, 6, 30), 60_000),), date(2025, 6, 30), "broken"),
        (((date(2025, 6, 20), 59_999),), date(2025, 7, 29), "behind"),
        (((date(2025, 6, 20), 60_000),), date(2025, 6, 20), "completed"),
    ],
)
def test_state_follows_payments_with_three_days_of_grace(session, ana, boss, loan, paid, day, expected):
    parts = ((date(2025, 6, 26), Decimal(30_000)), (date(2025, 7, 28), Decimal(30_000)))
    made = accepted(session, ana, boss, loan, parts=parts)
    for paid_on, amount in paid:
        builders.make_payment(session, loan, paid_on, amount)
    settlements.settle_for(session, day, [loan])
    assert status(session, made.id) == expected


def test_broken_one_leaves_the_whole_debt_less_what_was_paid(session, ana, boss, loan):
    accepted(
        session, ana, boss, loan, parts=((date(2025, 6, 26), Decimal(30_000)), (date(2025, 7, 28), Decimal(30_000)))
    )
    builders.make_payment(session, loan, date(2025, 6, 26), 30_000)
    settlements.settle_for(session, date(2025, 8, 1), [loan])
    delinquency.derive(session, date(2025, 8, 1), [loan])
    assert (state(session, loan).status, state(session, loan).outstanding) == ("active", 70_000)


def test_offer_expires_by_itself_and_a_late_yes_is_refused(session, ana, boss, loan, frozen_clock):
    made = offered(session, ana, boss, loan)
    frozen_clock(datetime(2025, 6, 22, 5, 30, tzinfo=UTC))
    with pytest.raises(Refused, match="stood until 21 Jun 2025"):
        settlements.accept(ana, made.id, channel="call")
    settlements.settle_for(session, TODAY + timedelta(days=6), [loan])
    told = settlements.of_borrower(ana, made.borrower_id)[0]
    assert (told.status, told.resolved_on) == ("expired", date(2025, 6, 22))


def test_only_an_approved_offer_can_be_accepted(session, ana, boss, loan):
    made = settlements.propose(ana, terms(loan))
    with pytest.raises(Refused, match="waits for approval"):
        settlements.accept(ana, made.id, channel="call")
    with pytest.raises(InvalidInput):
        settlements.accept(ana, made.id, channel="pigeon")


def test_withdrawing_ends_what_runs_and_payments_count_for_the_loan_only(session, ana, marek, boss, loan):
    made = accepted(session, ana, boss, loan)
    with pytest.raises(InvalidInput):
        settlements.withdraw(ana, made.id, reason=" ")
    settlements.withdraw(ana, made.id, reason="Borrower asked for it")
    facts.record_payment(marek, loan, amount=Decimal(60_000), paid_on=TODAY)
    told = settlements.of_borrower(ana, made.borrower_id)[0]
    assert (told.status, told.paid_amount, told.cancel_reason) == ("cancelled", 0, "Borrower asked for it")
    assert (state(session, loan).status, state(session, loan).outstanding) == ("active", 40_000)
    with pytest.raises(Refused, match="ended already"):
        settlements.withdraw(ana, made.id, reason="Again")


def test_plan_and_settlement_exclude_each_other(session, ana, boss, loan):
    made = offered(session, ana, boss, loan)
    means = plans.Affordability(income=Decimal(40_000))
    rows = plans.generate(plans.Pattern(Decimal(50_000), 5, TODAY + timedelta(days=4)))
    plan = plans.make(ana, plans.Proposal(loan_id=loan, rows=rows, affordability=means))
    with pytest.raises(Refused, match="has a repayment plan"):
        settlements.accept(ana, made.id, channel="call")
    plans.cancel(ana, plan.id, reason="Settles instead")
    settlements.accept(ana, made.id, channel="call")
    with pytest.raises(Refused, match="has a settlement in force"):
        plans.make(ana, plans.Proposal(loan_id=loan, rows=rows, affordability=means))


_DAYS = st.dates(date(2025, 6, 1), date(2025, 8, 20))

_FACTS = st.lists(
    st.tuples(_DAYS, st.sampled_from([5_000, 20_000, 30_000, 60_000]), st.none() | _DAYS), min_size=0, max_size=5
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paid=_FACTS, order=st.randoms(use_true_random=False), days=st.lists(_DAYS, min_size=1, max_size=3))
def test_any_order_of_payments_and_reversals_gives_what_a_replay_gives(session, ana, paid, order, days):
    with session.begin_nested() as undo:
        loan_id = owing(session, owner_id=ana.id)
        settlement_id = _running(session, loan_id)
        known = [(day, amount, back if back is None or back >= day else day) for day, amount, back in paid]
        last = max(days)
        for day, amount, back in order.sample(known, len(known)):
            reference = builders.make_payment(session, loan_id, day, amount)
            if back is not None:
                builders.make_reversal(session, loan_id, back, amount, reference)
            settlements.settle_for(session, order.choice(days), [loan_id])
        settlements.settle_for(session, last, [loan_id])
        row = session.execute(select(Row.status, Row.paid_amount, Row.resolved_on).where(Row.id == settlement_id)).one()
        assert tuple(row) == _replayed(known, last)
        undo.rollback()


_PARTS = ((date(2025, 6, 26), 30_000), (date(2025, 7, 28), 30_000))


def _running(session, loan_id):
    values = {"owed_principal": 100_000, "waived_principal": 40_000, "amount": 60_000, "present_value": 0}
    made = Row(
        borrower_id=state(session, loan_id).borrower_id, loan_id=loan_id, status="running", counts_from=TODAY,
        accepted_channel="call", offered_on=TODAY, starts_on=_PARTS[0][0], ends_on=_PARTS[1][0], valid_until=TODAY,
        reason="x", discount_percent=12, expected_percent=50, expected_months=12, expected_value=0,
        is_restructuring=False, owed_interest=0, owed_charges=0, waived_interest=0, waived_charges=0, **values,
    )  # fmt: skip
    session.add(made)
    session.flush()
    for number, (due_on, amount) in enumerate(_PARTS, start=1):
        session.add(SettlementPart(settlement_id=made.id, number=number, due_on=due_on, amount=amount))
    session.flush()
    return made.id


def _replayed(known, as_of):
    """Day by day in plain Python: whole, broken or still running, by the payments known by the last day."""
    counted = [
        (day, amount)
        for day, amount, back in known
        if TODAY <= day <= as_of and not (back is not None and back <= as_of)
    ]
    day = TODAY
    while day <= as_of:
        paid = sum(amount for on, amount in counted if on <= day)
        missed = [on for place, (on, _) in enumerate(_PARTS) if day > on + timedelta(3)
                  and sum(a for d, a in counted if d <= on + timedelta(3)) < 30_000 * (place + 1)]  # fmt: skip
        if missed:
            before = sum(amount for on, amount in counted if on < day)
            return "broken", min(Decimal(60_000), Decimal(before)), day
        if paid >= 60_000:
            return "completed", Decimal(60_000), day
        day += timedelta(1)
    paid = sum(amount for _, amount in counted)
    behind = any(on < as_of and paid < 30_000 * (place + 1) for place, (on, _) in enumerate(_PARTS))
    return ("behind" if behind else "running"), Decimal(min(paid, 60_000)), None


def test_close_settles_before_it_derives(database, frozen_clock):
    with transaction() as session:
        loan_id = owing(session)
        settlement_id = _running(session, loan_id)
        builders.make_payment(session, loan_id, TODAY, 60_000)
    close(SYSTEM, TODAY)
    with transaction() as session:
        assert status(session, settlement_id) == "completed"
        assert state(session, loan_id).status == "closed"
        kept = session.execute(
            text("SELECT status FROM loan_snapshot WHERE loan_id = :id"), {"id": loan_id}
        ).scalar_one()
        assert kept == "closed"


def test_two_who_decide_at_once_one_wins(database, frozen_clock):
    with transaction() as session:
        ana = make_actor(session, "ana", "Ana Pereira", Role.AGENT)
        loan_id = owing(session, owner_id=ana.id)
        bosses = [leader(session, name, 4) for name in ("boss", "chief")]
    made = settlements.propose(ana, terms(loan_id))
    with transaction() as session:
        asked = request_of(session, made.id).id
    told: list[str] = []

    def decide(actor, approve):
        try:
            approvals.decide(actor, asked, approve=approve, reason="Mine")
            told.append("won")
        except Conflict:
            told.append("lost")

    threads = [  # a thread has a context, and so a clock, of its own
        threading.Thread(target=copy_context().run, args=(decide, *pair))
        for pair in zip(bosses, (True, False), strict=True)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == ["lost", "won"]
    with transaction() as session:
        assert status(session, made.id) in {"offered", "refused"}


def test_policy_is_changed_with_a_reason_and_its_history(session, adam, marek):
    policy, lines = settlements.current(adam)
    new = Policy(5, Decimal(15), 3, 24, 12, 20)
    with pytest.raises(NotAllowed):
        settlements.change(marek, new, lines, reason="Board of 3 June")
    with pytest.raises(InvalidInput):
        settlements.change(adam, new, lines[1:], reason="Board of 3 June")
    settlements.change(adam, new, lines, reason="Board of 3 June")
    assert settlements.current(adam) == (new, lines)
    assert policy != new
    assert session.scalars(select(AuditEvent.action)).all() == ["settlement_policy.changed"]


def test_list_counts_what_matches(session, ana, marek, anil, boss, loan):
    offered(session, ana, boss, loan)
    settlements.propose(ana, terms(owing(session, owner_id=ana.id), waive=10_000))
    every = settlements.listing(marek, settlements.Listed())
    assert (every.number, [row.settlement.status for row in every.rows]) == (2, ["offered", "proposed"])
    assert {each.status: (each.number, each.sacrifice) for each in every.sums} == {
        "offered": (1, 40_000),
        "proposed": (1, 10_000),
    }
    soon = settlements.listing(anil, settlements.Listed(expires_by=TODAY + timedelta(days=5)))
    assert [row.next_on for row in soon.rows] == [TODAY + timedelta(days=5)]
    with pytest.raises(NotAllowed):
        settlements.listing(ana, settlements.Listed())
