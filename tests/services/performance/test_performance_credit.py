"""Performance: who gets the credit, and what pages read of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from components.screens import PROJECT
from services import closing, facts, performance, restating
from services.actors import SYSTEM, Role
from services.errors import InvalidInput, NotAllowed
from services.performance import DEFINITIONS, Dimension, Figure, PerformanceFilter, fairness
from tests.builders import (
    make_borrower,
    make_case,
    make_contact,
    make_instalment,
    make_loan,
    make_payment,
    make_promise,
    make_reversal,
    make_segment,
)
from tests.conftest import make_actor
from tests.portfolio_rows import make_day
from tests.services.performance.credit import NOV, OCT, D, days, give


@pytest.fixture
def arrears(session, frozen_clock):
    """A borrower behind since September, whose case two agents share: the first until 10 November, then the second."""
    frozen_clock(datetime(2025, 11, 21, 5, 30, tzinfo=UTC))
    borrower_id = make_borrower(session)
    loan_id = make_loan(session, borrower_id, disbursed_on=date(2025, 8, 5))
    for number, due_on in enumerate((date(2025, 9, 5), date(2025, 10, 5), date(2025, 11, 5)), start=1):
        make_instalment(session, loan_id, number, due_on, 1_000)
    case_id = make_case(session, borrower_id, opened_on=date(2025, 9, 6))
    first, second = (make_actor(session, f"agent{n}", f"Agent {n}", Role.AGENT) for n in (1, 2))
    give(session, case_id, first.id, date(2025, 9, 6))
    give(session, case_id, second.id, date(2025, 11, 11))
    closing.backfill(SYSTEM, OCT, OCT)
    return loan_id, first, second


def collected(session, as_of=NOV):
    return {owner: sums.collected for (owner, _), sums in days(session, as_of).items() if sums.collected}


def test_a_case_that_changes_hands_splits_its_credit_by_date(session, arrears):
    loan_id, first, second = arrears
    make_payment(session, loan_id, date(2025, 11, 8), 700)
    make_payment(session, loan_id, date(2025, 11, 11), 400)
    closing.close(SYSTEM, NOV)
    assert collected(session) == {first.id: 700, second.id: 400}
    seen = days(session)
    assert seen[first.id, 2].case_share == D("0.5")
    assert seen[second.id, 2].to_collect == 1_500  # half of 2,000 overdue at the start and 1,000 due in the month
    assert sum(sums.case_share for sums in seen.values()) == 1


def behind(actor, figure, **asked):
    found = performance.cases_behind(actor, PerformanceFilter(), figure, **asked)
    return found, [(one.owner_name, one.value) for one in found.cases]


def test_a_figure_leads_to_the_cases_that_it_counts_of_each_row_or_of_all(session, arrears, marek):
    loan_id, first, _ = arrears
    make_payment(session, loan_id, date(2025, 11, 8), 900)
    make_payment(session, loan_id, date(2025, 11, 12), 1_100)
    closing.backfill(SYSTEM, OCT, OCT)
    closing.close(SYSTEM, NOV)
    found, rows = behind(marek, Figure.COLLECTED)
    assert rows == [("Agent 2", 1_100), ("Agent 1", 900)]
    assert (found.number, found.total, found.as_of) == (2, 2_000, NOV)
    _, rows = behind(marek, Figure.COLLECTED, key=str(first.id))
    assert rows == [("Agent 1", 900)]
    for dimension in Dimension:
        overview = performance.overview(marek, PerformanceFilter(), dimension)
        for row in overview.rows:
            for figure in (Figure.CASES, Figure.COLLECTED, Figure.WORKED):
                found, _ = behind(marek, figure, dimension=dimension, key=row.key)
                assert found.total == DEFINITIONS[figure].of(figure)(row.sums), (dimension, row.key, figure)
    page, rows = behind(marek, Figure.COLLECTED, limit=1)
    _, rest = behind(marek, Figure.COLLECTED, limit=1, after=page.next_after)
    assert rows + rest == [("Agent 2", 1_100), ("Agent 1", 900)]


def test_cases_are_kept_of_the_newest_day_of_a_month_and_of_none_before(session, arrears, marek):
    closing.close(SYSTEM, NOV - timedelta(days=1))
    closing.close(SYSTEM, NOV)
    closing.close(SYSTEM, NOV - timedelta(days=1))
    kept = session.scalars(text("SELECT DISTINCT as_of FROM performance_case ORDER BY 1")).all()
    assert kept == [OCT, NOV]


@pytest.mark.parametrize("who", ["ana", "ada", "adam"])
def test_who_sees_no_performance_sees_no_cases_behind_it(request, arrears, who):
    with pytest.raises(NotAllowed):
        performance.cases_behind(request.getfixturevalue(who), PerformanceFilter(), Figure.CASES)


def test_a_late_payment_is_credited_to_who_had_the_case_on_its_value_date(session, arrears):
    loan_id, first, _ = arrears
    closing.close(SYSTEM, NOV)
    facts.record_payment(SYSTEM, loan_id, amount=D(700), paid_on=date(2025, 11, 8))
    assert collected(session) == {}
    restating.restate(SYSTEM)
    assert collected(session) == {first.id: 700}


def test_a_reversal_takes_the_credit_back_from_who_had_got_it(session, arrears):
    loan_id, first, second = arrears
    october = make_payment(session, loan_id, date(2025, 10, 20), 900)
    november = make_payment(session, loan_id, date(2025, 11, 12), 400)
    closing.close(SYSTEM, OCT)
    make_reversal(session, loan_id, date(2025, 11, 14), 900, october)
    make_reversal(session, loan_id, date(2025, 11, 15), 150, november)
    closing.close(SYSTEM, NOV)
    assert collected(session, OCT) == {first.id: 900}
    assert collected(session) == {first.id: -900, second.id: 250}


def test_a_cure_is_credited_to_who_had_the_case_when_the_last_money_came(session, arrears):
    loan_id, first, second = arrears
    make_payment(session, loan_id, date(2025, 11, 9), 3_000)
    closing.close(SYSTEM, NOV)
    assert {owner: sums.cured for (owner, _), sums in days(session).items()} == {first.id: 1, second.id: 0}


def test_a_loan_written_off_is_no_cure(session, arrears):
    loan_id, *_ = arrears
    session.execute(text("UPDATE loan SET written_off_on = '2025-11-12' WHERE id = :id"), {"id": loan_id})
    closing.close(SYSTEM, NOV)
    assert sum(sums.cured for sums in days(session).values()) == 0


def test_summing_again_changes_nothing_and_days_of_past_months_are_forgotten(session, arrears):
    closing.close(SYSTEM, date(2025, 11, 19))
    closing.close(SYSTEM, NOV)
    before = days(session)
    closing.sum_day(session, NOV)
    assert days(session) == before
    make_day(session, date(2025, 12, 2), segment_id=make_segment(session))
    performance.summarise(session, date(2025, 12, 2))
    assert days(session, date(2025, 11, 19)) == {}
    assert days(session) == before


def test_figures_by_each_dimension_add_to_the_same_total(session, arrears, marek):
    loan_id, first, _ = arrears
    make_payment(session, loan_id, date(2025, 11, 8), 700)
    closing.close(SYSTEM, NOV)
    for dimension in Dimension:
        seen = performance.overview(marek, PerformanceFilter(), dimension)
        assert seen is not None
        assert fairness.total(row.sums for row in seen.rows) == seen.total.sums
        assert seen.total.sums.collected == 700
    assert [point.as_of for point in performance.trend(marek, PerformanceFilter())] == [OCT, NOV]
    mine = performance.trend(marek, PerformanceFilter(), by_day=True, owner_id=first.id)
    assert [(point.as_of, point.sums.collected) for point in mine] == [(NOV, 700)]
    nothing = performance.overview(marek, PerformanceFilter(buckets=(5,)), Dimension.AGENT)
    assert nothing is not None
    assert nothing.rows == ()


def test_targets_and_costs_are_set_once_hold_from_their_month_and_are_audited(session, arrears, marek, anil):
    loan_id, first, _ = arrears
    make_payment(session, loan_id, date(2025, 11, 8), 700)
    closing.close(SYSTEM, NOV)
    for key in ("one", "one", "two"):
        amount = D(1_000) if key == "one" else D(1_400)
        performance.set_target(marek, NOV, owner_id=first.id, amount=amount, request_key=key)
    performance.set_cost(marek, "agent_month", from_month=date(2025, 9, 3), amount=D(300))
    performance.set_cost(marek, "agent_month", from_month=date(2025, 12, 1), amount=D(900))
    seen = performance.overview(anil, PerformanceFilter(), Dimension.AGENT)
    assert seen is not None
    row = next(row for row in seen.rows if row.key == str(first.id))
    assert (row.target, row.achieved) == (1_400, D("0.5"))
    assert row.cost == 200  # twenty of thirty days
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'target.set'")).scalar_one() == 2
    with pytest.raises(NotAllowed):
        performance.set_target(anil, NOV, owner_id=first.id, amount=D(1))
    with pytest.raises(InvalidInput):
        performance.set_target(marek, NOV, owner_id=marek.id, product_id=1, amount=D(1))
    with pytest.raises(InvalidInput):
        performance.set_target(marek, NOV, owner_id=anil.id, amount=D(1))
    performance.set_target(marek, NOV, owner_id=first.id, amount=None)
    assert performance.plans(marek, NOV).targets == ()


@pytest.mark.parametrize("who", ["ana", "ada", "adam"])
def test_agents_auditors_and_admins_see_no_performance(request, who):
    actor = request.getfixturevalue(who)
    for read in (
        lambda: performance.overview(actor, PerformanceFilter(), Dimension.AGENT),
        lambda: performance.trend(actor, PerformanceFilter()),
        lambda: performance.choices(actor),
        lambda: performance.plans(actor, NOV),
    ):
        with pytest.raises(NotAllowed):
            read()


def test_the_documentation_says_what_the_screen_says():
    page = " ".join((PROJECT / "docs" / "performance.md").read_text().split())
    for definition in performance.DEFINITIONS.values():
        assert f"### {definition.label} {definition.meaning}" in page


def test_what_the_borrower_began_and_what_no_person_did_is_no_attempt(session, arrears):
    loan_id, first, _ = arrears
    borrower_id = session.execute(text("SELECT borrower_id FROM loan WHERE id = :id"), {"id": loan_id}).scalar_one()
    at = datetime(2025, 11, 8, 6, tzinfo=UTC)
    common = {"at": at, "outcome": "promise_to_pay", "person": "borrower"}
    make_contact(session, borrower_id, recorded_by=first.id, **common)
    make_contact(session, borrower_id, recorded_by=first.id, direction="inbound", **common)
    make_contact(session, borrower_id, channel="sms", **common)
    closing.close(SYSTEM, NOV)
    assert days(session)[first.id, 2].attempts == 1


def test_a_promise_of_several_dates_is_made_once_and_each_date_falls_due(session, arrears):
    loan_id, _, _ = arrears
    made = date(2025, 11, 3)
    whole = make_promise(session, loan_id, amount=100, promised_on=made, due_on=date(2025, 11, 5))
    for part, due_on in ((2, date(2025, 11, 12)), (3, date(2025, 12, 12))):
        make_promise(session, loan_id, amount=200, promised_on=made, due_on=due_on, part=part, whole_id=whole)
    closing.close(SYSTEM, NOV)
    sums = [sums for sums in days(session).values() if sums.promises]
    assert [(row.promises, row.promised, row.fallen_due, row.broken) for row in sums] == [(1, 500, 2, 2)]


def test_days_before_a_case_is_given_are_nobodys_unless_it_is_given_at_once(session, arrears):
    _, first, _ = arrears
    other = make_borrower(session)
    late = make_loan(session, other, disbursed_on=date(2025, 10, 1))
    make_instalment(session, late, 1, date(2025, 11, 10), 1_000)
    case_id = make_case(session, other, opened_on=date(2025, 11, 11))
    give(session, case_id, first.id, date(2025, 11, 16))
    closing.close(SYSTEM, NOV)
    assert {owner: sums.case_share for (owner, bucket), sums in days(session).items() if bucket == 0} == {
        0: D("0.5"),
        first.id: D("0.5"),
    }
