"""Performance: fair comparison of agents."""

from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.performance import Measure, Sums, fairness
from tests.services.performance.credit import D


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
