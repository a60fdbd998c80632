"""Reminders: who is reminded when, through the gate, exactly once, in plain words; and what a payment cancels."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.policy import default
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from db.embedded_state import free_port
from services import clock, mail, personal_data, reminders
from services.actors import SYSTEM
from services.errors import Conflict, NotAllowed
from settings import settings
from tests.builders import make_borrower, make_loan, make_promise, make_state

INDIA = ZoneInfo("Asia/Kolkata")
TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India
pytestmark = pytest.mark.usefixtures("frozen_clock")


class Mailbox:
    """A real SMTP server that keeps what it takes, and refuses what the test tells it to."""

    def __init__(self):
        self.taken, self.rcpt_reply, self.data_reply = [], None, None

    async def handle_RCPT(self, server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's names
        if self.rcpt_reply == "drop":
            server.transport.abort()
        if self.rcpt_reply:
            return self.rcpt_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        if self.data_reply == "drop":
            server.transport.abort()
            return "250 never heard"
        if self.data_reply:
            return self.data_reply
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    with configured(monkeypatch, controller.port):
        yield box
    controller.stop()


@contextmanager
def configured(monkeypatch, port):
    monkeypatch.setenv("RECOUP_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("RECOUP_SMTP_PORT", str(port))
    monkeypatch.setenv("RECOUP_SMTP_STARTTLS", "false")
    monkeypatch.setenv("RECOUP_SMTP_FROM", "care@lender.example")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def email(session, borrower_id, address="meera@example.in", **over):
    values = {"consent": None, "dnc": False} | over
    session.execute(
        text("""INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint, consent,
                do_not_contact) VALUES (:b, 'email', :e, :i, 'm•••', :consent, :dnc)"""),
        {"b": borrower_id, "e": personal_data.encrypt(address), "i": personal_data.blind_index(address), **values},
    )


def overdue(session, days=2, *, address="meera@example.in", **state):
    """A loan that fell overdue so many days ago, of a borrower with an e-mail address."""
    borrower_id = make_borrower(session)
    email(session, borrower_id, address)
    loan_id = make_loan(session, borrower_id)
    make_state(session, loan_id, dpd=days, overdue_amount=Decimal("123456.50"), **state)
    return loan_id


def upcoming(session, days):
    borrower_id = make_borrower(session)
    email(session, borrower_id)
    loan_id = make_loan(session, borrower_id)
    due = TODAY + timedelta(days=days)
    make_state(session, loan_id, next_due_on=due, next_due_amount=Decimal("8500.00"))
    return loan_id


def messages(session):
    return session.execute(text("SELECT * FROM message ORDER BY id")).all()


def the_message(session):
    (only,) = messages(session)
    return only


# --- planning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "rule"), [(2, "2 days overdue"), (10, "10 days overdue"), (45, "45 days overdue")])
def test_each_stage_of_being_overdue_has_its_reminder(session, days, rule):
    overdue(session, days)
    assert reminders.plan(SYSTEM) == reminders.PlanSummary(planned=1, blocked=0)
    name = session.execute(text("SELECT r.name FROM message m JOIN reminder_rule r ON r.id = rule_id")).scalar_one()
    assert name == rule


@pytest.mark.parametrize("days", [0, 1, 5, 9, 30, 60, 200])
def test_on_other_days_nothing_is_planned(session, days):
    overdue(session, days)
    assert reminders.plan(SYSTEM).planned == 0


def test_planning_again_plans_nothing_new(session):
    overdue(session)
    upcoming(session, 3)
    assert reminders.plan(SYSTEM).planned == 2
    assert reminders.plan(SYSTEM).planned == 0


@pytest.mark.parametrize(("days", "planned"), [(4, 0), (3, 1), (1, 1), (0, 0), (-1, 0)])
def test_a_reminder_before_the_due_date_may_be_late_but_not_after_it(session, days, planned):
    upcoming(session, days)
    # 3 days before; a day or two late when the planner was down; never on a day when it would come too late to pay
    assert reminders.plan(SYSTEM).planned == planned


def test_who_has_no_usable_address_is_not_planned(session):
    for usable in ({"dnc": True}, {"consent": False}):
        borrower_id = make_borrower(session)
        email(session, borrower_id, **usable)
        make_state(session, make_loan(session, borrower_id), dpd=2)
    assert reminders.plan(SYSTEM).planned == 0


def test_a_promise_is_reminded_of_but_the_debt_is_not(session):
    loan_id = overdue(session, 10)
    make_promise(session, loan_id, promised_on=TODAY, due_on=TODAY + timedelta(days=1))
    assert reminders.plan(SYSTEM) == reminders.PlanSummary(planned=2, blocked=0)
    by_anchor = dict(
        session.execute(
            text("SELECT r.anchor, m.send_after FROM message m JOIN reminder_rule r ON r.id = m.rule_id")
        ).all()
    )
    assert by_anchor["promise"] == datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
    assert by_anchor["oldest_due"] == datetime(2025, 6, 18, 8, tzinfo=INDIA)  # when the promise is over


def test_each_date_of_a_promise_is_reminded_of_for_itself(session, frozen_clock):
    loan_id = overdue(session, 10)
    first = make_promise(session, loan_id, promised_on=TODAY, due_on=TODAY + timedelta(days=1), amount=100)
    later = TODAY + timedelta(days=8)
    make_promise(session, loan_id, promised_on=TODAY, due_on=later, amount=200, part=2, whole_id=first)
    reminders.plan(SYSTEM)
    anchors = "SELECT m.anchor_on FROM message m JOIN reminder_rule r ON r.id = m.rule_id WHERE r.anchor = 'promise'"
    assert session.execute(text(anchors)).scalars().all() == [TODAY + timedelta(days=1)]
    frozen_clock(datetime(2025, 6, 23, 11, tzinfo=INDIA))
    reminders.plan(SYSTEM)
    assert session.execute(text(anchors + " ORDER BY 1")).scalars().all() == [TODAY + timedelta(days=1), later]


def test_at_night_it_is_planned_for_the_morning(session, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 21, tzinfo=INDIA))
    overdue(session)
    reminders.plan(SYSTEM)
    assert the_message(session).send_after == datetime(2025, 6, 17, 8, tzinfo=INDIA)
    assert reminders.send_due(SYSTEM).sent == 0


def test_on_hold_it_is_blocked_with_the_reason(session):
    loan_id = overdue(session)
    session.execute(
        text("INSERT INTO hold (borrower_id, kind, reason, starts_on) SELECT borrower_id, 'deceased', 'r', '2025-06-01'"
             " FROM loan WHERE id = :l"), {"l": loan_id},
    )  # fmt: skip
    assert reminders.plan(SYSTEM) == reminders.PlanSummary(planned=0, blocked=1)
    assert the_message(session).status_reason == "On hold: the borrower has died."


# --- sending --------------------------------------------------------------------------------------------------------


def test_a_message_reaches_the_mail_server_in_the_lenders_words(session, mailbox):
    loan_id = overdue(session)
    number = session.execute(text("SELECT external_id FROM loan WHERE id = :l"), {"l": loan_id}).scalar_one()
    reminders.plan(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 1
    (taken,) = mailbox.taken
    assert taken["To"] == "meera@example.in"
    assert taken["Date"].datetime == clock.now()
    assert taken["Subject"] == f"₹1,23,456.50 of your loan {number} is overdue"
    body = taken.get_content()
    assert "since 14 June 2025" in body
    assert "grievance officer at care@lender.example" in body
    row = the_message(session)
    assert (row.status, row.transport, row.transport_id) == ("sent", "smtp", taken["Message-ID"])
    assert row.body.strip() == body.replace("\r\n", "\n").strip()
    assert row.gate_decision_id is not None


def test_a_sender_with_a_name_sends_and_gives_messages_ids_of_its_domain(session, mailbox, monkeypatch):
    monkeypatch.setenv("RECOUP_SMTP_FROM", "Lender Care <care@lender.example>")
    settings.cache_clear()
    overdue(session)
    reminders.plan(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 1
    (taken,) = mailbox.taken
    assert taken["From"] == "Lender Care <care@lender.example>"
    row = the_message(session)
    assert row.transport_id == f"<recoup-{row.id}@lender.example>" == taken["Message-ID"]


def test_sending_again_sends_nothing(session, mailbox):
    overdue(session)
    reminders.plan(SYSTEM)
    reminders.send_due(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 0
    assert len(mailbox.taken) == 1


def test_without_a_mail_server_the_outbox_keeps_it(session):
    overdue(session)
    reminders.plan(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 1
    row = the_message(session)
    assert (row.status, row.transport) == ("sent", "outbox")
    assert "₹1,23,456.50" in row.subject


def test_an_english_text_has_english_dates_whatever_the_lenders_locale(session):
    session.execute(text("UPDATE lender SET locale = 'ja_JP'"))
    overdue(session)
    reminders.plan(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 1
    assert "since 14 June 2025" in the_message(session).body


def test_what_was_paid_after_planning_is_cancelled(session, mailbox):
    loan_id = overdue(session)
    reminders.plan(SYSTEM)
    session.execute(text("UPDATE loan_state SET overdue_amount = 0, oldest_due_on = NULL WHERE loan_id = :l"),
                    {"l": loan_id})  # fmt: skip
    assert reminders.send_due(SYSTEM).sent == 0
    assert (the_message(session).status, mailbox.taken) == ("cancelled", [])


def test_the_gate_is_asked_again_when_sent(session, mailbox):
    loan_id = overdue(session)
    reminders.plan(SYSTEM)
    make_promise(session, loan_id, promised_on=TODAY, due_on=TODAY + timedelta(days=1))
    assert reminders.send_due(SYSTEM).sent == 0
    row = the_message(session)
    assert (row.status, row.send_after) == ("planned", datetime(2025, 6, 18, 8, tzinfo=INDIA))
    assert mailbox.taken == []


def test_one_e_mail_a_day_whatever_the_number_of_loans(session, mailbox):
    loan_id = overdue(session)
    borrower_id = session.execute(text("SELECT borrower_id FROM loan WHERE id = :l"), {"l": loan_id}).scalar_one()
    make_state(session, make_loan(session, borrower_id), dpd=2)
    assert reminders.plan(SYSTEM).planned == 2
    assert reminders.send_due(SYSTEM).sent == 1
    waiting = next(row for row in messages(session) if row.status == "planned")
    assert waiting.send_after == datetime(2025, 6, 17, 8, tzinfo=INDIA)
    assert "at most 1 a day" in waiting.status_reason


def test_an_address_withdrawn_after_planning_is_not_used(session, mailbox):
    overdue(session)
    reminders.plan(SYSTEM)
    session.execute(text("UPDATE contact_point SET consent = false"))
    assert reminders.send_due(SYSTEM).sent == 0
    assert (the_message(session).status, mailbox.taken) == ("blocked", [])


@pytest.mark.parametrize("stage", ["rcpt_reply", "data_reply"])
def test_refused_for_good_is_failed_with_the_servers_words(session, mailbox, stage):
    overdue(session)
    reminders.plan(SYSTEM)
    setattr(mailbox, stage, "550 no such mailbox")
    assert reminders.send_due(SYSTEM).not_sent == 1
    row = the_message(session)
    assert (row.status, row.sent_at) == ("failed", None)
    assert "no such mailbox" in row.status_reason


@pytest.mark.parametrize("stage", ["rcpt_reply", "data_reply"])
def test_refused_for_now_is_tried_later(session, mailbox, frozen_clock, stage):
    overdue(session)
    reminders.plan(SYSTEM)
    setattr(mailbox, stage, "451 try later")
    reminders.send_due(SYSTEM)
    assert the_message(session).status == "planned"
    setattr(mailbox, stage, None)
    assert reminders.send_due(SYSTEM).sent == 0
    frozen_clock(datetime(2025, 6, 16, 11, 15, tzinfo=INDIA))
    assert reminders.send_due(SYSTEM).sent == 1
    assert len(mailbox.taken) == 1


def test_a_connection_lost_while_the_text_goes_over_is_never_repeated(session, mailbox, marek, frozen_clock):
    overdue(session)
    reminders.plan(SYSTEM)
    mailbox.data_reply = "drop"
    with pytest.raises(mail.MailServerUnreachable):
        reminders.send_due(SYSTEM)
    assert the_message(session).status == "unknown"
    mailbox.data_reply = None
    frozen_clock(datetime(2025, 6, 16, 15, tzinfo=INDIA))
    assert reminders.send_due(SYSTEM).sent == 0
    reminders.send_again(marek, the_message(session).id, reason="The borrower says that nothing came.")
    # the first may have arrived: the gate counts it no more once a person has decided
    assert reminders.send_due(SYSTEM).sent == 1
    assert len(mailbox.taken) == 1


def test_without_the_server_nothing_is_lost(session, monkeypatch):
    overdue(session)
    reminders.plan(SYSTEM)
    with configured(monkeypatch, 1), pytest.raises(mail.MailServerUnreachable, match=r"127\.0\.0\.1:1 cannot be used"):
        reminders.send_due(SYSTEM)
    assert (the_message(session).status, the_message(session).attempts) == ("planned", 0)


def test_a_server_that_went_away_keeps_nobody_waiting_and_counts_for_nobody_else(session, mailbox):
    for number in range(3):
        overdue(session, address=f"meera{number}@example.in")
    reminders.plan(SYSTEM)
    mailbox.rcpt_reply = "drop"
    for _ in range(2):
        with pytest.raises(mail.MailServerUnreachable):
            reminders.send_due(SYSTEM)
    waiting = messages(session)
    assert {row.status for row in waiting} == {"planned"}
    assert sum(row.attempts for row in waiting) == 2  # only what was begun
    mailbox.rcpt_reply = None
    assert reminders.send_due(SYSTEM).sent == 3
    assert len(mailbox.taken) == 3


def left_in(session, status):
    """As a worker killed in that step leaves a message."""
    overdue(session)
    reminders.plan(SYSTEM)
    session.execute(
        text("UPDATE message SET status = :s, attempts = 1, claimed_until = :until"),
        {"s": status, "until": datetime(2025, 6, 16, 5, 29, tzinfo=UTC)},
    )


def test_killed_before_the_hand_over_it_is_sent_by_the_next(session, mailbox):
    left_in(session, "claimed")
    assert reminders.send_due(SYSTEM).sent == 1


def test_killed_in_the_hand_over_it_is_left_to_a_person(session, mailbox, marek, ana):
    left_in(session, "handing_over")
    assert reminders.has_due(session)
    summary = reminders.send_due(SYSTEM)
    assert (summary.sent, summary.unknown, mailbox.taken) == (0, 1, [])
    message_id = the_message(session).id
    with pytest.raises(NotAllowed):
        reminders.resolve_arrived(ana, message_id, reason="The server's log has it.")
    reminders.resolve_arrived(marek, message_id, reason="The server's log has it.")
    assert the_message(session).status == "sent"
    event = session.execute(text("SELECT action, reason FROM audit_event")).one()
    assert event == ("message.arrived", "The server's log has it.")
    with pytest.raises(Conflict):
        reminders.send_again(marek, message_id, reason="Once more.")


@pytest.mark.parametrize("address", ["two words@example.in", "a@b>\r\nRCPT TO:<x@y", "no-at-sign", "प्रिया@example.in"])
def test_an_address_that_is_none_fails_alone(session, mailbox, address):
    overdue(session, address=address)
    overdue(session)
    reminders.plan(SYSTEM)
    assert reminders.send_due(SYSTEM).sent == 1
    assert sorted(row.status for row in messages(session)) == ["failed", "sent"]


@pytest.mark.parametrize("wrong", ["{{ nobody }}", "{{ amount", "{{ ''.__class__.__mro__ }}"])
def test_a_wrong_template_fails_with_its_reason(session, wrong):
    overdue(session)
    reminders.plan(SYSTEM)
    session.execute(text("UPDATE message_template SET body = :b"), {"b": wrong})
    assert reminders.send_due(SYSTEM).sent == 0
    assert (the_message(session).status, the_message(session).status_reason[:12]) == ("failed", "The template")


# --- cancelling and the outbox --------------------------------------------------------------------------------------


def test_a_payment_cancels_in_its_own_transaction(session):
    loan_id, other = overdue(session), overdue(session)
    reminders.plan(SYSTEM)
    assert reminders.cancel_for_loans(session, [loan_id], "Paid on 16 Jun 2025.") == 1
    assert reminders.cancel_for_loans(session, [], "Nobody.") == 0
    by_loan = {row.loan_id: (row.status, row.status_reason) for row in messages(session)}
    assert by_loan == {loan_id: ("cancelled", "Paid on 16 Jun 2025."), other: ("planned", None)}


def test_the_close_cancels_what_a_range_owes_no_more(session):
    loan_id, other = overdue(session), overdue(session)
    reminders.plan(SYSTEM)
    session.execute(text("UPDATE loan_state SET overdue_amount = 0 WHERE loan_id = :l"), {"l": loan_id})
    assert reminders.cancel_settled(session, 0, max(loan_id, other)) == 1


def test_the_outbox_lists_by_status_and_opens_one(session, marek, ana):
    overdue(session)
    upcoming(session, 3)
    reminders.plan(SYSTEM)
    reminders.send_due(SYSTEM)
    overdue(session)
    reminders.plan(SYSTEM)
    page = reminders.outbox(marek, status="sent")
    assert [message.status for message in page.messages] == ["sent", "sent"]
    assert reminders.counts(marek) == {"sent": 2, "planned": 1}
    assert reminders.outbox(marek, before_id=page.messages[0].id, limit=1).messages == [page.messages[1]]
    assert "Dear Meera Iyer" in reminders.opened(marek, page.messages[0].id).body
    with pytest.raises(NotAllowed):
        reminders.outbox(ana)


def test_a_rule_switched_off_plans_nothing(session, adam, marek):
    overdue(session)
    rule = next(rule for rule in reminders.reminder_rules(marek) if rule.name == "2 days overdue")
    with pytest.raises(NotAllowed):
        reminders.switch_rule(marek, rule.id, is_enabled=False)
    reminders.switch_rule(adam, rule.id, is_enabled=False)
    assert reminders.plan(SYSTEM).planned == 0
