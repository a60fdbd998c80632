"""Before the court: from filing over hearings to the order, and reading the list."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.work import FollowUp
from services import case_people, legal, restating
from services.actors import SYSTEM, Role
from services.errors import NotAllowed, NotFound, Refused
from tests import builders
from tests.conftest import make_actor
from tests.services.legal.steps import MEMO, TODAY, approve, at, opened, row, served

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_from_filing_over_hearings_to_the_order(session, frozen_clock, marek, leela, loan):
    action_id = opened(marek, loan, "suit")
    with pytest.raises(Refused, match="after the filing"):
        legal.set_hearing(marek, action_id, on=TODAY, purpose="evidence")
    legal.ask_to_file(marek, action_id, reason="No payment")
    with pytest.raises(Refused, match="waits for its decision"):
        legal.ask_to_file(marek, action_id, reason="Again")
    approve(session, leela, action_id)
    legal.file(marek, action_id, on=TODAY, forum="Civil court", case_number="OS 5")
    later = TODAY + timedelta(days=20)
    legal.set_hearing(marek, action_id, on=later, purpose="evidence")
    assert (row(session, action_id).next_step, row(session, action_id).next_by) == ("hearing", later)
    [hearing] = legal.hearings(marek, week_of=later)[1]
    with pytest.raises(Refused, match="Too early"):
        legal.hold_hearing(marek, action_id, hearing_id=hearing.id, result="Heard")
    at(frozen_clock, later)
    legal.hold_hearing(marek, action_id, hearing_id=hearing.id, result="Evidence taken")
    with pytest.raises(Refused, match="Only an arbitration"):
        legal.decide(marek, action_id, on=later, text="Award", is_award=True)
    legal.decide(marek, action_id, on=later, text="Decreed", amount=Decimal(5_000))
    legal.spend(marek, action_id, amount=Decimal(250), kind="court_fee", paid_on=later, is_recoverable=True)
    legal.spend(
        marek, action_id, amount=Decimal(50), kind="other", paid_on=later, is_recoverable=False, request_key="e"
    )
    legal.spend(
        marek, action_id, amount=Decimal(50), kind="other", paid_on=later, is_recoverable=False, request_key="e"
    )
    kept = row(session, action_id)
    assert (kept.status, kept.expenses, kept.recoverable) == ("decided", 300, 250)
    legal.close(marek, action_id, reason="decided", text="Decree")
    assert legal.detail(marek, action_id).acts == ()
    with pytest.raises(Refused, match="closed"):
        legal.note(marek, action_id, text="Too late")


def test_closing_takes_back_the_request_that_waits(session, marek, loan):
    action_id = opened(marek, loan, "suit")
    legal.ask_to_file(marek, action_id, reason="No payment")
    legal.close(marek, action_id, reason="mistake", text="Wrong borrower")
    status = session.execute(text("SELECT status FROM approval_request")).scalar_one()
    assert (status, row(session, action_id).status) == ("withdrawn", "closed")


def test_a_recall_is_not_filed_and_an_arbitration_waits_for_its_time(session, frozen_clock, marek, loan):
    recall = served(marek, loan, TODAY, "recall")
    with pytest.raises(Refused, match="not filed"):
        legal.ask_to_file(marek, recall, reason="x")
    assert row(session, recall).next_by == TODAY + timedelta(days=15)
    claim = served(marek, loan, TODAY, "arbitration")
    with pytest.raises(Refused, match="from 17 Jul 2025"):
        legal.file(marek, claim, on=TODAY, forum="Tribunal", case_number="1")


def test_a_clock_that_runs_out_soon_is_reminded_of_once(session, frozen_clock, marek, loan):
    action_id = opened(marek, loan)
    assert legal.alert(SYSTEM) == 0
    at(frozen_clock, MEMO + timedelta(days=23))
    assert legal.page(marek, legal.Wanted("soon")).rows[0].urgency == "Runs out soon"
    assert (legal.alert(SYSTEM), legal.alert(SYSTEM)) == (1, 0)
    assert session.execute(select(FollowUp.action)).scalars().all() == ["legal_step"]
    legal.issue(marek, action_id, how="courier")
    session.expire_all()
    assert session.execute(select(FollowUp.done_at)).scalar_one() is not None
    opened(marek, loan)
    at(frozen_clock, MEMO + timedelta(days=31))
    [late] = legal.page(marek, legal.Wanted("lapsed")).rows
    assert (late.urgency, late.days_left) == ("Ran out", -1)


def test_only_the_legal_officer_of_the_case_takes_steps(session, ana, marek, ada, anil, loan):
    action_id = opened(marek, loan)
    assert legal.page(ana, legal.Wanted()).rows == ()
    with pytest.raises(NotFound):
        legal.detail(ana, action_id)
    session.execute(text("UPDATE collection_case SET owner_id = :a"), {"a": ana.id})
    assert legal.detail(ana, action_id).acts == ()
    with pytest.raises(NotAllowed, match="legal officer"):
        legal.issue(ana, action_id, how="courier")
    session.execute(text("UPDATE collection_case SET owner_id = NULL"))
    case_people.add(marek, loan[0], user_id=ana.id, role="legal", reason="Leads it")
    assert [each.id for each in legal.page(ana, legal.Wanted()).rows] == [action_id]
    assert legal.page(ana, legal.Wanted()).rows[0].officer_name == "Ana Pereira"
    legal.issue(ana, action_id, how="courier")
    assert legal.detail(ada, action_id).acts == ()
    for act in (lambda: legal.note(ada, action_id, text="x"), lambda: legal.page(anil, legal.Wanted()),
                lambda: legal.save(ana, "s138", title="t", body="b", reason="r", based_on=1),
                lambda: legal.request(ana, legal.Choice("recall"), how="courier"),
                lambda: legal.configure(ana, hold_kinds=(), alert_days=3)):  # fmt: skip
        with pytest.raises(NotAllowed):
            act()


def test_the_list_is_paged_by_what_runs_out_next_and_exported_without_names(session, marek):
    for day in (3, 1, 2):
        pair = builders.make_overdue(session, dpd=45, name="Secret Name")
        opened(marek, pair, dishonour=legal.Dishonour("insufficient_funds", date(2025, 6, day), "1"))
        opened(marek, pair, "other")
    seen, after = [], None
    while True:
        page = legal.page(marek, legal.Wanted(), after=after, limit=2)
        seen += page.rows
        after = page.next_after
        if after is None:
            break
    assert [each.next_by for each in seen] == [*(date(2025, 7, day) for day in (1, 2, 3)), None, None, None]
    assert len({each.id for each in seen}) == 6
    assert "Secret" not in str(legal.export(marek, legal.Wanted()))
    assert legal.figures(marek).open == 6


def test_events_cannot_be_changed(session, marek, loan):
    action_id = opened(marek, loan)
    legal.note(marek, action_id, text="Kept")
    with pytest.raises(Exception, match=r"append|refuse|permission|change"), session.begin_nested():
        session.execute(text("UPDATE legal_event SET text = 'other'"))


@given(moves=st.lists(st.sampled_from(["issue", "serve", "lost", "pay", "reverse", "void", "expense"]), max_size=8))
@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_stored_is_what_a_replay_from_the_facts_gives(session, frozen_clock, marek, moves):
    at(frozen_clock, TODAY)
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    action_id = opened(marek, (borrower_id, loan_id))
    paid = []
    for move in moves:
        try:
            _move(session, marek, action_id, loan_id, move, paid)
        except Refused:
            continue
    kept = row(session, action_id)
    from services.legal.clock import STORED
    from services.legal.settling import standings

    state = standings(session, [action_id])[action_id].state
    assert {name: getattr(kept, name) for name in STORED} == {name: getattr(state, name) for name in STORED}


def _move(session, actor, action_id, loan_id, move, paid):
    if move == "issue":
        legal.record_sent(actor, action_id, on=TODAY, how="courier")
    elif move in {"serve", "lost"}:
        legal.received(actor, action_id, on=TODAY, returned="left" if move == "lost" else None)
    elif move == "pay":
        paid.append(builders.make_payment(session, loan_id, TODAY, 2_500))
    elif move == "reverse" and paid:
        builders.make_reversal(session, loan_id, TODAY, 2_500, paid.pop())
    elif move == "void":
        events = [each for each in legal.detail(actor, action_id).events if not each.is_void and each.kind != "voided"]
        if events:
            legal.void(actor, action_id, event_id=events[-1].id, reason="Mistake")
    elif move == "expense":
        legal.spend(actor, action_id, amount=Decimal(10), kind="postage", paid_on=TODAY, is_recoverable=True)
    restating.facts_changed(session, [loan_id], from_date=TODAY, cause="payment")


def test_of_two_who_send_the_notice_at_once_one_is_told(database, frozen_clock):
    from contextvars import copy_context
    from threading import Barrier, Thread

    with transaction() as session:
        leader = make_actor(session, "marek", "Marek Nowak", Role.LEADER)
        borrower_id, loan_id = builders.make_overdue(session, dpd=45)
        builders.make_address(session, borrower_id)
    action_id = opened(leader, (borrower_id, loan_id))
    start, answers = Barrier(2), []

    def send():
        start.wait()
        try:
            legal.issue(leader, action_id, how="courier")
            answers.append("sent")
        except Refused as refusal:
            answers.append(refusal.message)

    threads = [Thread(target=copy_context().run, args=(send,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer == "sent" for answer in answers) == [False, True]
    with reading() as session:
        assert session.execute(text("SELECT count(*) FROM legal_event")).scalar_one() == 1
