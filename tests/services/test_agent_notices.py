"""Notice of an agent before the first contact: who must be told, by which way, and what the gate says until then."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services import agent_notices, allocation, clock, contacts, documents, policy, reminders, timeline
from services.actors import SYSTEM, Role
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from tests import builders
from tests.conftest import make_actor
from tests.services.test_reminders import email, mailbox, messages  # noqa: F401 - fixtures

NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
"""Of the frozen clock: a Monday, 11:00 in India."""
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture(autouse=True)
def rules_of_before(session):
    """Notices are asked for since 2025-06-01."""
    session.execute(text("UPDATE lender SET agent_notice_since = '2025-06-01'"))


@pytest.fixture
def ravi(session):
    """An agent of an agency."""
    return of_agency(session, "ravi", "Ravi Kulkarni")


def of_agency(session, username, name):
    agent = make_actor(session, username, name, Role.AGENT)
    session.execute(text("INSERT INTO agency (name) SELECT 'Shield Recoveries' WHERE NOT EXISTS (SELECT FROM agency)"))
    session.execute(
        text("""INSERT INTO collector (user_id, agency_id, id_card_number)
                SELECT :id, a.id, 'SR-17' FROM agency a"""),
        {"id": agent.id},
    )
    return agent


def case_of(session, agent, *, by_email=False, with_address=True):
    """A borrower who owes and whose case the agent has; id of the borrower."""
    borrower_id, _ = builders.make_overdue(session, dpd=40)
    builders.make_phone(session, borrower_id, f"+9198765{borrower_id:05}")
    if by_email:
        email(session, borrower_id, f"b{borrower_id}@example.in")
    if with_address:
        builders.make_address(session, borrower_id)
    builders.make_case(session, borrower_id, owner_id=agent.id)
    return borrower_id


def answer(session, borrower_id, agent, channel="call"):
    return policy.preview_many(session, [borrower_id], channel, clock.now(), agent_id=agent.id)[borrower_id]


def call(agent, borrower_id, **over):
    values = {"channel": "call", "direction": "outbound", "person": "nobody", "outcome": "no_answer"}
    return contacts.record(agent, borrower_id, **{**values, **over})


def test_an_agencys_agent_may_not_call_before_the_borrower_was_told(session, ravi, marek):
    borrower_id = case_of(session, ravi)
    with pytest.raises(Refused, match="not been told yet"):
        call(ravi, borrower_id)
    assert answer(session, borrower_id, ravi, "visit").rule == "agent_notice"
    assert answer(session, borrower_id, marek).is_allowed
    assert answer(session, borrower_id, ravi, "letter").is_allowed
    assert call(ravi, borrower_id, direction="inbound", person="borrower", outcome="call_back",
                follow_up_at=NOW + timedelta(days=1)).direction == "inbound"  # fmt: skip


def test_the_lenders_own_agents_need_no_notice_unless_it_asks_for_it(session, ana, marek):
    borrower_id = case_of(session, ana)
    assert answer(session, borrower_id, ana).is_allowed
    agent_notices.change_whom(marek, "all", reason="The board wants it")
    session.expire_all()
    assert answer(session, borrower_id, ana).rule == "agent_notice"
    agent_notices.change_whom(marek, "none", reason="Back")
    assert answer(session, borrower_id, ana).is_allowed


def test_a_message_that_was_handed_over_tells(session, ravi, mailbox):  # noqa: F811 - a fixture
    borrower_id = case_of(session, ravi, by_email=True)
    assert reminders.plan(SYSTEM).planned >= 1
    assert not answer(session, borrower_id, ravi).is_allowed
    reminders.send_due(SYSTEM)
    said = next(mail for mail in mailbox.taken if "Who will be in touch" in mail["Subject"])
    assert "Ravi Kulkarni of Shield Recoveries" in said.get_content()
    assert "SR-17" in said.get_content()
    session.expire_all()
    assert answer(session, borrower_id, ravi).is_allowed
    before = len(messages(session))
    reminders.plan(SYSTEM)
    assert len(messages(session)) == before


def test_another_agent_must_be_told_of_anew_as_soon_as_the_caps_allow(session, ravi, marek, mailbox, frozen_clock):  # noqa: F811
    borrower_id = case_of(session, ravi, by_email=True)
    reminders.plan(SYSTEM)
    reminders.send_due(SYSTEM)
    other = of_agency(session, "zoya", "Zoya Khan")
    case_id = session.execute(
        text("SELECT id FROM collection_case WHERE borrower_id = :b"), {"b": borrower_id}
    ).scalar()
    allocation.allocate(marek, [case_id], other.id, reason="Ravi is away")
    assert not answer(session, borrower_id, other).is_allowed
    reminders.plan(SYSTEM)
    frozen_clock(NOW + timedelta(days=1))
    reminders.send_due(SYSTEM)
    assert answer(session, borrower_id, other).is_allowed
    assert answer(session, borrower_id, ravi).is_allowed


def test_a_message_for_a_case_that_moved_on_is_not_sent(session, ravi, mailbox):  # noqa: F811
    case_of(session, ravi, by_email=True)
    reminders.plan(SYSTEM)
    session.execute(text("UPDATE collection_case SET owner_id = NULL"))
    reminders.send_due(SYSTEM)
    assert mailbox.taken == []
    assert {message.status for message in messages(session) if message.agent_id} == {"cancelled"}


def test_what_stays_in_the_outbox_for_want_of_a_mail_server_tells_nobody(session, ravi, marek):
    borrower_id = case_of(session, ravi, by_email=True)
    reminders.plan(SYSTEM)
    reminders.send_due(SYSTEM)
    session.expire_all()
    assert not answer(session, borrower_id, ravi).is_allowed
    (standing,) = agent_notices.standing(marek)
    assert (standing.by_email, standing.by_letter) == (0, 1)


def test_who_has_no_email_is_told_by_a_letter_once_it_is_dispatched(session, ravi, marek):
    borrower_id = case_of(session, ravi)
    (standing,) = agent_notices.standing(marek)
    assert (standing.agency, standing.waiting, standing.by_letter) == ("Shield Recoveries", 1, 1)
    document = agent_notices.write_letters(marek)
    assert documents.fetch(marek, document.id).content.startswith(b"%PDF-")
    assert not answer(session, borrower_id, ravi).is_allowed
    assert agent_notices.standing(marek)[0].printed == 1
    with pytest.raises(Refused, match="No letter waits"):
        agent_notices.write_letters(marek)
    assert agent_notices.open_files(marek)[0].letters == 1
    assert agent_notices.dispatched(marek, document.id) == 1
    assert answer(session, borrower_id, ravi).is_allowed
    assert (agent_notices.standing(marek), agent_notices.open_files(marek)) == ([], [])
    (told,) = timeline.of(marek, borrower_id, kinds=["message"]).entries
    assert (told.title, told.state) == ("Letter with the particulars of Ravi Kulkarni", "dispatched")
    with pytest.raises(Conflict):
        agent_notices.dispatched(marek, document.id)


def test_a_hold_stops_the_letter_too(session, ravi, marek):
    borrower_id = case_of(session, ravi)
    builders.make_hold(session, borrower_id, kind="deceased", starts_on=NOW.date())
    with pytest.raises(Refused, match="may be written now"):
        agent_notices.write_letters(marek)


def test_asking_for_less_or_an_override_exempts_nobody(session, ravi, marek):
    borrower_id = case_of(session, ravi)
    builders.make_contact(
        session, borrower_id, recorded_by=ravi.id, at=NOW - timedelta(days=30), override_reason="urgent"
    )
    agent_notices.change_whom(marek, "all", reason="x")
    agent_notices.change_whom(marek, "agencies", reason="x")
    session.expire_all()
    assert not answer(session, borrower_id, ravi).is_allowed


def test_with_the_message_switched_off_all_are_told_by_letter(session, ravi, marek):
    case_of(session, ravi, by_email=True)
    assert agent_notices.standing(marek)[0].by_email == 1
    session.execute(text("UPDATE reminder_rule SET is_enabled = false WHERE anchor = 'agent'"))
    assert agent_notices.standing(marek)[0].by_letter == 1


def test_who_has_neither_is_shown_as_such(session, ravi, marek):
    case_of(session, ravi, with_address=False)
    assert agent_notices.standing(marek)[0].unreachable == 1


def test_who_was_in_touch_before_notices_were_asked_for_goes_on(session, ravi, marek):
    borrower_id = case_of(session, ravi)
    builders.make_contact(session, borrower_id, recorded_by=ravi.id, at=NOW - timedelta(days=30))
    assert answer(session, borrower_id, ravi).is_allowed
    assert agent_notices.standing(marek) == []


def test_only_leaders_write_letters_and_change_of_whom(session, ravi, ana, marek):
    case_of(session, ravi)
    for act in (agent_notices.standing, agent_notices.write_letters, agent_notices.open_files):
        with pytest.raises(NotAllowed):
            act(ana)
    with pytest.raises(NotAllowed):
        agent_notices.change_whom(ana, "none", reason="x")
    with pytest.raises(InvalidInput):
        agent_notices.change_whom(marek, "some", reason=" ")


_ACTS = st.lists(st.tuples(st.sampled_from(("give", "write", "dispatch", "whom")), st.integers(0, 2)), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_in_any_order_who_may_call_is_who_the_facts_say(session, marek, acts):
    """A replay: under the setting, an agency's agent may call once a letter of theirs was dispatched."""
    with session.begin_nested() as savepoint:
        agents = [of_agency(session, f"a{n}", f"Agent {n}") for n in range(2)] + [
            make_actor(session, "own", "Own Agent", Role.AGENT)
        ]
        borrower_id = case_of(session, agents[0])
        case_id = session.execute(text("SELECT max(id) FROM collection_case")).scalar_one()
        owner, whom, printed, told = 0, "agencies", set(), set()
        for kind, number in acts:
            if kind == "give":
                owner = number
                session.execute(
                    text("UPDATE collection_case SET owner_id = :o WHERE id = :c"),
                    {"o": agents[owner].id, "c": case_id},
                )
            elif kind == "whom":
                whom = ("none", "agencies", "all")[number]
                agent_notices.change_whom(marek, whom, reason="x")
            elif kind == "write":
                is_due = (whom == "all" or (whom == "agencies" and owner < 2)) and owner not in printed
                try:
                    agent_notices.write_letters(marek)
                except Refused:
                    assert not is_due
                else:
                    assert is_due
                    printed.add(owner)
            else:
                for file in agent_notices.open_files(marek):
                    agent_notices.dispatched(marek, file.document_id)
                told = set(printed)
        for number, agent in enumerate(agents):
            is_subject = whom == "all" or (whom == "agencies" and number < 2)
            assert answer(session, borrower_id, agent).is_allowed == (not is_subject or number in told)
        savepoint.rollback()
