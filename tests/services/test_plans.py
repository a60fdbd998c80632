from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from db.models.audit import AuditEvent
from db.models.plans import PlanAffordability, PlanInstalment, RepaymentPlan
from db.models.work import CollectionCase
from services import approvals, cases, facts, plans, reminders
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")
MEANS = plans.Affordability(income=Decimal(30_000), housing=Decimal(8_000), food=Decimal(6_000), dependants=2)
"""16,000 are left a month: 60 % of that are 9,600."""


@pytest.fixture
def loan(session, ana):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return loan_id


@pytest.fixture
def boss(session):
    return make_actor(session, "boss", "Bela Boss", Role.LEADER)


def proposal(loan_id, amount=10_000, length=5, start_on=TODAY + timedelta(days=4), means=MEANS, **over):
    rows = plans.generate(plans.Pattern(Decimal(amount), length, start_on))
    return plans.Proposal(loan_id=loan_id, rows=rows, affordability=means, **over)


def status(session, plan_id):
    return session.execute(select(RepaymentPlan.status).where(RepaymentPlan.id == plan_id)).scalar_one()


def case_of(session):
    return session.execute(
        select(CollectionCase).order_by(CollectionCase.id).limit(1).execution_options(populate_existing=True)
    ).scalar_one()


def codes(session):
    return {reason.code for reason in cases.reasons_of(case_of(session).priority_reasons)}


# --- making ------------------------------------------------------------------------------------------------------


def test_plan_is_in_force_with_instalments_means_and_one_event(session, ana, loan):
    plan = plans.make(ana, proposal(loan))
    assert (plan.status, plan.amount, plan.counts_from) == ("running", 10_000, TODAY)
    assert (plan.next_due_on, plan.next_due_amount) == (TODAY + timedelta(days=4), 2_000)
    assert [row.amount for row in plan.instalments] == [2_000] * 5
    assert plan.affordability == MEANS
    events = session.execute(select(AuditEvent.action, AuditEvent.summary)).all()
    assert [event.action for event in events] == ["plan.made"]
    assert "10,000.00 in 5 instalments to 20 Oct 2025" in events[0].summary


def test_case_goes_down_while_the_plan_runs_and_up_when_it_is_behind_or_broken(session, ana, loan):
    before = plans.make(ana, proposal(loan)) and case_of(session).priority
    assert "plan_running" in codes(session)
    assert (case_of(session).next_action, case_of(session).next_action_on) == ("await_instalment", date(2025, 6, 20))
    borrower_id = case_of(session).borrower_id
    for day, code in ((date(2025, 6, 24), "plan_behind"), (date(2025, 7, 21), "plan_broken")):
        plans.settle_for(session, day, [loan])
        cases.refresh_for(session, day, [borrower_id])
        assert code in codes(session)
        assert case_of(session).priority > before
        assert case_of(session).next_action == "call"


def test_same_form_twice_is_one_plan(session, ana, loan):
    first = plans.make(ana, proposal(loan), request_key="form-1")
    second = plans.make(ana, proposal(loan), request_key="form-1")
    assert first.id == second.id
    assert session.execute(select(func.count()).select_from(RepaymentPlan)).scalar_one() == 1
    assert session.execute(select(func.count()).select_from(AuditEvent)).scalar_one() == 1
    _, other = builders.make_overdue(session)
    with pytest.raises(Conflict):
        plans.make(ana, proposal(other), request_key="form-1")


def test_a_loan_has_one_plan_at_a_time(session, ana, loan):
    plan = plans.make(ana, proposal(loan))
    with pytest.raises(Refused, match="Cancel that one first"):
        plans.make(ana, proposal(loan))
    plans.cancel(ana, plan.id, reason="Wrong date")
    assert plans.make(ana, proposal(loan)).status == "running"
    assert status(session, plan.id) == "cancelled"


