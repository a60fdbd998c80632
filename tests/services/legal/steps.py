"""Acts and looks that tests of legal share."""

from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import text

from db.models.legal import LegalAction
from services import approvals, legal

TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India

MEMO = date(2025, 6, 10)


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
