from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from db.models.audit import AuditEvent
from db.models.work import CollectionCase, Promise
from services import promises
from services.actors import Actor
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from tests import builders

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def loan(session, ana):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return loan_id


def settled(session, loan_id, as_of):
    promises.settle_for(session, as_of, [loan_id])
    rows = session.execute(
        select(Promise.status, Promise.paid_amount, Promise.resolved_on)
        .where(Promise.loan_id == loan_id)
        .order_by(Promise.due_on, Promise.id)
    )
    return [(row.status, int(row.paid_amount), row.resolved_on) for row in rows]


def test_promise_is_recorded_with_one_event_and_shows_on_the_case(session, ana, loan):
    promise = promises.record(ana, loan, amount=Decimal(5000), due_on=TODAY + timedelta(days=3))
    assert promise.status == "pending"
    events = session.execute(select(AuditEvent.action, AuditEvent.summary)).all()
    assert [event.action for event in events] == ["promise.recorded"]
    assert "5,000.00 for 19 Jun 2025" in events[0].summary
    case = session.execute(select(CollectionCase.promise_due_on, CollectionCase.next_action)).one()
    assert case == (date(2025, 6, 19), "await_promise")


def test_second_submit_returns_the_first_promise_and_records_nothing(session, ana, loan):
    first = promises.record(ana, loan, amount=Decimal(5000), due_on=TODAY, request_key="form-1")
    second = promises.record(ana, loan, amount=Decimal(5000), due_on=TODAY, request_key="form-1")
    assert first.id == second.id
    assert session.execute(select(func.count()).select_from(Promise)).scalar_one() == 1
    assert session.execute(select(func.count()).select_from(AuditEvent)).scalar_one() == 1


@pytest.mark.parametrize(
    ("amount", "days", "field"),
    [("0", 1, "amount"), ("-5", 1, "amount"), ("10.005", 1, "amount"), ("10", -1, "due_on"), ("10", 31, "due_on")],
)
def test_field_that_cannot_be_taken_is_named(session, ana, loan, amount, days, field):
    with pytest.raises(InvalidInput) as refusal:
        promises.record(ana, loan, amount=Decimal(amount), due_on=TODAY + timedelta(days=days))
    assert set(refusal.value.fields) == {field}


def test_promise_for_the_last_day_of_the_limit_is_taken(ana, loan):
    assert promises.record(ana, loan, amount=Decimal(10), due_on=TODAY + timedelta(days=30)).status == "pending"


def test_promise_above_what_is_owed_is_refused(session, ana, loan):
    with pytest.raises(Refused, match=r"more than the 80,000\.00 owed"):
        promises.record(ana, loan, amount=Decimal("80000.01"), due_on=TODAY)
    promises.record(ana, loan, amount=Decimal(80_000), due_on=TODAY)
    with pytest.raises(Refused, match="promised already"):
        promises.record(ana, loan, amount=Decimal(1), due_on=TODAY)


def test_promise_on_closed_loan_is_refused(session, ana):
    borrower_id, loan_id = builders.make_overdue(session, dpd=0, status="closed")
    builders.make_case(session, borrower_id, owner_id=ana.id)
    with pytest.raises(Refused, match="closed"):
        promises.record(ana, loan_id, amount=Decimal(10), due_on=TODAY)


def test_agent_cannot_promise_for_a_borrower_of_another(session, ana, marek, loan):
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": marek.id})
    with pytest.raises(NotFound):
        promises.record(ana, loan, amount=Decimal(10), due_on=TODAY)


def test_role_without_permission_is_refused(ada, loan):
    with pytest.raises(NotAllowed):
        promises.record(ada, loan, amount=Decimal(10), due_on=TODAY)


def test_case_open_elsewhere_refuses_and_tells_by_whom(session, ana, marek: Actor, loan):
    session.execute(
        text("UPDATE collection_case SET held_by = :id, held_until = :until"),
        {"id": marek.id, "until": datetime(2025, 6, 16, 5, 40, tzinfo=UTC)},
    )
    with pytest.raises(Conflict, match=r"Marek Nowak has this case open until 11:10"):
        promises.record(ana, loan, amount=Decimal(10), due_on=TODAY)


D = date.fromisoformat