def test_payment_of_the_day_counts_and_goes_to_one_plan_only(session, ana, marek, loan):
    facts.record_payment(marek, loan, amount=Decimal(10_000), paid_on=TODAY)
    first = plans.make(ana, proposal(loan))
    assert (first.status, first.paid_amount, first.resolved_on) == ("completed", 10_000, TODAY)
    second = plans.make(ana, proposal(loan, start_on=TODAY + timedelta(days=5)))
    assert (second.status, second.paid_amount, second.counts_from) == ("running", 0, TODAY + timedelta(days=1))


def test_payment_and_its_reversal_move_the_plan_at_once(session, ana, marek, loan):
    plan = plans.make(ana, proposal(loan, start_on=TODAY))
    receipt = facts.record_payment(marek, loan, amount=Decimal(10_000), paid_on=TODAY)
    assert status(session, plan.id) == "completed"
    facts.reverse_payment(marek, loan, receipt, known_on=TODAY, reason="Cheque came back")
    assert status(session, plan.id) == "running"
    told = plans.of_borrower(ana, plan.borrower_id)[0]
    assert (told.paid_amount, told.next_due_on) == (0, TODAY)


@pytest.mark.parametrize(
    ("over", "match"),
    [
        ({"length": 25, "amount": 30_000}, "24 months"),
        ({"length": 12, "amount": 5_000}, "smallest allowed"),
        ({"start_on": TODAY - timedelta(days=1)}, "today or later"),
        ({"start_on": TODAY + timedelta(days=63)}, "due by 17 Aug 2025"),
    ],
)
def test_limits_of_rows(ana, loan, over, match):
    with pytest.raises(InvalidInput, match=match):
        plans.make(ana, proposal(loan, **over))


def test_rows_out_of_order_or_without_amount_are_refused(ana, loan):
    good = proposal(loan)
    swapped = tuple(replace(row, due_on=good.rows[-row.number].due_on) for row in good.rows)
    for rows in (swapped, (), (replace(good.rows[0], amount=Decimal(0)), *good.rows[1:])):
        with pytest.raises(InvalidInput):
            plans.make(ana, replace(good, rows=rows))


def test_more_than_is_owed_and_a_closed_loan_are_refused(session, ana, loan):
    with pytest.raises(Refused, match=r"more than the 80,000\.00 owed"):
        plans.make(ana, proposal(loan, amount="80000.01", length=12))
    session.execute(text("UPDATE loan_state SET status = 'closed'"))
    with pytest.raises(Refused, match="closed"):
        plans.make(ana, proposal(loan))


# --- affordability (UK-01) ---------------------------------------------------------------------------------------


def means(disposable):
    return plans.Affordability(income=Decimal(20_000), housing=Decimal(20_000) - Decimal(disposable))


def test_instalment_above_disposable_income_is_refused_to_everyone(ana, marek, loan):
    for actor in (ana, marek):
        with pytest.raises(Refused, match=r"has 1,999\.99 left"):
            plans.make(actor, proposal(loan, means=means("1999.99"), over_limit_reason="Family helps"))


def test_above_the_usual_share_needs_a_leader_and_a_reason(session, ana, marek, loan):
    tight = proposal(loan, means=means("3333"))  # 2,000 are 60.006 %
    with pytest.raises(Refused, match="ask your leader"):
        plans.make(ana, tight)
    with pytest.raises(InvalidInput) as refusal:
        plans.make(marek, tight)
    assert set(refusal.value.fields) == {"over_limit_reason"}
    plan = plans.make(marek, replace(tight, over_limit_reason="Bonus in August"))
    assert plan.over_limit_reason == "Bonus in August"
    assert session.execute(select(AuditEvent.reason)).scalar_one() == "Bonus in August"


def test_exactly_the_usual_share_is_for_an_agent(ana, loan):
    assert plans.make(ana, proposal(loan, means=means("3333.34"))).over_limit_reason is None


def test_no_income_and_negative_outgoings_are_named(ana, loan):
    with pytest.raises(InvalidInput) as refusal:
        plans.preview(ana, proposal(loan, means=plans.Affordability(income=Decimal(0), food=Decimal(-1))))
    assert set(refusal.value.fields) == {"income", "food"}


# --- who may -----------------------------------------------------------------------------------------------------


