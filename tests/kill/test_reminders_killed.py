"""Workers killed -9 while reminders go out: none is lost, and none arrives twice."""

import asyncio
from collections import Counter
from datetime import timedelta
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from db.embedded_state import free_port
from db.engine import transaction
from services import lender, personal_data, reminders
from services.actors import SYSTEM
from settings import settings
from tests.builders import make_borrower, make_loan, make_state
from tests.conftest import wait_until
from tests.processes import kill_tree, lease_ends, request, run_row, started

pytestmark = pytest.mark.kill

BORROWERS = 40


class SlowMailbox:
    """Takes a little time over each message, so that kills meet every step."""

    def __init__(self):
        self.taken = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        await asyncio.sleep(0.01)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        await asyncio.sleep(0.02)
        self.taken.append(message_from_bytes(envelope.content)["Message-ID"])
        await asyncio.sleep(0.02)
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch):
    box = SlowMailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(controller.port)), ("STARTTLS", "false")):
        monkeypatch.setenv(f"RECOUP_SMTP_{name}", value)
    settings.cache_clear()
    yield box
    controller.stop()
    monkeypatch.undo()
    settings.cache_clear()


def plan_for_all():
    with transaction() as session:
        today = lender.load(session).today
        for number in range(BORROWERS):
            borrower_id = make_borrower(session)
            address = f"borrower{number}@example.in"
            session.execute(
                text("""INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint)
                        VALUES (:b, 'email', :e, :i, 'm•••')"""),
                {"b": borrower_id, "e": personal_data.encrypt(address), "i": personal_data.blind_index(address)},
            )
            make_state(session, make_loan(session, borrower_id), dpd=2, as_of=today)
    assert reminders.plan(SYSTEM).planned == BORROWERS


def statuses():
    with transaction() as session:
        return Counter(session.execute(text("SELECT status FROM message")).scalars())


def leases_end(run_id):
    """As if minutes had passed since the kill."""
    lease_ends(run_id)
    with transaction() as session:
        session.execute(text("UPDATE message SET claimed_until = now() - interval '1 s' WHERE claimed_until > now()"))


def test_no_reminder_is_lost_and_none_arrives_twice(quiet, queue_url, mailbox, tmp_path):
    plan_for_all()
    run_id = request("reminders.send", max_attempts=50)
    with started("cron", tmp_path / "log"):
        for kills in (1, 2, 3):
            with started("worker", tmp_path / "log") as worker:
                wait_until(lambda goal=kills * 8: len(mailbox.taken) >= goal, 30, "sending")
                kill_tree(worker)
            leases_end(run_id)
        with started("worker", tmp_path / "log"):
            wait_until(lambda: run_row(run_id).status == "done", 40, "the rest")
            leases_end(run_id)
            again = request("reminders.send")
            wait_until(lambda: run_row(again).status == "done", 20, "a further round")
    assert max(Counter(mailbox.taken).values()) == 1
    final = statuses()
    assert final["sent"] + final["unknown"] == BORROWERS
    assert final["unknown"] <= 3  # at most the one in hand at each kill
    with transaction() as session:
        sent = session.execute(text("SELECT transport_id FROM message WHERE status = 'sent'")).scalars().all()
    assert set(sent) <= set(mailbox.taken)
    assert run_row(run_id).attempts == 4
    assert timedelta(0) < run_row(run_id).finished_at - run_row(run_id).created_at
