"""What tests of legal share: who and what they begin with."""

import pytest

from services.actors import Role
from tests import builders
from tests.conftest import make_actor


@pytest.fixture
def loan(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Meera {lender} Iyer")
    builders.make_address(session, borrower_id)
    builders.make_case(session, borrower_id, max_dpd=45, stage="legal")
    return borrower_id, loan_id


@pytest.fixture
def leela(session):
    return make_actor(session, "leela", "Leela Menon", Role.LEADER)
