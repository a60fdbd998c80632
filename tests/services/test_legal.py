"""Legal actions: opened on good cause, run against statutory clocks, filed by two people, noticed by the batch."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.engine import reading, transaction
from db.models.audit import AuditEvent
from db.models.legal import LegalAction
from db.models.owes import ContactPoint, MandatePresentation
from db.models.work import FollowUp
from services import approvals, case_people, documents, holds, legal, personal_data, restating, timeline
from services.actors import SYSTEM, Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.legal.clock import Happened, Money, Opened, months_after, replay
from services.legal.texts import filled
from services.legal.values import Lengths
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India
MEMO = date(2025, 6, 10)
BOUNCE = Lengths(30, 15, 1)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def loan(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera {lender} Iyer")
    _address(session, borrower_id)
    builders.make_case(session, borrower_id, max_dpd=45, stage="legal")
    return borrower_id, loan_id


@pytest.fixture
def leela(session):
    return make_actor(session, "leela", "Leela Menon", Role.LEADER)


def _address(session, borrower_id, where="12 Hill Road, Pune 411001"):
    session.add(
        ContactPoint(
            borrower_id=borrower_id,
            kind="address",
            value_encrypted=personal_data.encrypt(where),
            value_index=personal_data.blind_index(where),
            value_hint=personal_data.mask_address(where),
        )
    )
    session.flush()


def entry(loan_id, kind="s138", amount=5_000, **over):
    bounce = legal.Dishonour("insufficient_funds", MEMO, "123456", date(2025, 6, 5))
    values = {"dishonour": bounce if kind in legal.BOUNCES else None, **over}
    return legal.Entry(kind, (loan_id,), Decimal(amount), "No answer to reminders", **values)


def opened(actor, loan, kind="s138", **over):
    return legal.open_action(actor, loan[0], entry(loan[1], kind, **over))


def at(frozen_clock, day):
    frozen_clock(datetime(day.year, day.month, day.day, 5, 30, tzinfo=UTC))


def row(session, action_id):
    session.expire_all()
    return session.get_one(LegalAction, action_id)


def approve(session, decider, action_id):
    request = session.execute(
        text(
            "SELECT id FROM approval_request"
            " WHERE subject_kind = 'legal_action' AND subject_id = :id AND status = 'waiting'"
        ),
        {"id": action_id},
    ).scalar_one()
    approvals.decide(decider, request, approve=True, reason="Right.")


def served(actor, loan, on, kind="s138", **over):
    action_id = opened(actor, loan, kind, **over)
    legal.issue(actor, action_id, how="registered_post")
    legal.received(actor, action_id, on=on)
    return action_id


# --- clocks: pure ---------------------------------------------------------------------------------------------------


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


# --- opening --------------------------------------------------------------------------------------------------------


def test_opening_keeps_the_instrument_and_starts_the_clock_as_one_act(session, marek, loan):
    before = len(session.execute(select(AuditEvent.id)).all())
    action_id = legal.open_action(marek, loan[0], entry(loan[1]), request_key="k")
    assert legal.open_action(marek, loan[0], entry(loan[1]), request_key="k") == action_id
    kept = row(session, action_id)
    assert (kept.status, kept.notice_by, kept.next_step, kept.next_by) == (
        "opened",
        MEMO + timedelta(days=30),
        "notice",
        MEMO + timedelta(days=30),
    )
    assert len(session.execute(select(AuditEvent.id)).all()) == before + 1
    assert "LEG-" in timeline.of(marek, loan[0], kinds=["legal"]).entries[0].title


@pytest.mark.parametrize("reason", ["account_closed", "payment_stopped", "signature_differs"])
def test_an_auto_debit_needs_want_of_funds_and_a_cheque_does_not(session, marek, loan, reason):
    bounce = legal.Dishonour(reason, MEMO, "123456")
    with pytest.raises(Refused, match="gives no cause"):
        opened(marek, loan, "s25", dishonour=bounce)
    assert opened(marek, loan, "s138", dishonour=bounce)


@pytest.mark.parametrize("kind", ["s138", "s25"])
def test_a_technical_return_gives_no_cause(marek, loan, kind):
    with pytest.raises(Refused, match="gives no cause"):
        opened(marek, loan, kind, dishonour=legal.Dishonour("technical", MEMO, "1"))


def test_a_bounce_of_the_book_is_offered_with_its_reason_and_taken_once(session, marek, loan):
    made = MandatePresentation(
        loan_id=loan[1], reference="E-77", presented_on=date(2025, 6, 8), amount=Decimal(4_000), result="bounced",
        reason="Insufficient Funds",
    )  # fmt: skip
    session.add(made)
    session.flush()
    [bounce] = legal.bounces(marek, loan[0])
    assert (bounce.code, bounce.is_taken) == ("insufficient_funds", False)
    of_it = legal.Dishonour(bounce.code, MEMO, bounce.reference, bounce.presented_on, bounce.id)
    with pytest.raises(InvalidInput, match="demand no more"):
        opened(marek, loan, "s25", amount=4_001, dishonour=of_it)
    opened(marek, loan, "s25", amount=4_000, dishonour=of_it)
    with pytest.raises(Conflict):
        opened(marek, loan, "s25", amount=4_000, dishonour=of_it)
    assert legal.bounces(marek, loan[0])[0].is_taken


def test_a_hold_follows_where_the_settings_say_so_and_ends_with_the_action(session, marek, loan):
    opened(marek, loan, "s138")
    assert holds.active(session, loan[0], as_of=TODAY) == []
    action_id = opened(marek, loan, "suit")
    assert [hold.kind for hold in holds.active(session, loan[0], as_of=TODAY)] == ["legal"]
    legal.close(marek, action_id, reason="withdrawn", text="Settled by talks")
    assert holds.active(session, loan[0], as_of=TODAY) == []


def test_wrong_fields_are_told_together(marek, loan):
    with pytest.raises(InvalidInput) as wrong:
        legal.open_action(marek, loan[0], legal.Entry("suit", (), Decimal(0), " "))
    assert set(wrong.value.fields) == {"loans", "amount", "reason"}


# --- the days of the clocks -----------------------------------------------------------------------------------------


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


# --- before the court -----------------------------------------------------------------------------------------------


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


# --- texts and PDF --------------------------------------------------------------------------------------------------


def test_the_notice_is_kept_with_its_fingerprint(session, marek, loan):
    action_id = opened(marek, loan)
    legal.issue(marek, action_id, how="speed_post")
    [document] = legal.detail(marek, action_id).documents
    content = documents.fetch(marek, document.id).content
    assert content.startswith(b"%PDF-")
    event = session.execute(select(AuditEvent.after).where(AuditEvent.action == "legal.notice_issued")).scalar_one()
    assert event["sha256"] == document.sha256


def test_a_borrowers_braces_stay_braces_and_hidden_signs_are_dropped():
    told = filled("Dear {borrower_name},\n\n{amount}", {"borrower_name": "{amount}\n\x07 {x.y}", "amount": "₹5"})
    assert told == ["Dear {amount} {x.y},", "₹5"]


@pytest.mark.parametrize(
    "body",
    [
        "{amount} {instrument_number} {borrower_name.__class__}",
        "{amount} {instrument_number} {amount!r}",
        "{amount} {instrument_number} {0}",
        "{amount} {instrument_number} {{ 7*7 }}",
        "{amount} {instrument_number} { }",
        "{amount} {instrument_number} }",
        "{amount} only",
    ],
)
def test_a_text_names_fields_and_nothing_else(session, marek, body):
    with pytest.raises(InvalidInput):
        legal.save(marek, "s138", title="Notice", body=body, reason="test", based_on=1)


def test_a_saved_text_is_a_new_version_and_two_editors_do_not_overwrite(session, marek, leela):
    body = "Pay {amount} for {instrument_number}."
    assert legal.save(marek, "s138", title="Notice", body=body, reason="Shorter", based_on=1) == 2
    with pytest.raises(Conflict):
        legal.save(leela, "s138", title="Notice", body=body, reason="Mine", based_on=1)
    assert [each.version for each in legal.templates(leela, "s138")] == [2, 1]


def test_no_notice_without_address_or_to_the_deceased(session, marek):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    action_id = opened(marek, (borrower_id, loan_id), "recall")
    with pytest.raises(Refused, match="No address"):
        legal.issue(marek, action_id, how="courier")
    _address(session, borrower_id)
    builders.make_hold(session, borrower_id, kind="deceased", starts_on=TODAY)
    with pytest.raises(Refused, match="deceased"):
        legal.issue(marek, action_id, how="courier")


# --- batches --------------------------------------------------------------------------------------------------------


def test_a_batch_makes_one_notice_each_and_takes_the_carriers_numbers_back(session, marek, loan):
    without, _other = builders.make_overdue(session, dpd=50, name="Nobody Home")
    builders.make_case(session, without, stage="legal", max_dpd=50)
    assert legal.recallable(marek, stage="legal", min_dpd=30) == 2
    assert legal.open_recalls(marek, stage="legal", min_dpd=30, reason="Ninety days") == 2
    with pytest.raises(Refused):
        legal.open_recalls(marek, stage="legal", min_dpd=30, reason="Ninety days")
    choice = legal.Choice("recall")
    assert legal.awaiting(marek, choice) == 2
    batch_id = legal.request(marek, choice, how="registered_post", request_key="b")
    assert legal.request(marek, choice, how="registered_post", request_key="b") == batch_id
    assert legal.produce(batch_id, lambda *_: None) == 1
    assert legal.produce(batch_id, lambda *_: None) == 0
    [batch] = legal.batches(marek)
    assert (batch.actions, batch.issued, batch.refused, batch.is_done) == (2, 1, 1, True)
    assert "No address" in legal.refusals(marek, batch_id)[0][1]
    listed = legal.dispatch_list(marek, batch_id).decode("utf-8-sig").splitlines()
    assert "Hill Road" in listed[1]
    reference = listed[1].split(",")[0]
    sent = f"reference,tracking_number\n{reference},RM123IN\nLEG-99999,X\n".encode()
    first = legal.upload_dispatch(marek, batch_id, sent)
    again = legal.upload_dispatch(marek, batch_id, sent)
    assert (first.recorded, len(first.wrong), again.recorded, again.unchanged) == (1, 1, 0, 1)
    with pytest.raises(InvalidInput):
        legal.upload_dispatch(marek, batch_id, b"a,b\n1,2\n")
    assert legal.notices_zip(marek, batch_id).startswith(b"PK")


# --- reminders and who may ------------------------------------------------------------------------------------------


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
        _address(session, borrower_id)
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
