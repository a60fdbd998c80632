import pytest
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.work import Allocation, CollectionCase
from services import allocation
from services.allocation import RecallKind
from services.errors import InvalidInput
from tests import builders

pytestmark = pytest.mark.usefixtures("frozen_clock")


def make_case(session, owner):
    borrower_id, _ = builders.make_overdue(session)
    return builders.make_case(session, borrower_id, owner_id=owner.id if owner else None)


def test_recalled_case_is_nobodys_with_its_kind_and_reason(session, marek, ana):
    mine, nobodys = make_case(session, ana), make_case(session, None)
    session.execute(text("UPDATE collection_case SET held_by = :id, held_until = 'infinity'"), {"id": ana.id})
    taken = allocation.recall(
        session, marek, [mine, nobodys], reason=" Complaint 12 is open ", kind=RecallKind.COMPLAINT
    )
    assert taken == 1
    case = session.execute(select(CollectionCase.owner_id, CollectionCase.held_by).where(CollectionCase.id == mine))
    assert case.one() == (None, None)
    history = session.execute(select(Allocation.case_id, Allocation.owner_id, Allocation.kind, Allocation.reason)).all()
    assert history == [(mine, None, "complaint", "Complaint 12 is open")]


def test_recall_leaves_the_event_to_the_act_that_asks_for_it(session, marek, ana):
    allocation.recall(session, marek, [make_case(session, ana)], reason="x", kind="other")
    assert session.execute(select(AuditEvent.action)).all() == []


def test_recall_wants_a_reason_and_a_known_kind(session, marek, ana):
    case_id = make_case(session, ana)
    with pytest.raises(InvalidInput):
        allocation.recall(session, marek, [case_id], reason=" ", kind="complaint")
    with pytest.raises(InvalidInput):
        allocation.recall(session, marek, [case_id], reason="x", kind="whim")
