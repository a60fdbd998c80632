"""Performance: sums equal to a slow count of the facts, who gets the credit, and fair comparison."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isclose

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from components.screens import PROJECT
from db.models.performance import PerformanceDay
from db.models.work import Allocation
from services import closing, facts, performance, restating
from services.actors import SYSTEM, Role
from services.errors import InvalidInput, NotAllowed
from services.performance import DEFINITIONS, Dimension, Figure, Measure, PerformanceFilter, Sums, fairness
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
from tests.performance_oracle import Case, Facts, money
from tests.performance_oracle import performance as counted
from tests.portfolio_rows import make_day, make_snapshot

D = Decimal
OCT, NOV = date(2025, 10, 31), date(2025, 11, 20)
START = date(2025, 11, 1)


def give(session, case_id, owner_id, on):
    """Allocate at noon in India."""
    at = datetime.combine(on, time(6, 30), UTC)
    session.add(Allocation(case_id=case_id, owner_id=owner_id, allocated_at=at, reason="test"))
    session.flush()


def days(session, as_of=NOV):
    """What was summed, by owner and bucket."""
    rows = session.execute(select(PerformanceDay).where(PerformanceDay.as_of == as_of)).scalars()
    found: dict[tuple[int, int], Sums] = {}
    for row in rows:
        sums = Sums(*(getattr(row, name) for name in fairness_names()))
        found[row.owner_id, row.bucket] = found.get((row.owner_id, row.bucket), Sums()) + sums
    session.expunge_all()
    return found


def fairness_names():
    return Sums.__dataclass_fields__


# --- the sums are those of a slow count ------------------------------------------------------------------------------

a_day = st.integers(0, 80).map(lambda back: NOV - timedelta(days=back))
in_month = st.integers(0, 19).map(lambda back: NOV - timedelta(days=back))


@st.composite
def case_lists(draw):
    """Up to two cases, one after the other, each given away up to three times."""
    made, first = [], draw(a_day)
    for _ in range(draw(st.integers(1, 2))):
        closed = draw(st.none() | st.integers(0, 40).map(lambda days, first=first: first + timedelta(days)))
        given_on = sorted(draw(st.lists(a_day, max_size=3)))
        case = Case(first, closed, [(max(day, first), draw(st.sampled_from([None, 1, 2]))) for day in given_on])
        made.append(case)
        if closed is None or closed >= NOV:
            break
        first = closed + timedelta(draw(st.integers(0, 5)))
        if first > NOV:
            break
    return made


@st.composite
def borrowers(draw):
    payments = draw(st.lists(st.tuples(a_day, st.integers(1, 900)), max_size=4))
    amounts = st.integers(1, 900)
    reversals = [
        (of, max(payments[of][0], draw(in_month)), draw(amounts))
        for of in draw(st.lists(st.integers(0, 3), max_size=2))
        if of < len(payments)
    ]
    contact = st.tuples(
        a_day,
        st.sampled_from(["call", "visit", "letter", "email"]),
        st.sampled_from([("no_answer", False, False), ("wrong_number", True, False), ("promise_to_pay", True, True)]),
        st.booleans(),
    )
    contacts = [
        (day, channel, connected, right, right and gave)
        for day, channel, (_, connected, right), gave in draw(st.lists(contact, max_size=4))
    ]
    statuses = st.sampled_from(["kept", "partly_kept", "broken", "cancelled"])
    promise = st.tuples(a_day, st.integers(0, 9), amounts, statuses, amounts)
    promises = [
        (day, day + timedelta(wait), amount, status, paid)
        for day, wait, amount, status, paid in draw(st.lists(promise, max_size=3))
    ]
    opening = draw(st.sampled_from([(0, 0, 0), (1, 12, 300), (3, 75, 900)]))
    now = draw(st.sampled_from([(0, 0, 0, 250), (1, 12, 300, 250), (2, 45, 700, 0)]))
    return Facts(draw(case_lists()), payments, reversals, contacts, promises, opening, now)


OUTCOMES = {(False, False): "no_answer", (True, False): "wrong_number", (True, True): "promise_to_pay"}


def write(session, borrower: Facts, segment_id: int, owners: dict[int | None, int | None]) -> None:
    borrower_id = make_borrower(session)
    loan_id = make_loan(session, borrower_id, segment_id=segment_id)
    for case in borrower.cases:
        case.id = make_case(
            session, borrower_id, opened_on=case.opened_on, closed_on=case.closed_on, segment_id=segment_id
        )
        for on, owner in case.given:
            give(session, case.id, owners[owner], on)
    references = [make_payment(session, loan_id, on, amount) for on, amount in borrower.payments]
    for of, on, amount in borrower.reversals:
        make_reversal(session, loan_id, on, amount, references[of])
    recorder = owners[1]
    for on, channel, connected, right_party, promised in borrower.contacts:
        at = datetime.combine(on, time(6, 30), UTC)
        outcome = OUTCOMES[connected, right_party]
        contact = make_contact(
            session, borrower_id, outcome=outcome, at=at, channel=channel, recorded_by=recorder, loan_id=loan_id
        )
        if promised:  # taken back at once, so that it is not among those that fall due
            cancelled = {"status": "cancelled", "cancelled_at": at, "contact_attempt_id": contact}
            make_promise(session, loan_id, amount=1, promised_on=on, due_on=on, **cancelled)
    for made_on, due_on, amount, status, paid in borrower.promises:
        over = {"cancelled_at": datetime.now(UTC)} if status == "cancelled" else {}
        make_promise(
            session,
            loan_id,
            amount=amount,
            promised_on=made_on,
            due_on=due_on,
            status=status,
            paid_amount=D(paid),
            **over,
        )
    for as_of, (bucket, dpd, overdue, *demand) in ((OCT, borrower.opening), (NOV, borrower.now)):
        make_snapshot(
            session,
            as_of,
            loan_id,
            segment_id=segment_id,
            bucket=bucket,
            dpd=dpd,
            overdue_amount=D(overdue),
            demand_mtd=D(demand[0] if demand else 0),
        )


@pytest.fixture
def pair(session):
    """Two agents by the numbers that generated facts give them, and days that are closed."""
    segment_id = make_segment(session)
    for day in (OCT, NOV):
        session.execute(text("SELECT ensure_snapshot_partition(:day)"), {"day": day})
        make_day(session, day, segment_id=segment_id)
    agents = {n: make_actor(session, f"agent{n}", f"Agent {n}", Role.AGENT).id for n in (1, 2)}
    return segment_id, {**agents, None: None}


def assert_cases_make_the_sums(session):
    """The cases that are kept behind the figures of the day add up to its sums."""
    apart = session.execute(
        text("""
            WITH cases AS (
                SELECT owner_id, bucket, segment_id, count(part) AS cases,
                       count(*) FILTER (WHERE attempts > 0) AS worked,
                       count(*) FILTER (WHERE connects > 0) AS contacted,
                       sum(right_party) AS right_party, sum(promises) AS promises, sum(promised) AS promised,
                       sum(fallen_due) AS fallen_due, sum(kept) AS kept, sum(partly_kept) AS partly_kept,
                       sum(broken) AS broken, sum(kept_amount) AS kept_amount, sum(collected) AS collected,
                       sum(cured) AS cured
                FROM performance_case WHERE as_of = :as_of GROUP BY owner_id, bucket, segment_id
            ), sums AS (
                SELECT owner_id, bucket, segment_id, cases, worked, contacted, right_party, promises, promised,
                       fallen_due, kept, partly_kept, broken, kept_amount, collected, cured
                FROM performance_day WHERE as_of = :as_of
            )
            (TABLE cases EXCEPT TABLE sums) UNION ALL (TABLE sums EXCEPT TABLE cases)
        """),
        {"as_of": NOV},
    ).all()
    assert apart == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(borrowers(), min_size=1, max_size=3))
def test_sums_are_those_of_a_slow_count_of_the_facts(session, pair, made):
    segment_id, owners = pair
    with session.begin_nested() as savepoint:
        for borrower in made:
            write(session, borrower, segment_id, owners)
        performance.summarise(session, NOV)
        seen = days(session)
        assert_cases_make_the_sums(session)
        savepoint.rollback()
    for borrower in made:  # promises that contacts gave are facts too
        given_then = [(on, on, 1, "cancelled", 0) for on, *_, promised in borrower.contacts if promised]
        borrower.promises = borrower.promises + given_then
    expected = counted(made, NOV, grace=1)
    by_number = {owner or 0: number or 0 for number, owner in owners.items()}
    assert {(by_number[owner], bucket) for owner, bucket in seen} == {
        key for key, figures in expected.items() if any(figures.values())
    } | {key for key in expected if key in {(by_number[o], b) for o, b in seen}}
    for (owner, bucket), sums in seen.items():
        cell = expected[by_number[owner], bucket]
        for name in fairness_names():
            got = getattr(sums, name)
            assert abs(D(got) - money(cell[name])) <= D("0.02"), (name, got, cell[name])
        assert sums.attempts == cell["attempts"]


# --- who gets the credit ---------------------------------------------------------------------------------------------


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


# --- fair comparison -------------------------------------------------------------------------------------------------


def book(**buckets):
    return {int(name[1:]): sums for name, sums in buckets.items()}


EASY = Sums(cases=100, case_share=D(100), to_collect=D(100_000), collected=D(60_000), cured=60, paying=60)
HARD = Sums(cases=100, case_share=D(100), to_collect=D(100_000), collected=D(10_000), cured=10, paying=10)


@pytest.mark.parametrize("measure", Measure)
@settings(max_examples=40)
@given(
    parts=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 200), st.integers(0, 100), st.integers(1, 10**7)), min_size=1
    )
)
def test_the_index_of_the_whole_book_is_one_and_actual_sums_to_expected(measure, parts):
    agents = [
        {
            bucket: Sums(
                cases=cases,
                case_share=D(cases),
                to_collect=D(amount),
                collected=D(amount * part) / 100,
                collected_squares=D(amount) ** 2,
                paying=cases,
                cured=cases * part // 100 + 1,
                fallen_due=cases,
                kept=cases * part // 100 + 1,
            )
        }
        for bucket, cases, part, amount in parts
    ]
    whole = {
        bucket: fairness.total(agent[bucket] for agent in agents if bucket in agent)
        for bucket in {key for agent in agents for key in agent}
    }
    rates = fairness.standard(whole, measure)
    own = fairness.index(whole, rates)
    if own is None:
        assert fairness.total(whole.values()).collected == 0
        return
    assert isclose(own.value, 1)
    each = [one for agent in agents if (one := fairness.index(agent, rates)) is not None]
    assert isclose(sum(one.expected for one in each), own.actual, rel_tol=1e-9)
    assert all(one.low <= one.value + 1e-9 and one.value <= one.high + 1e-9 for one in each)


def test_an_agent_with_hard_cases_is_not_ranked_below_for_it():
    rates = fairness.standard(book(b1=EASY, b4=HARD), Measure.CURED)
    hard = fairness.index(book(b4=Sums(cases=40, case_share=D(40), cured=6)), rates)
    easy = fairness.index(book(b1=Sums(cases=40, case_share=D(40), cured=20)), rates)
    assert hard is not None
    assert easy is not None
    assert (hard.value, round(easy.value, 2)) == (1.5, 0.83)


def test_limits_are_those_of_the_published_methods():
    low, high = fairness.wilson(81, 263)  # Newcombe, Statistics in Medicine 17 (1998), table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = fairness.byar(10)  # exact Poisson limits: 4.795 to 18.390
    assert (round(low, 2), round(high, 2)) == (4.79, 18.39)
    low, high = fairness.dobson(1_000, 100_000, 10)  # ten amounts of a hundred: the count's limits times a hundred
    assert (round(low / 100, 2), round(high / 100, 2)) == (4.79, 18.39)


def test_few_cases_are_never_told_from_the_book():
    rates = fairness.standard(book(b1=EASY), Measure.CURED)
    few = fairness.index(book(b1=Sums(cases=20, case_share=D(20), cured=0)), rates)
    many = fairness.index(book(b1=Sums(cases=60, case_share=D(60), cured=0)), rates)
    assert few is not None
    assert many is not None
    assert (few.is_few, few.is_distinct, many.is_distinct) == (True, False, True)


def test_who_collected_nothing_from_many_has_an_interval_all_the_same():
    paid = Sums(cases=100, case_share=D(100), to_collect=D(10_000), collected=D(5_000), paying=50)
    paid = paid + Sums(collected_squares=D(500_000))
    none = fairness.index(
        book(b1=Sums(cases=40, case_share=D(40), to_collect=D(4_000))),
        fairness.standard(book(b1=paid), Measure.COLLECTED),
    )
    assert none is not None
    assert none.value == 0 < none.high < 1


# --- what pages read -------------------------------------------------------------------------------------------------


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
