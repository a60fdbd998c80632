from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import plans
from services.errors import InvalidInput
from services.plans.generating import months_later

D = date.fromisoformat
unhurried = settings(max_examples=60, deadline=None)
amounts = st.integers(100, 10_000_000_00).map(lambda paisa: Decimal(paisa) / 100)


def pattern(amount="12000", length=6, start="2025-07-01", **over):
    return plans.Pattern(Decimal(amount), length, D(start), **over)


def dates_of(**terms):
    return [row.due_on.isoformat() for row in plans.generate(pattern(**terms))]


@unhurried
@given(amounts, st.integers(1, 120), st.sampled_from(list(plans.RHYTHMS)), st.integers(0, 50), st.integers(0, 800))
def test_instalments_sum_to_the_amount_to_the_paisa(amount, length, rhythm, step, day):
    method = "stepped" if step else "equal"
    wanted = plans.Pattern(amount, length, D("2025-01-01") + timedelta(days=day), rhythm, None, method, Decimal(step))
    try:
        rows = plans.generate(wanted)
    except InvalidInput as refused:
        least = length * Decimal("0.01") + Decimal(step) * length * (length - 1) / 2
        assert set(refused.fields) <= {"step", "length"}  # noqa: PT017 - either may be
        assert amount < least + length * Decimal("0.01")  # nothing would have been left for the first one
        return
    assert sum(row.amount for row in rows) == amount
    assert all(row.amount > 0 for row in rows)
    assert [row.number for row in rows] == list(range(1, length + 1))
    assert all(later.due_on > earlier.due_on for earlier, later in pairwise(rows))
    grown = {later.amount - earlier.amount for earlier, later in pairwise(rows[:-1])}
    assert grown <= {Decimal(step)}


@unhurried
@given(st.integers(0, 1500), st.integers(1, 31), st.integers(1, 36))
def test_monthly_dates_fall_on_the_payday_or_the_last_day_of_a_shorter_month(offset, payday, length):
    start = D("2024-01-01") + timedelta(days=offset)
    rows = plans.generate(plans.Pattern(Decimal(99_999), length, start, payday=payday))
    assert start <= rows[0].due_on < start + timedelta(days=31)
    for place, row in enumerate(rows):
        assert row.due_on.day == payday or (row.due_on + timedelta(days=1)).day == 1
        assert (row.due_on.year * 12 + row.due_on.month) == rows[0].due_on.year * 12 + rows[0].due_on.month + place


@unhurried
@given(st.integers(0, 1500), st.integers(1, 7), st.sampled_from(["weekly", "fortnightly"]))
def test_weekday_paydays_are_one_or_two_weeks_apart(offset, payday, rhythm):
    start = D("2024-01-01") + timedelta(days=offset)
    rows = plans.generate(plans.Pattern(Decimal(9_999), 9, start, rhythm, payday))
    assert start <= rows[0].due_on < start + timedelta(days=7)
    assert {row.due_on.isoweekday() for row in rows} == {payday}
    gap = timedelta(days=7 if rhythm == "weekly" else 14)
    assert {later.due_on - earlier.due_on for earlier, later in pairwise(rows)} == {gap}


def test_month_ends():
    assert dates_of(start="2025-01-31", length=4) == ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]
    assert dates_of(start="2024-01-30", length=3) == ["2024-01-30", "2024-02-29", "2024-03-30"]
    assert dates_of(start="2025-02-10", length=2, payday=31) == ["2025-02-28", "2025-03-31"]
    assert dates_of(start="2025-12-15", length=2, payday=10) == ["2026-01-10", "2026-02-10"]
    assert months_later(D("2024-08-31"), 6) == D("2025-02-28")


def test_last_instalment_takes_the_rounding_and_others_are_whole():
    rows = plans.generate(pattern("10000.50", 3))
    assert [str(row.amount) for row in rows] == ["3333.00", "3333.00", "3334.50"]
    rows = plans.generate(pattern("10000", 4, method="stepped", step=Decimal(500)))
    assert [row.amount for row in rows] == [1750, 2250, 2750, 3250]


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"length": 0}, "length"),
        ({"length": 121}, "length"),
        ({"amount": "0.05"}, "length"),
        ({"payday": 32}, "payday"),
        ({"payday": 8, "rhythm": "weekly"}, "payday"),
        ({"rhythm": "daily"}, "rhythm"),
        ({"method": "stepped"}, "step"),
        ({"method": "stepped", "step": Decimal(900), "amount": "12000", "length": 6}, "step"),
    ],
)
def test_terms_that_cannot_be_are_named(over, field):
    with pytest.raises(InvalidInput) as refusal:
        plans.generate(pattern(**over))
    assert field in refusal.value.fields


def test_a_changed_row_keeps_the_sum_and_the_last_takes_the_rest():
    rows = plans.generate(pattern())
    changed = plans.edited(rows, {2: plans.Row(2, D("2025-08-05"), Decimal(500))})
    assert changed[1] == plans.Row(2, D("2025-08-05"), Decimal(500))
    assert changed[-1].amount == 3500
    assert sum(row.amount for row in changed) == 12_000
    own_last = plans.edited(rows, {6: plans.Row(6, rows[5].due_on, Decimal(100))})
    assert sum(row.amount for row in own_last) == 10_100  # who changes the last row means it
    with pytest.raises(InvalidInput):
        plans.edited(rows, {1: plans.Row(1, rows[0].due_on, Decimal(12_000))})


def test_burden_is_the_fullest_calendar_month():
    rows = plans.generate(pattern("9000", 9, "2025-07-01", rhythm="weekly", payday=2))
    assert plans.monthly_burden(rows) == 5000  # Tuesdays of July 2025: 1, 8, 15, 22, 29