def test_who_may_not_is_refused(session, ana, ada, adam, anil, marek, loan):
    for actor in (ada, adam, anil):
        with pytest.raises(NotAllowed):
            plans.make(actor, proposal(loan))
        with pytest.raises(NotAllowed):
            plans.preview(actor, proposal(loan))
    plan = plans.make(ana, proposal(loan))
    with pytest.raises(NotAllowed):
        plans.cancel(anil, plan.id, reason="no")
    other = make_actor(session, "omar", "Omar Haddad", Role.AGENT)
    for act in (lambda: plans.make(other, proposal(loan)), lambda: plans.cancel(other, plan.id, reason="no"),
                lambda: plans.of_borrower(other, plan.borrower_id)):  # fmt: skip
        with pytest.raises(NotFound):
            act()


def test_case_open_elsewhere_refuses(session, ana, marek, loan):
    session.execute(
        text("UPDATE collection_case SET held_by = :id, held_until = :until"),
        {"id": marek.id, "until": datetime(2025, 6, 16, 5, 40, tzinfo=UTC)},
    )
    with pytest.raises(Conflict):
        plans.make(ana, proposal(loan))


def test_the_application_cannot_change_terms(session, ana, loan):
    plans.make(ana, proposal(loan))
    for statement in (
        "UPDATE repayment_plan SET amount = 1",
        "UPDATE plan_instalment SET due_on = due_on + 1",
        "UPDATE plan_affordability SET income = 1",
        "DELETE FROM plan_instalment",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


# --- approval (IN-16) --------------------------------------------------------------------------------------------


def long_plan(loan_id):
    return proposal(loan_id, amount=13_000, length=13, start_on=TODAY + timedelta(days=10))


def waiting(session):
    return session.execute(text("SELECT id FROM approval_request WHERE status = 'waiting'")).scalars().all()


def proposed(session, actor, loan_id):
    plan = plans.make(actor, long_plan(loan_id))
    assert (plan.status, plan.counts_from) == ("proposed", None)
    return plan, waiting(session)[0]


@pytest.mark.parametrize(
    ("over", "found"),
    [
        ({"length": 13, "start_on": TODAY + timedelta(days=10)}, ("long_term",)),
        ({"length": 12, "start_on": TODAY + timedelta(days=10)}, ()),
        ({"amount": 9_000}, ("reduced_amount",)),
        ({"amount": 10_000}, ()),
        ({"amount": 24_000, "length": 12}, ("lower_instalment",)),
        ({"amount": 48_000, "length": 12}, ()),
    ],
)
def test_terms_that_change_the_loan_are_restructuring(session, ana, loan, over, found):
    session.execute(text("UPDATE loan SET instalment_amount = 4000"))
    told = plans.preview(ana, proposal(loan, **over))
    assert told.restructuring == found
    assert told.approval_reasons == (("restructuring",) if found else ())


def test_an_agents_large_plan_needs_approval_and_a_leaders_does_not(session, ana, marek, loan):
    session.execute(text("UPDATE loan_state SET outstanding = 500000, overdue_amount = 110000"))
    rich = plans.Affordability(income=Decimal(100_000))
    large = proposal(loan, amount=110_000, length=10, means=rich)
    assert plans.preview(ana, large).approval_reasons == ("large_amount",)
    assert plans.preview(marek, large).approval_reasons == ()
    session.execute(text("UPDATE loan_state SET overdue_amount = 100000"))
    assert plans.preview(ana, proposal(loan, amount=100_000, length=10, means=rich)).approval_reasons == ()


def test_restructuring_waits_for_another_person_and_begins_with_their_yes(session, marek, boss, loan):
    plan, request_id = proposed(session, marek, loan)
    assert "plan_running" not in codes(session)
    with pytest.raises(Refused):
        approvals.decide(marek, request_id, approve=True, reason="my own")
    assert status(session, plan.id) == "proposed"
    approvals.decide(boss, request_id, approve=True, reason="Verified payslip")
    told = plans.of_borrower(marek, plan.borrower_id)[0]
    assert (told.status, told.counts_from, told.restructuring) == ("running", TODAY, ["long_term"])
    assert "plan_running" in codes(session)
    actions = set(session.execute(select(AuditEvent.action)).scalars())
    assert actions == {"plan.proposed", "plan.began", "request.approved"}


def test_decider_sees_terms_and_means(session, ana, boss, loan):
    _, request_id = proposed(session, ana, loan)
    told = dict(approvals.detail(boss, request_id).facts)
    assert told["Left"] == 16_000
    assert told["Restructuring (IN-16)"] == plans.RESTRUCTURING["long_term"]


def test_payments_before_the_approval_do_not_count(session, ana, boss, marek, loan, frozen_clock):
    plan, request_id = proposed(session, ana, loan)
    facts.record_payment(marek, loan, amount=Decimal(1_000), paid_on=TODAY)
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    approvals.decide(boss, request_id, approve=True, reason="ok")
    assert plans.of_borrower(ana, plan.borrower_id)[0].paid_amount == 0


def test_refused_plan_changes_nothing_and_leaves_room_for_another(session, ana, boss, loan):
    plan, request_id = proposed(session, ana, loan)
    approvals.decide(boss, request_id, approve=False, reason="Too long")
    told = plans.of_borrower(ana, plan.borrower_id)[0]
    assert (told.status, told.refuse_reason, told.counts_from) == ("refused", "Too long", None)
    assert plans.make(ana, proposal(loan)).status == "running"


def test_approval_after_the_first_date_is_refused(session, ana, boss, loan, frozen_clock):
    plan, request_id = proposed(session, ana, loan)
    frozen_clock(datetime(2025, 6, 27, 5, 30, tzinfo=UTC))
    with pytest.raises(Refused, match="made anew"):
        approvals.decide(boss, request_id, approve=True, reason="late")
    assert status(session, plan.id) == "proposed"


def test_cancelled_or_withdrawn_while_it_waits(session, ana, loan):
    plan, _ = proposed(session, ana, loan)
    plans.cancel(ana, plan.id, reason="Wrong loan")
    assert (status(session, plan.id), waiting(session)) == ("cancelled", [])
    plan, request_id = proposed(session, ana, loan)
    approvals.withdraw(ana, request_id, reason="Borrower changed their mind")
    told = plans.of_borrower(ana, plan.borrower_id)[0]
    assert (told.status, told.cancel_reason) == ("cancelled", "Borrower changed their mind")


# --- cancelling --------------------------------------------------------------------------------------------------


def test_cancelled_plan_keeps_what_was_paid_and_stays_cancelled(session, ana, marek, loan, frozen_clock):
    builders.make_instalment(session, loan, 1, TODAY - timedelta(days=45), 20_000)
    plan = plans.make(ana, proposal(loan))
    facts.record_payment(marek, loan, amount=Decimal(2_500), paid_on=TODAY)
    frozen_clock(datetime(2025, 6, 18, 5, 30, tzinfo=UTC))
    plans.cancel(ana, plan.id, reason="Lost the job")
    facts.record_payment(marek, loan, amount=Decimal(7_500), paid_on=date(2025, 6, 18))
    told = plans.of_borrower(ana, plan.borrower_id)[0]
    assert (told.status, told.paid_amount, told.resolved_on) == ("cancelled", 2_500, date(2025, 6, 18))
    assert told.cancelled_by_name == "Ana Pereira"
    assert "plan_running" not in codes(session)
    with pytest.raises(Refused, match="ended already"):
        plans.cancel(ana, plan.id, reason="again")
    with pytest.raises(InvalidInput):
        plans.cancel(ana, plan.id, reason=" ")


# --- reminders ---------------------------------------------------------------------------------------------------


@pytest.fixture
def mailed(session, loan, frozen_clock):
    """The loan's borrower may be mailed, and its dues are 20 days late."""
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    borrower_id = session.execute(text("SELECT borrower_id FROM loan")).scalar_one()
    session.execute(
        text("UPDATE loan_state SET dpd = 20, bucket = 1, oldest_due_on = :on"), {"on": TODAY - timedelta(days=20)}
    )
    builders.make_phone(session, borrower_id, "meera@example.com")
    session.execute(text("UPDATE contact_point SET kind = 'email', consent = true"))


def messages(session):
    rows = session.execute(
        text("SELECT r.anchor, m.anchor_on, m.status FROM message m JOIN reminder_rule r ON r.id = m.rule_id"
             " ORDER BY m.id")
    )  # fmt: skip
    return [tuple(row) for row in rows]


def test_plan_suspends_reminders_of_dues_and_reminds_of_its_instalment(session, ana, adam, loan, mailed):
    reminders.plan(adam)
    dues = ("oldest_due", TODAY - timedelta(days=20))
    assert messages(session) == [(*dues, "planned")]
    plan = plans.make(ana, proposal(loan, start_on=TODAY + timedelta(days=2)))
    assert messages(session) == [(*dues, "cancelled")]
    session.execute(text("DELETE FROM message"))
    reminders.plan(adam)
    assert messages(session) == [("plan", TODAY + timedelta(days=2), "planned")]
    reminders.send_due(adam)
    sent = session.execute(text("SELECT status, subject, body FROM message")).one()
    assert sent.status == "sent"
    assert sent.subject == "Your instalment of ₹2,000.00 under our agreement is due on 18 June 2025"
    plans.cancel(ana, plan.id, reason="so")
    reminders.plan(adam)
    assert [message[0] for message in messages(session)] == ["plan", "oldest_due"]


# --- limits ------------------------------------------------------------------------------------------------------


def test_admin_changes_limits_with_a_reason_and_they_hold_at_once(session, adam, marek, ana, loan):
    limits = plans.current_limits(adam)
    with pytest.raises(NotAllowed):
        plans.change_limits(marek, limits, reason="x")
    with pytest.raises(InvalidInput) as refusal:
        plans.change_limits(adam, replace(limits, break_days=3, max_share=101), reason=" ")
    assert set(refusal.value.fields) == {"break_days", "max_share", "reason"}
    plans.change_limits(adam, replace(limits, min_instalment=Decimal(2_001)), reason="Board, 2 June")
    with pytest.raises(InvalidInput, match=r"2,001\.00"):
        plans.make(ana, proposal(loan))
    event = session.execute(select(AuditEvent.action, AuditEvent.reason)).one()
    assert event == ("plan_limits.changed", "Board, 2 June")


# --- races -------------------------------------------------------------------------------------------------------


def test_payments_while_the_plan_is_made_are_all_counted(database):
    """Whichever comes first, the plan knows each payment of its day once both are done."""
    from concurrent.futures import ThreadPoolExecutor

    from db.engine import transaction
    from services import lender
    from services.actors import SYSTEM

    with ThreadPoolExecutor(1) as pool:  # threads do not share the frozen clock
        today = pool.submit(lambda: lender.current().today).result()
    made = []
    with transaction() as own:
        for _ in range(3):
            borrower_id, loan_id = builders.make_overdue(own, dpd=45, as_of=today)
            builders.make_instalment(own, loan_id, 1, today - timedelta(days=45), 10_000)
            builders.make_instalment(own, loan_id, 2, today + timedelta(days=300), 50_000)  # enough is owed either way
            builders.make_case(own, borrower_id, opened_on=today)
            made.append(loan_id)

    def act(number):
        loan_id = made[number % 3]
        if number < 6:
            return plans.make(SYSTEM, proposal(loan_id, start_on=today), request_key=f"form-{loan_id}").id
        return facts.record_payment(SYSTEM, loan_id, amount=Decimal(1_000), paid_on=today, reference=f"R{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]))
    with transaction() as own:
        assert own.execute(select(func.count()).select_from(RepaymentPlan)).scalar_one() == 3
        assert own.execute(select(RepaymentPlan.paid_amount)).scalars().all() == [2_000] * 3
        assert own.execute(select(func.count()).select_from(PlanAffordability)).scalar_one() == 3
        settled = own.execute(select(func.count(PlanInstalment.settled_on))).scalar_one()
        assert settled == 3
