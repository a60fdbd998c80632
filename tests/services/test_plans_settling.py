"""Where plans stand, against a slow oracle that replays the facts day by day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.models.plans import PlanInstalment, RepaymentPlan
from services import plans
from tests import builders

START = date(2025, 1, 1)
GRACE, BREAK = 3, 30


def day(n):
    return START + timedelta(days=n)


@dataclass(frozen=True)
class PlanFacts:
    counts_from: int
    dues: tuple[tuple[int, int], ...]
    """Days from START and amounts, dates rising."""
    cancelled_on: int | None = None


@dataclass(frozen=True)
class PaymentFacts:
    paid_on: int
    amount: int
    reversals: tuple[tuple[int, int], ...] = ()
    """Days from START and amounts."""


# --- the oracle: one plan, one day after the other ---------------------------------------------------------------


def known(payments, as_of):
    """What counts of each day's payments by what is known on `as_of`."""
    by_day = defaultdict(int)
    for payment in payments:
        if payment.paid_on <= as_of:
            back = sum(amount for on, amount in payment.reversals if on <= as_of)
            by_day[payment.paid_on] += max(payment.amount - back, 0)
    return by_day


def replay(plan, next_from, payments, as_of):
    """(status, paid, resolved on) of a plan after living through its days."""
    by_day, paid, whole = known(payments, as_of), 0, sum(amount for _, amount in plan.dues)
    if plan.cancelled_on is not None:  # a decision, whatever payments say; what came before it stays counted
        ends = min(as_of + 1, plan.cancelled_on, as_of + 1 if next_from is None else next_from)
        return "cancelled", min(whole, sum(by_day[on] for on in range(plan.counts_from, ends))), plan.cancelled_on
    status = "running"
    for today in range(min(plan.counts_from, as_of), as_of + 1):
        if next_from is not None and today >= next_from:
            return "broken", paid, next_from
        asked = 0
        for due_on, amount in plan.dues:
            asked += amount
            if today > due_on + BREAK and paid < asked:
                return "broken", paid, today
        if today >= plan.counts_from:
            paid = min(paid + by_day[today], whole)
        if paid == whole:
            return "completed", paid, today
        late = sum(amount for due_on, amount in plan.dues if due_on + GRACE < today)
        status = "behind" if paid < late else "running"
    return status, paid, None


# --- random facts ------------------------------------------------------------------------------------------------

amounts = st.sampled_from([1, 30, 50, 100, 101, 250])


@st.composite
def plan_facts(draw, counts_from):
    first = counts_from + draw(st.integers(0, 20))
    gaps = draw(st.lists(st.sampled_from([1, 7, 14, 30, 45]), max_size=4))
    dues, due_on = [], first
    for gap in [0, *gaps]:
        due_on += gap
        dues.append((due_on, draw(st.sampled_from([50, 100, 130]))))
    cancelled = draw(st.one_of(st.none(), st.none(), st.integers(counts_from, counts_from + 120)))
    return PlanFacts(counts_from, tuple(dues), cancelled)


@st.composite
def payment_facts(draw):
    paid_on, amount = draw(st.integers(0, 200)), draw(amounts)
    back = draw(st.lists(st.tuples(st.integers(paid_on, 230), st.sampled_from([amount, 20])), max_size=2))
    return PaymentFacts(paid_on, amount, tuple(back))


@st.composite
def lives(draw):
    """Plans of one loan, one after the other, and its payments."""
    begins = sorted(draw(st.lists(st.integers(0, 120), min_size=1, max_size=3)))
    facts = [draw(plan_facts(begin)) for begin in begins]
    return tuple(facts), tuple(draw(st.lists(payment_facts(), max_size=8)))


def insert_plan(session, loan_id, facts, status="running"):
    whole = sum(amount for _, amount in facts.dues)
    plan = RepaymentPlan(
        borrower_id=builders_borrower(session, loan_id),
        loan_id=loan_id,
        amount=whole,
        method="equal",
        rhythm="monthly",
        starts_on=day(facts.dues[0][0]),
        ends_on=day(facts.dues[-1][0]),
        made_on=day(facts.counts_from),
        counts_from=day(facts.counts_from),
        status=status if facts.cancelled_on is None else "cancelled",
        cancelled_on=None if facts.cancelled_on is None else day(facts.cancelled_on),
        cancel_reason=None if facts.cancelled_on is None else "so agreed",
    )
    session.add(plan)
    session.flush()
    for number, (due_on, amount) in enumerate(facts.dues, start=1):
        session.add(PlanInstalment(plan_id=plan.id, number=number, due_on=day(due_on), amount=Decimal(amount)))
    session.flush()
    return plan.id


def builders_borrower(session, loan_id):
    return session.execute(text("SELECT borrower_id FROM loan WHERE id = :id"), {"id": loan_id}).scalar_one()


def insert_payment(session, loan_id, payment):
    reference = builders.make_payment(session, loan_id, day(payment.paid_on), payment.amount)
    for on, amount in payment.reversals:
        builders.make_reversal(session, loan_id, day(on), amount, reference)


def stored(session, loan_id):
    rows = session.execute(
        select(RepaymentPlan.status, RepaymentPlan.paid_amount, RepaymentPlan.resolved_on)
        .where(RepaymentPlan.loan_id == loan_id)
        .order_by(RepaymentPlan.counts_from, RepaymentPlan.id)
    ).all()
    return [(row.status, int(row.paid_amount), row.resolved_on) for row in rows]


