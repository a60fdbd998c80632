"""A payment that arrives while an agreement is recorded or ends: whichever comes first, both know of each other."""

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import copy_context
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from threading import Thread
from time import monotonic, sleep
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.plans import RepaymentPlan
from db.models.settlements import Settlement
from db.models.stands import LoanState
from db.models.work import Promise
from db.queries import hardship as hardship_queries
from db.queries import promises as promise_queries
from services import approvals, cases, contacts, delinquency, facts, hardship, plans, promises, settlements, visits
from services.actors import SYSTEM, Role
from services.contacts import recording
from services.settlements import offering
from services.visits import receipts, sheet_lines, sheets
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock", "database")


def owing(owner_id: int | None = None) -> tuple[int, int]:
    """A borrower whose loan has 10 instalments of 10,000, five of them overdue; the ids of both."""
    with transaction() as session:
        borrower_id = builders.make_borrower(session)
        loan_id = builders.make_loan(session, borrower_id)
        for number in range(1, 11):
            builders.make_instalment(session, loan_id, number, date(2025, 1, 10) + timedelta(days=30 * number))
        builders.make_case(session, borrower_id, owner_id=owner_id)
        delinquency.derive(session, TODAY, [loan_id])
        cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id, loan_id


class Meanwhile:
    """An act of somebody else, begun in the middle of one's own; `errors` has what it raised."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.errors: list[Exception] = []
        self._act = act
        self._thread = Thread(target=copy_context().run, args=(self._run,))  # with the test's clock

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 - told to the test
            self.errors.append(error)

    def begin(self) -> None:
        """Start it, and go on once it waits for a lock of ours, or is done."""
        self._thread.start()
        end = monotonic() + 10
        while self._thread.is_alive() and not _someone_waits() and monotonic() < end:
            sleep(0.02)

    def finish(self) -> None:
        """Wait for its end."""
        assert self._thread.ident is not None, "it was never begun"
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()
        assert self.errors == []


def _someone_waits() -> bool:
    with reading() as session:
        return bool(session.execute(text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")).scalar_one())


@contextmanager
def meanwhile(monkeypatch, module, name: str, act: Callable[[], object], *, after: bool = False):
    """Begin `act` just before (or after) `module.name` is called in this thread."""
    other, original = Meanwhile(act), getattr(module, name)

    def called(*args, **over):
        monkeypatch.setattr(module, name, original)
        if not after:
            other.begin()
        result = original(*args, **over)
        if after:
            other.begin()
        return result

    monkeypatch.setattr(module, name, called)
    yield
    monkeypatch.setattr(module, name, original)
    other.finish()


def pay(loan_id: int, amount: int) -> Callable[[], object]:
    return lambda: facts.record_payment(SYSTEM, loan_id, amount=Decimal(amount), paid_on=TODAY)


def test_payment_while_a_contact_brings_a_promise(monkeypatch):
    borrower_id, loan_id = owing()
    terms = promises.Terms(loan_id, Decimal(5_000), TODAY)
    with meanwhile(monkeypatch, recording, "chosen_outcome", pay(loan_id, 5_000)):
        contacts.record(SYSTEM, borrower_id, channel="call", direction="inbound", person="borrower",
                        outcome="promise_to_pay", promise=terms)  # fmt: skip
    with reading() as session:
        assert session.execute(select(Promise.status)).scalars().all() == ["kept"]


def test_payment_while_a_promise_is_recorded(monkeypatch):
    _, loan_id = owing()
    with meanwhile(monkeypatch, promise_queries, "insert_promise", pay(loan_id, 5_000), after=True):
        promises.record(SYSTEM, loan_id, amount=Decimal(5_000), due_on=TODAY)
    with reading() as session:
        assert session.execute(select(Promise.status)).scalars().all() == ["kept"]


def test_payment_while_a_promise_is_taken_back(monkeypatch):
    _, loan_id = owing()
    first = promises.record(SYSTEM, loan_id, amount=Decimal(5_000), due_on=TODAY)
    promises.record(SYSTEM, loan_id, amount=Decimal(4_000), due_on=TODAY + timedelta(days=3))
    with meanwhile(monkeypatch, promise_queries, "cancel", pay(loan_id, 5_000)):
        promises.cancel(SYSTEM, first.id, reason="Wrong amount")
    with reading() as session:
        rows = session.execute(select(Promise.status, Promise.paid_amount).order_by(Promise.id)).all()
        assert [tuple(row) for row in rows] == [("cancelled", 0), ("kept", 4_000)]


def test_payment_while_the_borrower_accepts_a_settlement(monkeypatch):
    with transaction() as session:
        ana = make_actor(session, "ana", "Ana Pereira", Role.AGENT)
        boss = make_actor(session, "boss", "Boss", Role.LEADER)
        session.execute(text("INSERT INTO authority (user_id, level) VALUES (:u, 4)"), {"u": boss.id})
    _, loan_id = owing(ana.id)
    waived = settlements.Components(principal=Decimal(40_000))
    terms = settlements.Terms(
        loan_id, waived, ((TODAY + timedelta(days=10), Decimal(60_000)),), TODAY + timedelta(days=5), "Lost the shop"
    )
    made = settlements.propose(ana, terms)
    with reading() as session:
        request = session.execute(text("SELECT id FROM approval_request")).scalar_one()
    approvals.decide(boss, request, approve=True, reason="Board policy 4.2")
    with meanwhile(monkeypatch, offering, "follow", pay(loan_id, 60_000)):
        settlements.accept(ana, made.id, channel="call")
    with reading() as session:
        assert session.execute(select(Settlement.status, Settlement.paid_amount)).one() == ("completed", 60_000)
        assert session.execute(select(LoanState.status)).scalar_one() == "closed"


def test_payment_while_a_sheet_brings_a_visit_with_money(monkeypatch, frozen_clock):
    with transaction() as session:
        ana = make_actor(session, "ana", "Ana Pereira", Role.AGENT)
    borrower_id, loan_id = owing(ana.id)
    with transaction() as session:
        address = builders.make_address(session, borrower_id, is_primary=True)
    frozen_clock(datetime.combine(TODAY, time(12), ZoneInfo("Asia/Kolkata")))
    visits.plan(ana, borrower_id, visits.Plan(address, "residence", planned_on=TODAY))
    (line,) = sheets.taken_along(ana, TODAY)
    filled = {**line, "arrived_at": "11:30", "outcome": "Refuses to pay", "person": "Borrower",
              "note": "Says it is too much", "received": "2,000", "mode": "Cash", "paid_by": "Meera Iyer",
              "paper_number": "B-17"}  # fmt: skip
    with meanwhile(monkeypatch, receipts, "issue_in", pay(loan_id, 5_000)):
        (done,) = sheet_lines.send_in(ana, sheets.as_csv([filled]), is_trial=False)
        assert done.result == "recorded", done.sentence
    with reading() as session:
        assert session.execute(select(LoanState.overdue_amount)).scalar_one() == 50_000 - 7_000


def test_payment_while_relief_ends_with_its_plan(monkeypatch, frozen_clock):
    with transaction() as session:
        ana = make_actor(session, "ana", "Ana Pereira", Role.AGENT)
        boss = make_actor(session, "boss", "Boss", Role.LEADER)
    borrower_id, loan_id = owing(ana.id)
    means = plans.Affordability(income=Decimal(30_000), housing=Decimal(10_000))
    relief = hardship.Relief("lower_instalment", TODAY, loan_id=loan_id, amount=Decimal(4_000), months=5)
    wanted = hardship.Application("illness", "In hospital", TODAY, means, relief, review_on=TODAY + timedelta(days=30))
    made = hardship.apply(ana, borrower_id, wanted)
    with reading() as session:
        request = session.execute(text("SELECT id FROM approval_request")).scalar_one()
    approvals.decide(boss, request, approve=True, reason="Papers seen")
    with meanwhile(monkeypatch, hardship_queries, "insert_review", pay(loan_id, 4_000)):
        hardship.review(ana, made.id, is_continued=False, note="Back at work")
    with reading() as session:
        assert session.execute(select(RepaymentPlan.status)).scalar_one() == "cancelled"
