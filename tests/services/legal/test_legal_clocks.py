"""The clocks of legal actions: days and months counted, states from the facts in any order."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services import legal, restating
from services.errors import InvalidInput, Refused
from services.legal.clock import Happened, Money, Opened, months_after, replay
from services.legal.values import Lengths
from tests import builders
from tests.services.legal.steps import MEMO, TODAY, approve, at, opened, row, served

pytestmark = pytest.mark.usefixtures("frozen_clock")

BOUNCE = Lengths(30, 15, 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(1995, 10, 15), 1, date(1995, 11, 15)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
    ],
)
def test_a_month_is_a_calendar_month(start, months, end):
    assert months_after(start, months) == end


def test_the_clocks_of_a_bounce_exclude_the_day_from_which_they_run():
    state = replay(
        Opened("s138", date(1995, 9, 1), Decimal(100), date(1995, 8, 31)),
        [Happened(1, "notice_issued", date(1995, 9, 20)), Happened(2, "served", date(1995, 9, 29), 1)],
        [],
        BOUNCE,
    )
    assert (state.notice_by, state.pay_by) == (date(1995, 9, 30), date(1995, 10, 14))
    assert (state.file_from, state.file_by) == (date(1995, 10, 15), date(1995, 11, 15))


EVENTS = (
    Happened(1, "notice_issued", MEMO + timedelta(days=3)),
    Happened(2, "returned", MEMO + timedelta(days=8), 1, "wrong_address"),
    Happened(3, "notice_issued", MEMO + timedelta(days=9)),
    Happened(4, "served", MEMO + timedelta(days=12), 3),
    Happened(5, "expense", MEMO + timedelta(days=13), None, "postage", Decimal(60), True),
    Happened(6, "voided", MEMO + timedelta(days=14), 4),
    Happened(7, "returned", MEMO + timedelta(days=15), 3, "unclaimed"),
    Happened(8, "filed", MEMO + timedelta(days=40)),
)


@given(
    order=st.permutations(EVENTS),
    paid=st.lists(st.tuples(st.integers(-5, 60), st.integers(1, 5_000)), max_size=4),
    shuffled=st.randoms(use_true_random=False),
    size=st.integers(0, len(EVENTS)),
)
@hypothesis_settings(max_examples=50, deadline=None)
def test_where_an_action_stands_does_not_depend_on_the_order_in_which_facts_come(order, paid, shuffled, size):
    start = Opened("s138", MEMO, Decimal(5_000), MEMO)
    money = [Money(MEMO + timedelta(days=day), Decimal(amount)) for day, amount in paid]
    mixed = money.copy()
    shuffled.shuffle(mixed)
    some = [event for event in order if event.id <= size]
    state = replay(start, some, mixed, BOUNCE)
    assert state == replay(start, EVENTS[:size], money, BOUNCE)
    last = state.pay_by or date.max
    in_time = sum(each.amount for each in money if MEMO <= each.paid_on <= last)
    assert (state.paid_on is not None) == (in_time >= 5_000)
    assert state.paid_amount == min(in_time, Decimal(5_000))
    if state.status == "paid":
        assert state.next_step == "close"


def test_day_30_is_in_time_for_the_notice_and_day_31_is_not(session, frozen_clock, marek, loan):
    action_id = opened(marek, loan)
    at(frozen_clock, MEMO + timedelta(days=31))
    with pytest.raises(Refused, match=r"by 10 Jul 2025.*S\.138 proviso"):
        legal.issue(marek, action_id, how="registered_post")
    assert "notice_issued" not in legal.detail(marek, action_id).acts
    with pytest.raises(Refused, match="Too late"):
        opened(marek, loan)
    with pytest.raises(Refused, match="Too late"):
        legal.record_sent(marek, action_id, on=MEMO + timedelta(days=31), how="courier")
    at(frozen_clock, MEMO + timedelta(days=30))
    legal.issue(marek, action_id, how="registered_post")
    assert row(session, action_id).notice_on == MEMO + timedelta(days=30)


def test_a_complaint_waits_for_fifteen_days_and_one_month_at_most(session, frozen_clock, marek, leela, loan):
    action_id = served(marek, loan, TODAY)
    legal.ask_to_file(marek, action_id, reason="No payment")
    with pytest.raises(Refused):
        approve(session, marek, action_id)
    approve(session, leela, action_id)

    def file(on):
        legal.file(marek, action_id, on=on, forum="JMFC Pune", case_number="CC/1/2025")

    at(frozen_clock, date(2025, 7, 1))
    with pytest.raises(Refused, match=r"Too early: S\.142.*from 2 Jul 2025"):
        file(date(2025, 7, 1))
    at(frozen_clock, date(2025, 8, 3))
    with pytest.raises(Refused, match="until 2 Aug 2025"):
        file(date(2025, 8, 3))
    with pytest.raises(Refused, match="Too early"):
        file(date(2025, 7, 1))
    with pytest.raises(InvalidInput, match="once it has happened"):
        file(date(2025, 8, 4))
    file(date(2025, 8, 2))
    assert row(session, action_id).status == "filed"


def test_the_first_day_after_the_fifteen_is_allowed(session, frozen_clock, marek, leela, loan):
    action_id = served(marek, loan, TODAY)
    at(frozen_clock, date(2025, 7, 2))
    with pytest.raises(Refused, match="approval of another person"):
        legal.file(marek, action_id, on=date(2025, 7, 2), forum="JMFC", case_number="1")
    legal.ask_to_file(marek, action_id, reason="No payment")
    approve(session, leela, action_id)
    legal.file(marek, action_id, on=date(2025, 7, 2), forum="JMFC", case_number="1")
    assert row(session, action_id).filed_on == date(2025, 7, 2)


def test_a_yes_that_comes_too_late_is_refused(session, frozen_clock, marek, leela, loan):
    action_id = served(marek, loan, TODAY)
    legal.ask_to_file(marek, action_id, reason="No payment")
    at(frozen_clock, date(2025, 8, 3))
    with pytest.raises(Refused, match="Too late"):
        approve(session, leela, action_id)


def test_payment_in_full_within_the_days_ends_the_cause_and_its_reversal_brings_it_back(
    session, frozen_clock, marek, leela, loan
):
    action_id = served(marek, loan, TODAY)
    at(frozen_clock, date(2025, 7, 1))
    builders.make_payment(session, loan[1], TODAY, 2_000)
    last = builders.make_payment(session, loan[1], date(2025, 7, 1), 3_000)
    restating.facts_changed(session, [loan[1]], from_date=TODAY, cause="payment")
    assert (row(session, action_id).status, row(session, action_id).paid_on) == ("paid", date(2025, 7, 1))
    with pytest.raises(Refused, match="paid on 1 Jul 2025"):
        legal.ask_to_file(marek, action_id, reason="No payment")
    legal.close(marek, action_id, reason="paid", text="Paid by transfer")
    assert row(session, action_id).status == "closed"
    builders.make_reversal(session, loan[1], date(2025, 7, 1), 3_000, last)
    restating.facts_changed(session, [loan[1]], from_date=TODAY, cause="reversal")
    kept = row(session, action_id)
    assert (kept.status, kept.paid_amount, kept.next_step, kept.closed_on) == ("served", 2_000, "filing", None)


def test_payment_on_day_16_ends_nothing(session, frozen_clock, marek, loan):
    action_id = served(marek, loan, TODAY)
    at(frozen_clock, date(2025, 7, 2))
    builders.make_payment(session, loan[1], date(2025, 7, 2), 5_000)
    restating.facts_changed(session, [loan[1]], from_date=TODAY, cause="payment")
    assert row(session, action_id).status == "served"
    with pytest.raises(Refused, match="not paid in full in time"):
        legal.close(marek, action_id, reason="paid", text="Paid")


@pytest.mark.parametrize(("why", "status"), [("refused", "served"), ("unclaimed", "served"), ("left", "opened")])
def test_a_notice_that_comes_back_counts_as_received_or_is_sent_anew(session, marek, loan, why, status):
    action_id = opened(marek, loan)
    legal.issue(marek, action_id, how="registered_post")
    with pytest.raises(Refused, match="cannot have been received before"):
        legal.received(marek, action_id, on=TODAY - timedelta(days=1))
    legal.received(marek, action_id, on=TODAY, returned=why)
    assert row(session, action_id).status == status
    assert ("notice_issued" in legal.detail(marek, action_id).acts) == (status == "opened")


def test_a_mistake_is_taken_back_and_stays_visible(session, marek, loan):
    action_id = served(marek, loan, TODAY)
    events = {event.kind: event for event in legal.detail(marek, action_id).events}
    with pytest.raises(Refused, match="later event"):
        legal.void(marek, action_id, event_id=events["notice_issued"].id, reason="Wrong")
    legal.void(marek, action_id, event_id=events["served"].id, reason="Another borrower's card")
    assert row(session, action_id).status == "noticed"
    assert [event.is_void for event in legal.detail(marek, action_id).events] == [False, True, False]


def test_a_longer_clock_moves_open_actions_at_once(session, marek, loan):
    action_id = opened(marek, loan)
    legal.set_rule(
        marek, kind="s138", clock="notice", length=45, source="Advice of counsel", effective_from=date(2025, 1, 1)
    )
    assert row(session, action_id).notice_by == MEMO + timedelta(days=45)
    with pytest.raises(InvalidInput):
        legal.set_rule(marek, kind="recall", clock="notice", length=1, source=" ", effective_from=TODAY)
