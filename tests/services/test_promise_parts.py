"""Promises of several dates: each settled for itself, the whole put together, whatever the order of the facts."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.owes import Party
from db.models.work import CollectionCase, Promise
from db.queries import queue as queue_queries
from services import cases, promises
from services.errors import InvalidInput, Refused
from tests import builders

TODAY = date(2025, 6, 16)
GRACE = 1


def day(n):
    return TODAY + timedelta(days=n)


@pytest.fixture
def loan(session, ana, frozen_clock):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return loan_id


def of_three(actor, loan, **over):
    return promises.record(
        actor,
        loan,
        amount=Decimal(3000),
        due_on=day(7),
        further=[promises.Part(Decimal(1000), day(2)), promises.Part(Decimal(2000), day(14))],
        **over,
    )


def whole_of(actor, first, as_of=None, session=None):
    if as_of is not None:
        promises.settle_for(session, as_of, [first.loan_id])
        session.expire_all()
    return next(
        whole for whole in promises.wholes(promises.of_borrower(actor, first.borrower_id)) if whole.id == first.id
    )


def test_several_dates_are_one_act_one_event_and_one_promise_of_the_day(session, ana, loan):
    first = of_three(ana, loan, request_key="form-1")
    assert of_three(ana, loan, request_key="form-1").id == first.id
    rows = session.execute(select(Promise.due_on, Promise.amount, Promise.part).order_by(Promise.part)).all()
    assert rows == [(day(2), 1000, 1), (day(7), 3000, 2), (day(14), 2000, 3)]
    [event] = session.execute(select(AuditEvent)).scalars()
    assert event.summary.startswith("recorded a promise of 6,000.00 for 18 Jun 2025 and on 2 later dates")
    assert event.after["dates"] == {"2025-06-18": "1000.00", "2025-06-23": "3000.00", "2025-06-30": "2000.00"}
    strip = queue_queries.work_of_day(session, [ana.id], since=TODAY, today=TODAY)
    assert (strip.promises, strip.promised) == (1, 6000)
    case = session.execute(select(CollectionCase.promise_due_on)).scalar_one()
    assert case == day(2)


def test_a_missed_date_brings_the_case_back_while_the_promise_goes_on(session, ana, loan):
    first = of_three(ana, loan)
    whole = whole_of(ana, first, day(4), session)
    assert ([part.status for part in whole.parts], whole.status, whole.is_behind) == (
        ["broken", "pending", "pending"],
        "pending",
        True,
    )
    cases.refresh_for(session, day(4), [first.borrower_id])
    case = session.execute(
        select(CollectionCase.has_broken_promise, CollectionCase.next_action, CollectionCase.priority_reasons)
    ).one()
    assert (case.has_broken_promise, case.next_action) == (True, "call")
    assert not [reason for reason in case.priority_reasons if reason.startswith("promise_later")]
    builders.make_payment(session, loan, day(5), 5000)  # late for the first, early for the last
    whole = whole_of(ana, first, day(20), session)
    assert [(part.status, part.paid_amount) for part in whole.parts] == [("broken", 0), ("kept", 3000), ("kept", 2000)]
    assert (whole.status, whole.paid_amount, whole.kept, whole.is_behind) == ("partly_kept", 5000, 2, False)


def test_one_date_is_taken_back_and_the_others_stand(session, ana, loan):
    first = of_three(ana, loan)
    last = session.execute(select(Promise.id).where(Promise.part == 3)).scalar_one()
    promises.cancel(ana, last, reason="Salary comes later")
    builders.make_payment(session, loan, day(1), 4000)
    whole = whole_of(ana, first, day(1), session)
    assert (whole.status, whole.amount, whole.last_on, whole.taken_back) == ("kept", 4000, day(7), 1)
    with pytest.raises(Refused):
        promises.cancel(ana, last, reason="again")


@pytest.mark.parametrize(
    ("further", "field"),
    [
        ([(0, 5)], "amount"),
        ([(100, 7)], "due_on"),  # the same date twice
        ([(100, -1)], "due_on"),
        ([(100, 31)], "due_on"),
        ([(100, n) for n in range(1, 7)], "due_on"),
    ],
)
def test_dates_and_amounts_that_cannot_be_are_refused(session, ana, loan, further, field):
    parts = [promises.Part(Decimal(amount), day(n)) for amount, n in further]
    with pytest.raises(InvalidInput) as refusal:
        promises.record(ana, loan, amount=Decimal(3000), due_on=day(7), further=parts)
    assert field in refusal.value.fields
    assert session.execute(select(Promise.id)).all() == []


def test_all_dates_together_are_not_more_than_is_owed(ana, loan):
    with pytest.raises(Refused, match=r"promise of 90,000\.00 is more"):
        promises.record(
            ana, loan, amount=Decimal(50_000), due_on=day(1), further=[promises.Part(Decimal(40_000), day(2))]
        )


def test_a_promise_names_who_gave_it_and_third_parties_give_none(session, ana, loan):
    borrower_id = session.execute(select(CollectionCase.borrower_id)).scalar_one()
    party = Party(borrower_id=borrower_id, role="guarantor", name="Ravi Iyer")
    session.add(party)
    session.flush()
    promise = promises.record(ana, loan, amount=Decimal(10), due_on=TODAY, person="guarantor", party_id=party.id)
    assert (promise.person, promise.party_name) == ("guarantor", "Ravi Iyer")
    for person, party_id in (("co_borrower", party.id), ("third_party", None), ("guarantor", party.id + 99)):
        with pytest.raises(InvalidInput):
            promises.record(ana, loan, amount=Decimal(10), due_on=TODAY, person=person, party_id=party_id)


def test_two_who_promise_at_once_do_not_promise_more_than_is_owed(database):
    """80,000 is owed: of two promises of 50,000 in two parts, the one that comes second is refused."""
    from concurrent.futures import ThreadPoolExecutor

    from db.engine import transaction
    from services import lender
    from services.actors import SYSTEM

    with transaction() as own:
        borrower_id, loan_id = builders.make_overdue(own, dpd=45)
        builders.make_case(own, borrower_id)
    today = lender.current().today

    def promise(_):
        later = [promises.Part(Decimal(20_000), today + timedelta(days=5))]
        try:
            return promises.record(SYSTEM, loan_id, amount=Decimal(30_000), due_on=today, further=later).part
        except Refused:
            return None

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(promise, range(2)), key=str) == [1, None]
    with transaction() as own:
        assert own.execute(select(Promise.amount).order_by(Promise.part)).scalars().all() == [30_000, 20_000]


# --- any order of facts gives what a replay gives -----------------------------------------------------------------


def replay(parts, payments, reversals, as_of):
    """(status, paid) of each date, money taken in order of the dates, from what is known on `as_of`."""
    left = []
    for reference, (on, amount) in enumerate(payments):
        back = sum(gone for of, known_on, gone in reversals if of == reference and known_on <= as_of)
        if on <= as_of:
            left.append([on, max(amount - back, 0)])
    left.sort(key=lambda entry: entry[0])
    states = []
    for due, amount in parts:
        paid = 0
        for entry in left:
            if 0 <= entry[0] <= due + GRACE:
                used = min(entry[1], amount - paid)
                entry[1] -= used
                paid += used
        over = due + GRACE < as_of
        states.append(
            ("kept" if paid >= amount else "pending" if not over else "partly_kept" if paid else "broken", paid)
        )
    return states


MONEY = st.integers(1, 8).map(lambda n: n * 500)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(st.integers(0, 20), MONEY), min_size=2, max_size=4, unique_by=lambda part: part[0]),
    payments=st.lists(st.tuples(st.integers(-2, 24), MONEY), max_size=5),
    taken_back=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 26), MONEY), max_size=3),
    order=st.randoms(use_true_random=False),
    as_of=st.integers(0, 26),
)
def test_any_order_of_payments_and_reversals_gives_what_a_replay_gives(
    session, parts, payments, taken_back, order, as_of
):
    with session.begin_nested() as undone:
        parts = sorted(parts)
        _, loan = builders.make_overdue(session)
        first = None
        for place, (due, amount) in enumerate(parts, start=1):
            part = builders.make_promise(
                session, loan, amount=amount, promised_on=TODAY, due_on=day(due), part=place, whole_id=first
            )
            first = first or part
        reversals = [(of, on, amount) for of, on, amount in taken_back if of < len(payments)]
        facts = [("payment", reference, on, amount) for reference, (on, amount) in enumerate(payments)]
        facts += [("reversal", of, on, amount) for of, on, amount in reversals]
        order.shuffle(facts)
        for kind, reference, on, amount in facts:
            if kind == "payment":
                builders.make_payment(session, loan, day(on), amount, reference=f"P{reference}")
            else:
                builders.make_reversal(session, loan, day(on), amount, f"P{reference}")
            promises.settle_for(session, day(as_of), [loan])
        promises.settle_for(session, day(as_of), [loan])
        rows = session.execute(
            text("SELECT status, paid_amount FROM promise WHERE loan_id = :id ORDER BY part"), {"id": loan}
        ).all()
        expected = replay(parts, payments, reversals, as_of)
        assert rows == expected
        whole = promises.wholes(promises.load_of_borrower(session, first_borrower(session, loan)))[0]
        assert whole.paid_amount == sum(paid for _, paid in expected)
        assert whole.status == together([status for status, _ in expected])
        undone.rollback()


def first_borrower(session, loan):
    return session.execute(text("SELECT borrower_id FROM loan WHERE id = :id"), {"id": loan}).scalar_one()


def together(statuses):
    counted = defaultdict(int)
    for status in statuses:
        counted[status] += 1
    if counted["pending"]:
        return "pending"
    for all_of in ("kept", "broken"):
        if counted[all_of] == len(statuses):
            return all_of
    return "partly_kept"
