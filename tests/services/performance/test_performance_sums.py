"""Performance: its sums equal a slow count of the facts."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services import performance
from services.actors import Role
from tests.builders import (
    make_borrower,
    make_case,
    make_contact,
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
from tests.services.performance.credit import NOV, OCT, D, days, fairness_names, give

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