def expected(facts, payments, as_of):
    told = []
    for place, plan in enumerate(facts):
        follower = facts[place + 1].counts_from if place + 1 < len(facts) else None
        status, paid, resolved = replay(plan, follower, payments, as_of)
        told.append((status, paid, None if resolved is None else day(resolved)))
    return told


_settings = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_fewer = settings(_settings, max_examples=25)


@_settings
@given(lives(), st.integers(0, 240))
@example(((PlanFacts(0, ((0, 100),)),), (PaymentFacts(0, 100, ((5, 100),)),)), 4)
@example(((PlanFacts(0, ((0, 100),)),), (PaymentFacts(31, 100),)), 31)
@example(((PlanFacts(0, ((10, 100), (40, 100)), 20), PlanFacts(20, ((30, 100),))), (PaymentFacts(20, 200),)), 50)
def test_status_is_what_a_replay_of_the_facts_gives(session, life, as_of):
    facts, payments = life
    _, loan_id = builders.make_overdue(session)
    for plan in facts:
        insert_plan(session, loan_id, plan)
    for payment in payments:
        insert_payment(session, loan_id, payment)
    plans.settle_for(session, day(as_of), [loan_id])
    assert stored(session, loan_id) == expected(facts, payments, as_of)
    _check_instalments(session, loan_id)


def _check_instalments(session, loan_id):
    """Instalments take what the plan took, the oldest first, and only whole ones are settled."""
    rows = session.execute(
        select(RepaymentPlan.id, RepaymentPlan.paid_amount, PlanInstalment.amount, PlanInstalment.settled_on,
               PlanInstalment.paid_amount.label("on"))
        .join(PlanInstalment, PlanInstalment.plan_id == RepaymentPlan.id)
        .where(RepaymentPlan.loan_id == loan_id).order_by(RepaymentPlan.id, PlanInstalment.number)
    ).all()  # fmt: skip
    left = {row.id: row.paid_amount for row in rows}
    for row in rows:
        taken = min(row.amount, left[row.id])
        assert row.on == taken
        left[row.id] -= taken
        assert (row.settled_on is not None) == (taken == row.amount)
    assert not any(left.values())


@_fewer
@given(lives(), st.randoms(use_true_random=False), st.lists(st.integers(0, 240), min_size=1, max_size=5))
def test_order_in_which_facts_become_known_changes_nothing(session, life, random, as_ofs):
    """Facts in any order, settled after each and on days that jump back and forth, end where one settling ends."""
    facts, payments = life
    _, loan_id = builders.make_overdue(session)
    acts = [lambda plan=plan: insert_plan(session, loan_id, plan, status=random.choice(["running", "broken"]))
            for plan in facts]  # fmt: skip
    acts += [lambda payment=payment: insert_payment(session, loan_id, payment) for payment in payments]
    head, tail = acts[: len(facts)], acts[len(facts) :]
    random.shuffle(tail)
    for place, act in enumerate([*head, *tail]):
        act()
        plans.settle_for(session, day(as_ofs[place % len(as_ofs)]), [loan_id])
    plans.settle_for(session, day(as_ofs[-1]), [loan_id])
    assert stored(session, loan_id) == expected(facts, payments, as_ofs[-1])
    assert plans.settle_for(session, day(as_ofs[-1]), [loan_id]) == 0


def test_a_range_settles_each_of_its_loans(session):
    made = []
    for paid in (0, 100, 200):
        _, loan_id = builders.make_overdue(session)
        insert_plan(session, loan_id, PlanFacts(0, ((5, 100), (35, 100))))
        if paid:
            insert_payment(session, loan_id, PaymentFacts(5, paid))
        made.append(loan_id)
    plans.settle(session, day(20), min(made), max(made))
    assert [stored(session, loan_id)[0][0] for loan_id in made] == ["behind", "running", "completed"]
    assert plans.settle(session, day(20), min(made), max(made)) == 0
    rows = session.execute(
        select(RepaymentPlan.due_amount, RepaymentPlan.next_due_on, RepaymentPlan.next_due_amount).order_by(
            RepaymentPlan.loan_id
        )
    ).all()
    assert rows == [(100, day(5), 100), (100, day(35), 100), (100, None, None)]


def test_bounce_is_no_payment(session):
    _, loan_id = builders.make_overdue(session)
    insert_plan(session, loan_id, PlanFacts(0, ((5, 100),)))
    session.execute(
        text("INSERT INTO mandate_presentation (loan_id, reference, presented_on, amount, result)"
             " VALUES (:loan, 'M1', :on, 100, 'bounced')"),
        {"loan": loan_id, "on": day(5)},
    )  # fmt: skip
    plans.settle_for(session, day(9), [loan_id])
    assert stored(session, loan_id) == [("behind", 0, None)]


def test_a_payment_counts_for_a_promise_and_for_the_plan(session):
    from services import promises

    _, loan_id = builders.make_overdue(session)
    insert_plan(session, loan_id, PlanFacts(0, ((5, 100), (35, 100))))
    builders.make_promise(session, loan_id, amount=100, promised_on=day(1), due_on=day(5))
    insert_payment(session, loan_id, PaymentFacts(4, 100))
    plans.settle_for(session, day(6), [loan_id])
    promises.settle_for(session, day(6), [loan_id])
    assert stored(session, loan_id) == [("running", 100, None)]
    assert session.execute(text("SELECT status FROM promise")).scalar_one() == "kept"
