"""Settlements: terms against the policy, who may approve, what payments make of them, and what becomes of the loan."""

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
from services import approvals, cases, delinquency, documents, facts, plans, settlements
from services.actors import SYSTEM, Role
from services.closing import close
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.settlements.values import Expectation, Policy
from services.settlements.worth import present_value, worth
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def owing(session, *, attributes=None, owner_id=None):
    """A loan of 10 instalments of 10,000 of which five fell due and are unpaid: 1,00,000 owed, 50,000 overdue."""
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id, attributes=attributes or {})
    for number in range(1, 11):
        builders.make_instalment(session, loan_id, number, date(2025, 1, 10) + timedelta(days=30 * number))
    builders.make_case(session, borrower_id, owner_id=owner_id)
    delinquency.derive(session, TODAY, [loan_id])
    cases.refresh_for(session, TODAY, [borrower_id])
    return loan_id


@pytest.fixture
def loan(session, ana):
    return owing(session, owner_id=ana.id)


def leader(session, name, level):
    made = make_actor(session, name, name.capitalize(), Role.LEADER)
    session.execute(
        text("INSERT INTO authority (user_id, level) VALUES (:u, :l) ON CONFLICT (user_id) DO UPDATE SET level = :l"),
        {"u": made.id, "l": level},
    )
    return made


@pytest.fixture
def boss(session):
    return leader(session, "boss", 4)


def terms(loan_id, *, waive=40_000, parts=None, valid_until=TODAY + timedelta(days=5), reason="Lost the shop"):
    rows = parts or ((TODAY + timedelta(days=10), Decimal(100_000 - waive)),)
    return settlements.Terms(
        loan_id, settlements.Components(principal=Decimal(waive)), tuple(rows), valid_until, reason
    )


def request_of(session, settlement_id):
    return session.execute(
        text(
            "SELECT id, level, amount, percent FROM approval_request"
            " WHERE subject_kind = 'settlement' AND subject_id = :s"
        ),
        {"s": settlement_id},
    ).one()


def offered(session, actor, boss, loan_id, **over):
    made = settlements.propose(actor, terms(loan_id, **over))
    approvals.decide(boss, request_of(session, made.id).id, approve=True, reason="Board policy 4.2")
    return made


def status(session, settlement_id):
    return session.execute(select(Row.status).where(Row.id == settlement_id)).scalar_one()


def state(session, loan_id):
    statement = select(LoanState).where(LoanState.loan_id == loan_id).execution_options(populate_existing=True)
    return session.execute(statement).scalar_one()


# --- what it is worth ----------------------------------------------------------------------------------------------


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


# --- proposing -----------------------------------------------------------------------------------------------------


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


# --- authority -----------------------------------------------------------------------------------------------------


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


# --- running -------------------------------------------------------------------------------------------------------


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


# --- policy and lists ----------------------------------------------------------------------------------------------


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
