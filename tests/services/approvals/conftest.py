"""What tests of approvals share: who and what they begin with."""

import pytest

from services import approvals
from services.approvals import kinds
from tests.services.approvals.asking import leader


@pytest.fixture
def done():
    """What the decisions of the kind 'waiver' did, in order."""
    did = []
    note = lambda what: lambda _, actor, subject_id: did.append((what, actor.id, subject_id))  # noqa: E731
    kinds.register(
        "waiver",
        approvals.Outcome(
            "Waiver",
            note("approved"),
            note("refused"),
            note("withdrawn"),
            facts=lambda _, subject: [("Of", str(subject))],
        ),
    )
    yield did
    kinds._OUTCOMES.pop("waiver")


@pytest.fixture
def uma(session):
    """Holds level 2."""
    return leader(session, "Uma", 2)


@pytest.fixture
def viv(session):
    """Holds level 3."""
    return leader(session, "Viv", 3)
