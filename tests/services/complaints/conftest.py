"""What tests of complaints share: who and what they begin with."""

import pytest

from services import cases
from tests import builders
from tests.services.complaints.cases import TODAY


@pytest.fixture
def borrower(session, ana):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    cases.refresh_for(session, TODAY, [borrower_id])
    return borrower_id
