"""What tests of settlements share: who and what they begin with."""

import pytest

from tests.services.settlements.offers import leader, owing


@pytest.fixture
def loan(session, ana):
    return owing(session, owner_id=ana.id)


@pytest.fixture
def boss(session):
    return leader(session, "boss", 4)
