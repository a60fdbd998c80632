"""A case follows its facts: in whatever order they came, it stands where a replay from all of them puts it."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.models.stands import LoanState
from db.models.work import CollectionCase
from db.queries.case_deriving import DERIVED
from services import cases, clock, contacts, facts, follow_ups, holds, promises
from services.actors import SYSTEM
from services.delinquency import derive
from services.errors import CollectionsError
from tests import builders

START = date(2025, 6, 16)
ZONE = ZoneInfo("Asia/Kolkata")

acts = st.one_of(
    st.tuples(st.sampled_from(["contact", "release", "reverse"]), st.just(0)),
    st.tuples(st.just("night"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["call_back", "hold"]), st.integers(1, 4)),
    st.tuples(st.just("promise"), st.integers(0, 3)),
    st.tuples(st.just("pay"), st.sampled_from([1_000, 5_000])),
)


class Story:
    """One borrower, to whom things happen."""

    def __init__(self, session, actor, set_clock):
        self.session, self.actor, self.set_clock, self.today = session, actor, set_clock, START
        self.set_clock(datetime.combine(START, time(11), ZONE))
        self.borrower_id = builders.make_borrower(session)
        self.loan_id = builders.make_loan(session, self.borrower_id)
        builders.make_instalment(session, self.loan_id, 1, date(2025, 5, 17), 5_000)
        builders.make_instalment(session, self.loan_id, 2, date(2025, 6, 19), 5_000)
        builders.make_phone(session, self.borrower_id, f"+9198{self.borrower_id:08}", consent=True)
        self.paid = []
        derive(session, START, [self.loan_id])
        cases.refresh_for(session, START, [self.borrower_id])

    def night(self, days):
        """Each night at half past midnight, the day that ended is closed."""
        for _ in range(days):
            closed, self.today = self.today, self.today + timedelta(days=1)
            self.set_clock(datetime.combine(self.today, time(0, 30), ZONE))
            derive(self.session, closed, [self.loan_id])
            promises.settle_for(self.session, closed, [self.loan_id])
            cases.refresh_for(self.session, closed, [self.borrower_id])
            self.set_clock(datetime.combine(self.today, time(11), ZONE))

    def contact(self, _):
        contacts.record(
            self.actor, self.borrower_id, channel="call", direction="outbound", person="nobody", outcome="no_answer"
        )

    def call_back(self, days):
        follow_ups.record(self.actor, self.borrower_id, due_at=clock.now() + timedelta(days=days))

    def hold(self, days):
        ends_on = self.today + timedelta(days=days)
        holds.place(self.actor, self.borrower_id, kind="dispute", reason="Says paid", ends_on=ends_on)

    def release(self, _):
        for hold in holds.active(self.session, self.borrower_id, as_of=self.today)[:1]:
            holds.release(self.actor, hold.id, reason="Proven")

    def promise(self, days):
        due_on = self.today + timedelta(days=days)
        promises.record(self.actor, self.loan_id, amount=Decimal(1_000), due_on=due_on)

    def pay(self, amount):
        self.paid.append(facts.record_payment(SYSTEM, self.loan_id, amount=Decimal(amount), paid_on=self.today))

    def reverse(self, _):
        if self.paid:
            facts.reverse_payment(SYSTEM, self.loan_id, self.paid.pop(), known_on=self.today, reason="returned")

    def standing(self):
        """The open case as derived; None: there is none."""
        columns = [getattr(CollectionCase, name) for name in DERIVED]
        statement = select(*columns).where(
            CollectionCase.borrower_id == self.borrower_id, CollectionCase.closed_on.is_(None)
        )
        return self.session.execute(statement).one_or_none()

    def replayed(self):
        """The same after all that is derived was forgotten."""
        self.session.execute(
            text("""
                UPDATE collection_case
                SET priority = -999, priority_reasons = '{}', next_action = NULL, next_action_on = NULL, max_dpd = 0,
                    last_contact_at = NULL, last_outcome = NULL, promise_due_on = NULL, promise_amount = NULL,
                    has_broken_promise = false, overdue_amount = 0, outstanding = 0
                WHERE borrower_id = :id AND closed_on IS NULL
            """),
            {"id": self.borrower_id},
        )
        cases.refresh_for(self.session, self.today, [self.borrower_id])
        return self.standing()


@pytest.fixture
def set_clock(session, frozen_clock):
    session.execute(text("UPDATE policy_rule SET is_enabled = false"))
    return frozen_clock


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, min_size=2, max_size=9))
def test_any_order_of_contacts_promises_payments_reversals_and_holds_is_what_a_replay_gives(
    session, marek, set_clock, told
):
    story = Story(session, marek, set_clock)
    for kind, how_much in told:
        try:
            getattr(story, kind)(how_much)
        except CollectionsError:  # what a rule refuses is no fact
            continue
    state = session.get_one(LoanState, story.loan_id, populate_existing=True)
    found = story.standing()
    # what falls due today is owed from tonight on, and a case from the first day past due
    assert found is not None or state.dpd == 0
    assert found == story.replayed()
