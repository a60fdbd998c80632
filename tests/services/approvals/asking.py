"""Acts and looks that tests of approvals share."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import text

from db.models.approvals import ApprovalRequest, Authority
from services import approvals
from services.actors import Role
from tests.conftest import make_actor

NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)


def leader(session, name, level=None):
    actor = make_actor(session, name.lower(), name, Role.LEADER)
    if level is not None:
        session.add(Authority(user_id=actor.id, level=level))
        session.flush()
    return actor


def ask(session, actor, amount=10_000, percent=None, subject_id=1, **over):
    return approvals.ask(
        session,
        actor,
        **{
            "kind": "waiver",
            "subject": ("waiver", subject_id),
            "borrower_id": None,
            "amount": Decimal(amount),
            "percent": Decimal(percent) if percent is not None else None,
            "reason": "Lost the job",
            "summary": f"waive {amount}",
            **over,
        },
    )


def request(session, request_id):
    session.expire_all()
    return session.get_one(ApprovalRequest, request_id)


def events(session, request_id):
    found = session.execute(
        text("SELECT event, level, actor_id FROM approval_event WHERE request_id = :id ORDER BY id"), {"id": request_id}
    )
    return [tuple(row) for row in found]
