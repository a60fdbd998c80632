"""Acts and looks that tests of settlements share."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select, text

from db.models.settlements import Settlement as Row
from services import approvals, cases, delinquency, settlements
from services.actors import Role
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)


def owing(session, *, attributes=None, owner_id=None):
    """A loan of 10 instalments of 10,000 of which five fell due and are unpaid: 1,00,000 owed, 50,000 overdue."""
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id, attributes=attributes or {})
    for number in range(1, 11):
        builders.make_instalment(session, loan_id, number, date(2025, 1, 10) + timedelta(days=30 * number))
    builders.make_case(session, borrower_id, owner_id=owner_id)
    delinquency.derive(session, TODAY, [loan_id])
    cases.refresh_for(session, TODAY, [borrower_id])
    return loan_id


def leader(session, name, level):
    made = make_actor(session, name, name.capitalize(), Role.LEADER)
    session.execute(
        text("INSERT INTO authority (user_id, level) VALUES (:u, :l) ON CONFLICT (user_id) DO UPDATE SET level = :l"),
        {"u": made.id, "l": level},
    )
    return made


def terms(loan_id, *, waive=40_000, parts=None, valid_until=TODAY + timedelta(days=5), reason="Lost the shop"):
    rows = parts or ((TODAY + timedelta(days=10), Decimal(100_000 - waive)),)
    return settlements.Terms(
        loan_id, settlements.Components(principal=Decimal(waive)), tuple(rows), valid_until, reason
    )


def request_of(session, settlement_id):
    return session.execute(
        text(
            "SELECT id, level, amount, percent FROM approval_request"
            " WHERE subject_kind = 'settlement' AND subject_id = :s"
        ),
        {"s": settlement_id},
    ).one()


def offered(session, actor, boss, loan_id, **over):
    made = settlements.propose(actor, terms(loan_id, **over))
    approvals.decide(boss, request_of(session, made.id).id, approve=True, reason="Board policy 4.2")
    return made


def status(session, settlement_id):
    return session.execute(select(Row.status).where(Row.id == settlement_id)).scalar_one()