@pytest.mark.parametrize(
    ("payments", "as_of", "expected"),
    [
        ([], "2025-06-10", ("pending", 0, None)),
        ([], "2025-06-11", ("pending", 0, None)),  # the day of grace
        ([], "2025-06-12", ("broken", 0, D("2025-06-12"))),
        ([("2025-06-09", 5000)], "2025-06-09", ("kept", 5000, D("2025-06-09"))),
        ([("2025-06-11", 5000)], "2025-06-12", ("kept", 5000, D("2025-06-11"))),
        ([("2025-06-12", 5000)], "2025-06-12", ("broken", 0, D("2025-06-12"))),
        ([("2025-05-31", 5000)], "2025-06-12", ("broken", 0, D("2025-06-12"))),  # before the promise
        ([("2025-06-05", 2000)], "2025-06-10", ("pending", 2000, None)),
        ([("2025-06-05", 2000)], "2025-06-12", ("partly_kept", 2000, D("2025-06-12"))),
        ([("2025-06-05", 2000), ("2025-06-08", 9000)], "2025-06-30", ("kept", 5000, D("2025-06-08"))),
        ([("2025-06-08", 5000)], "2025-06-07", ("pending", 0, None)),  # not known yet
    ],
)
def test_status_follows_payments(session, loan, payments, as_of, expected):
    builders.make_promise(session, loan, amount=5000, promised_on=D("2025-06-01"), due_on=D("2025-06-10"))
    for day, amount in payments:
        builders.make_payment(session, loan, D(day), amount)
    assert settled(session, loan, D(as_of)) == [expected]


def test_one_payment_does_not_keep_two_promises(session, loan):
    builders.make_promise(session, loan, amount=5000, promised_on=D("2025-06-01"), due_on=D("2025-06-10"))
    builders.make_promise(session, loan, amount=4000, promised_on=D("2025-06-01"), due_on=D("2025-06-12"))
    builders.make_payment(session, loan, D("2025-06-09"), 6000)
    assert settled(session, loan, D("2025-06-20")) == [
        ("kept", 5000, D("2025-06-09")),
        ("partly_kept", 1000, D("2025-06-14")),
    ]
    builders.make_payment(session, loan, D("2025-06-12"), 3000)
    assert settled(session, loan, D("2025-06-20"))[1] == ("kept", 4000, D("2025-06-12"))


def test_reversed_payment_breaks_the_promise_it_kept(session, loan):
    builders.make_promise(session, loan, amount=5000, promised_on=D("2025-06-01"), due_on=D("2025-06-10"))
    reference = builders.make_payment(session, loan, D("2025-06-09"), 5000)
    assert settled(session, loan, D("2025-06-15"))[0][0] == "kept"
    builders.make_reversal(session, loan, D("2025-06-16"), 5000, reference)
    assert settled(session, loan, D("2025-06-15"))[0][0] == "kept"  # as it was known then
    assert settled(session, loan, D("2025-06-16")) == [("broken", 0, D("2025-06-12"))]


def test_part_reversal_takes_part(session, loan):
    builders.make_promise(session, loan, amount=5000, promised_on=D("2025-06-01"), due_on=D("2025-06-10"))
    reference = builders.make_payment(session, loan, D("2025-06-09"), 5000)
    builders.make_reversal(session, loan, D("2025-06-10"), 1500, reference)
    assert settled(session, loan, D("2025-06-16")) == [("partly_kept", 3500, D("2025-06-12"))]


def test_cancelled_promise_stays_and_leaves_its_payment_to_others(session, ana, loan):
    promise_id = builders.make_promise(session, loan, amount=5000, promised_on=TODAY, due_on=TODAY + timedelta(days=2))
    builders.make_promise(session, loan, amount=3000, promised_on=TODAY, due_on=TODAY + timedelta(days=3))
    builders.make_payment(session, loan, TODAY, 3000)
    promises.cancel(ana, promise_id, reason="Agreed another day")
    assert [status for status, _, _ in settled(session, loan, TODAY)] == ["cancelled", "kept"]
    with pytest.raises(Refused):
        promises.cancel(ana, promise_id, reason="again")


def test_settling_a_range_equals_settling_each_loan(session, loan):
    loans = [loan]
    for amount in (0, 2000, 5000):
        _, other = builders.make_overdue(session)
        builders.make_promise(session, other, amount=5000, promised_on=D("2025-06-01"), due_on=D("2025-06-10"))
        if amount:
            builders.make_payment(session, other, D("2025-06-05"), amount)
        loans.append(other)
    assert promises.settle(session, D("2025-06-14"), min(loans), max(loans)) == 3
    statuses = session.execute(select(Promise.status).order_by(Promise.loan_id)).scalars().all()
    assert statuses == ["broken", "partly_kept", "kept"]
    assert promises.settle_for(session, D("2025-06-14"), loans) == 0
    assert promises.settle(session, D("2025-06-14"), min(loans), max(loans)) == 0


def test_two_submits_at_once_make_one_promise(database):
    """The unique key decides between two browsers' requests; both get the same promise."""
    from concurrent.futures import ThreadPoolExecutor

    from db.engine import transaction
    from services.actors import SYSTEM

    with transaction() as own:
        borrower_id, loan_id = builders.make_overdue(own, dpd=45)
        builders.make_case(own, borrower_id)

    def submit(_):
        return promises.record(SYSTEM, loan_id, amount=Decimal(10), due_on=_today(), request_key="same").id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(submit, range(4)))) == 1
    with transaction() as own:
        assert own.execute(select(func.count()).select_from(Promise)).scalar_one() == 1
        assert own.execute(select(func.count()).select_from(AuditEvent)).scalar_one() == 1


def _today():
    from services import lender

    return lender.current().today
