"""The approvals page: an approver's inbox by keyboard and click, what makers see, and who sets limits."""

from decimal import Decimal

import pytest

from db.engine import reading, transaction
from db.models.approvals import ApprovalRequest, AuthorityLimit, Delegation
from services import approvals
from services.actors import Role
from services.approvals import kinds
from tests import builders
from tests.conftest import make_actor
from tests.pages.conftest import opened, token_of, words


@pytest.fixture(scope="module", autouse=True)
def waiver():
    did = []
    act = lambda what: lambda _session, _actor, subject_id: did.append((what, subject_id))  # noqa: E731
    facts = lambda _session, _subject: [("Owed *now*", Decimal(80_000))]  # noqa: E731
    kinds.register("waiver", approvals.Outcome("Waiver", act("approved"), act("refused"), facts=facts))
    yield did
    kinds._OUTCOMES.pop("waiver")


@pytest.fixture
def asked(cast, request):
    """A request of the agent's, with a subject of its own."""
    with transaction() as session:
        borrower_id, _ = builders.make_overdue(session)
        request_id = approvals.ask(
            session,
            cast[Role.AGENT],
            kind="waiver",
            subject=("waiver", borrower_id),
            borrower_id=borrower_id,
            amount=Decimal(4_000),
            percent=Decimal(5),
            reason="Lost the *job*",
            summary="waive charges of 4,000.00",
        )
    yield request_id
    with transaction() as session:
        row = session.get_one(ApprovalRequest, request_id)
        if row.status == "waiting":
            approvals.withdraw_for(
                session, cast[Role.AGENT], kind="waiver", subject=("waiver", row.subject_id), reason="end"
            )


def button(app, label):
    return next(found for found in app.button if found.label == label)


def field(app, label):
    return next(found for found in app.text_input if found.label == label)


def status_of(request_id):
    with reading() as session:
        return session.get_one(ApprovalRequest, request_id).status


def test_approver_reads_the_facts_and_approves_with_a_reason(cast, asked, waiver):
    app = opened(token_of(Role.LEADER), url_path="approvals")
    assert not app.exception
    said = words(app)
    for part in ("Waiver", "waive charges", "₹80,000", "Lost the \\*job\\*", "Agent Person"):
        assert part in said, part
    assert {metric.label: metric.value for metric in app.metric}["At stake"] == "₹4,000"
    button(app, "Approve").click().run()
    assert "Give the reason" in words(app)
    assert status_of(asked) == "waiting"
    field(app, "Reason").input("Papers seen")
    button(app, "Approve").click().run()
    assert status_of(asked) == "approved"
    assert waiver[-1][0] == "approved"
    assert "Nothing waits for you." in words(app)


def test_approver_refuses_and_finds_it_among_the_decided(cast, asked, waiver):
    app = opened(token_of(Role.LEADER), url_path="approvals")
    field(app, "Reason").input("Can pay in full")
    button(app, "Refuse").click().run()
    assert status_of(asked) == "refused"
    app.segmented_control(key="requests").set_value("decided").run()
    assert "Can pay in full" in words(app)


def test_maker_sees_only_their_own_and_takes_it_back(cast, asked, waiver):
    app = opened(token_of(Role.AGENT), url_path="approvals")
    assert not app.exception
    assert "Approve" not in [found.label for found in app.button]
    assert not app.segmented_control
    button(app, "Take it back").click().run()
    assert status_of(asked) == "waiting"  # no reason
    field(app, "Reason").input("typed wrongly")
    button(app, "Take it back").click().run()
    assert status_of(asked) == "withdrawn"


def test_what_needs_more_authority_is_shown_without_the_decision(cast, waiver):
    with transaction() as session:
        make_actor(session, "higher", "Higher Up", Role.LEADER)
        request_id = approvals.ask(
            session, cast[Role.AGENT], kind="waiver", subject=("waiver", 1), borrower_id=None, amount=Decimal(90_000),
            reason="why", summary="waive a lot",
        )  # fmt: skip
    app = opened(token_of(Role.LEADER), url_path="approvals")
    app.query_params["request"] = str(request_id)
    app.run()
    assert "This needs authority of level 2" in words(app)
    assert "Approve" not in [found.label for found in app.button]


@pytest.mark.parametrize("address", ["0", "x", "99999999999999999999", "1; DROP TABLE loan"])
def test_odd_address_breaks_nothing(cast, address):
    app = opened(token_of(Role.AGENT), url_path="approvals")
    app.query_params["request"] = address
    app.run()
    assert not app.exception


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_has_no_part_sees_nothing(cast, role):
    app = opened(token_of(role), url_path="approvals")
    assert "not part of your role" in words(app)
    assert not app.dataframe


def test_admin_sets_a_limit_and_a_level_and_decides_nothing(cast):
    app = opened(token_of(Role.ADMIN), url_path="approvals")
    assert not app.exception
    field(app, "Up to this amount (empty: any)").input("20,000")
    button(app, "Set the limit").click().run()
    with reading() as session:
        assert session.get_one(AuthorityLimit, ("*", 1)).max_amount == 20_000
    app.selectbox(key="level.who").set_value(cast[Role.LEADER].id)
    app.selectbox(key="level.level").set_value(2)
    button(app, "Give this level").click().run()
    assert any(2.0 in frame.value["level"].to_list() for frame in app.dataframe if "name" in frame.value.columns)
    assert "Approve" not in [found.label for found in app.button]


def test_leader_names_a_deputy_but_sets_no_limit(cast):
    with transaction() as session:
        deputy = make_actor(session, "deputy", "Deputy Person", Role.LEADER)
    app = opened(token_of(Role.LEADER), url_path="approvals")
    assert "Set the limit" not in [found.label for found in app.button]
    next(box for box in app.selectbox if box.label == "Who stands in").set_value(deputy.id)
    next(found for found in app.text_input if found.key == "delegate.reason").input("Leave")
    button(app, "Delegate").click().run()
    assert not app.error
    with reading() as session:
        rows = session.query(Delegation).all()
    assert [(row.from_user_id, row.to_user_id, row.reason) for row in rows] == [
        (cast[Role.LEADER].id, deputy.id, "Leave")
    ]
