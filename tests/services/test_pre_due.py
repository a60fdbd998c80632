"""The stage before anything is overdue: who is in it, how it ends, and that nothing counts it as delinquency."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.models.stages import StageMove
from db.models.work import CollectionCase
from services import adherence, allocation, cases, stages, visits
from services.errors import InvalidInput, NotAllowed, Refused
from services.stages import pre_due
from services.stages.pre_due import PreDue
from services.visits import Plan
from tests import builders

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def five_days(session, marek):
    """Borrowers are called from five days before an instalment."""
    pre_due.change(marek, PreDue(5, ()), reason="Remind them in time")
    session.expire_all()


def due_in(session, days, *, as_of=TODAY, **state):
    """A borrower who owes nothing overdue and whose next instalment of 8,000 is so many days away; ids."""
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id)
    values = {"next_due_on": as_of + timedelta(days=days), "next_due_amount": Decimal(8_000), "risk_band": 2, **state}
    builders.make_state(session, loan_id, as_of=as_of, **values)
    return borrower_id, loan_id


def refreshed(session, borrower_id, as_of=TODAY):
    cases.refresh_for(session, as_of, [borrower_id])
    return all_of(session, borrower_id)


def all_of(session, borrower_id):
    return session.execute(
        select(CollectionCase)
        .where(CollectionCase.borrower_id == borrower_id)
        .order_by(CollectionCase.id)
        .execution_options(populate_existing=True)
    ).scalars().all()  # fmt: skip


def set_state(session, loan_id, **values):
    named = ", ".join(f"{name} = :{name}" for name in values)
    session.execute(text(f"UPDATE loan_state SET {named} WHERE loan_id = :id"), {"id": loan_id, **values})


@pytest.mark.usefixtures("five_days")
@pytest.mark.parametrize(("days", "is_opened"), [(0, False), (1, True), (5, True), (6, False)])
def test_a_case_opens_when_the_instalment_is_near(session, days, is_opened):
    found = refreshed(session, due_in(session, days)[0])
    assert [case.stage for case in found] == (["pre_due"] if is_opened else [])


def test_nobody_is_called_before_the_due_date_unless_it_is_switched_on(session):
    assert refreshed(session, due_in(session, 1)[0]) == []


def test_only_the_risk_that_was_chosen_is_called(session, marek):
    pre_due.change(marek, PreDue(5, (4, 5)), reason="Only those")
    session.expire_all()
    assert refreshed(session, due_in(session, 3, risk_band=2)[0]) == []
    assert len(refreshed(session, due_in(session, 3, risk_band=4)[0])) == 1


@pytest.mark.usefixtures("five_days")
def test_it_closes_when_the_instalment_is_paid_and_is_no_cure(session, marek):
    borrower_id, loan_id = due_in(session, 3)
    refreshed(session, borrower_id)
    set_state(session, loan_id, next_due_on=TODAY + timedelta(days=33))
    (case,) = refreshed(session, borrower_id, TODAY + timedelta(days=1))
    assert (case.stage, case.closed_on) == ("pre_due", TODAY + timedelta(days=1))


@pytest.mark.usefixtures("five_days")
def test_unpaid_it_becomes_an_overdue_case_the_day_after_it_fell_due(session):
    borrower_id, loan_id = due_in(session, 2)
    refreshed(session, borrower_id)
    due_on = TODAY + timedelta(days=2)
    set_state(session, loan_id, overdue_amount=8_000, next_due_on=due_on + timedelta(days=30))
    assert [case.stage for case in refreshed(session, borrower_id, due_on)] == ["pre_due"]
    set_state(session, loan_id, dpd=1, bucket=1)
    (case,) = refreshed(session, borrower_id, due_on + timedelta(days=1))
    assert (case.stage, case.opened_on, case.closed_on) == ("soft", due_on + timedelta(days=1), None)
    (move,) = session.scalars(select(StageMove)).all()
    assert (move.from_stage, move.to_stage, move.cause) == ("pre_due", "soft", "facts")


@pytest.mark.usefixtures("five_days")
def test_who_was_overdue_and_paid_is_cured_also_where_the_next_instalment_is_near(session):
    borrower_id, loan_id = due_in(session, 2, dpd=20)
    assert [case.stage for case in refreshed(session, borrower_id)] == ["soft"]
    set_state(session, loan_id, dpd=0, overdue_amount=0)
    first, second = refreshed(session, borrower_id)
    assert (first.stage, first.closed_on) == ("soft", TODAY)
    assert (second.stage, second.closed_on) == ("pre_due", None)


@pytest.mark.usefixtures("five_days")
def test_its_priority_is_low_and_says_why(session):
    (case,) = refreshed(session, due_in(session, 3)[0])
    assert dict(code.split(":") for code in case.priority_reasons) == {
        "instalment_near": "-15",
        "never_contacted": "10",
    }


@pytest.mark.usefixtures("five_days")
def test_nothing_counts_it_as_overdue_work(session, ana, marek):
    borrower_id, _ = due_in(session, 3)
    refreshed(session, borrower_id)
    assert allocation.unallocated(marek).cases == 0
    assert {count.stage: count.cases for count in stages.counts(marek)} == {"pre_due": 1}
    tried = stages.try_out(marek, stages.view(marek).in_force.rule_set)
    assert tried.cases == 0
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": ana.id})
    assert [row for row in adherence.by_owner(marek) if row.cases] == []
    address = builders.make_address(session, borrower_id)
    with pytest.raises(Refused, match="nothing is overdue"):
        visits.plan(ana, borrower_id, Plan(address, "residence", TODAY))


def test_a_trial_counts_who_would_be_called_today(session, marek, ana):
    due_in(session, 3)
    due_in(session, 9)
    due_in(session, 3, dpd=10)
    assert pre_due.try_out(marek, PreDue(5, ())).borrowers == 2
    assert pre_due.try_out(marek, PreDue(10, ())).amount == 24_000
    assert pre_due.try_out(marek, PreDue(0, ())).borrowers == 0
    for wanted in (PreDue(16, ()), PreDue(5, (9,))):
        with pytest.raises(InvalidInput):
            pre_due.try_out(marek, wanted)
    with pytest.raises(NotAllowed):
        pre_due.change(ana, PreDue(5, ()), reason="x")
    with pytest.raises(InvalidInput, match="Say why"):
        pre_due.change(marek, PreDue(5, ()), reason=" ")


_DAYS = st.lists(
    st.tuples(st.sampled_from((0, 0, 0, 1, 40)), st.booleans(), st.integers(1, 9), st.sampled_from((0, 3, 5))),
    max_size=9,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=_DAYS)
def test_in_any_order_of_facts_and_settings_cases_are_those_of_a_replay(session, marek, days):
    with session.begin_nested() as savepoint:
        borrower_id, loan_id = due_in(session, 30)
        lived: list[list[object]] = []
        for number, (dpd, is_due, away, called_from) in enumerate(days):
            on = TODAY + timedelta(days=number)
            is_overdue = dpd > 0 or is_due
            pre_due.change(marek, PreDue(called_from, ()), reason="x")
            set_state(session, loan_id, dpd=dpd, overdue_amount=8_000 if is_overdue else 0,
                      next_due_on=on + timedelta(days=away))  # fmt: skip
            session.expire_all()
            found = refreshed(session, borrower_id, on)
            is_near = away <= called_from
            last = lived[-1] if lived and lived[-1][2] is None else None
            if last is not None and not is_overdue and not (last[0] and is_near):
                last[2], last = on, None
            if last is None and dpd:
                lived.append([False, on, None])
            elif last is None and is_near:
                lived.append([True, on, None])
            elif last is not None and last[0] and dpd:
                last[0], last[1] = False, on
            assert [[case.stage == "pre_due", case.opened_on, case.closed_on] for case in found] == lived
        savepoint.rollback()
