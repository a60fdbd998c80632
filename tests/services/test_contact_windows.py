"""Hours that a borrower asked to avoid: recording and ending them, and the gate that keeps them to the minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from db.models.audit import AuditEvent
from services import contact_windows, policy
from services.actors import Role
from services.contact_windows import Terms
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound
from services.policy.checks import answer, relevant
from services.policy.facts import AvoidedHours, BorrowerFacts, Question, Rule
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
"""A Monday; the clock stands at 11:00 in India."""
INDIA = ZoneInfo("Asia/Kolkata")
NIGHT_SHIFT = Terms(time(7), time(15), weekdays=(1, 2, 3, 4, 5), note="Night shift")
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def meera(session, ana):
    borrower_id, _ = builders.make_overdue(session)
    builders.make_phone(session, borrower_id)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def asked(session, borrower_id, at, channel="call"):
    return policy.preview_many(session, [borrower_id], channel, at)[borrower_id]


def at(hour, minute=0, day=TODAY):
    return datetime.combine(day, time(hour, minute), INDIA)


def test_gate_keeps_them_and_says_from_when_contact_is_allowed(session, ana, meera):
    assert asked(session, meera, at(11)).is_allowed
    made = contact_windows.add(ana, meera, NIGHT_SHIFT)
    told = asked(session, meera, at(11))
    assert (told.is_allowed, told.rule, told.next_allowed_at) == (False, "avoided_hours", at(15))
    assert "asked not to be contacted 07:00–15:00" in told.reason
    assert asked(session, meera, at(15)).is_allowed
    assert asked(session, meera, at(11, day=date(2025, 6, 21))).is_allowed  # a Saturday
    # before the hours of the law begin, the later of both decides
    assert asked(session, meera, at(6)).next_allowed_at == at(15)
    contact_windows.end(ana, made.id, reason="Works by day now")
    assert asked(session, meera, at(11)).is_allowed
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["contact_window.added", "contact_window.ended"]


def test_channels_and_last_day_are_kept(session, ana, meera):
    contact_windows.add(ana, meera, Terms(time(9), time(18), channels=("call",), ends_on=date(2025, 6, 18)))
    assert not asked(session, meera, at(11)).is_allowed
    assert asked(session, meera, at(11), channel="sms").is_allowed
    assert asked(session, meera, at(11, day=date(2025, 6, 18))).is_allowed


def test_hours_across_midnight_belong_to_the_day_on_which_they_begin(session, ana, meera):
    contact_windows.add(ana, meera, Terms(time(17), time(10), weekdays=(1,)))
    assert asked(session, meera, at(16, 59)).is_allowed
    assert asked(session, meera, at(17)).next_allowed_at == at(10, day=date(2025, 6, 17))
    assert not asked(session, meera, at(9, day=date(2025, 6, 17))).is_allowed
    assert asked(session, meera, at(17, day=date(2025, 6, 17))).is_allowed


def test_same_form_twice_is_one_request_and_it_ends_once(session, ana, meera):
    first = contact_windows.add(ana, meera, NIGHT_SHIFT, request_key="form-1")
    assert contact_windows.add(ana, meera, NIGHT_SHIFT, request_key="form-1") == first
    assert contact_windows.load_of_borrower(session, meera) == [first]
    other, _ = builders.make_overdue(session)
    builders.make_case(session, other, owner_id=ana.id)
    with pytest.raises(Conflict):
        contact_windows.add(ana, other, NIGHT_SHIFT, request_key="form-1")
    with pytest.raises(InvalidInput):
        contact_windows.end(ana, first.id, reason=" ")
    contact_windows.end(ana, first.id, reason="Said so")
    with pytest.raises(NotFound):
        contact_windows.end(ana, first.id, reason="Again")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(time(9), time(17), weekdays=()), "weekdays"),
        (Terms(time(9), time(17), weekdays=(8,)), "weekdays"),
        (Terms(time(9), time(17), channels=("pigeon",)), "channels"),
        (Terms(time(9, 0, 1), time(17)), "from_time"),
        (Terms(time(9), time(17), ends_on=TODAY), "ends_on"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(ana, meera, terms, field):
    with pytest.raises(InvalidInput) as told:
        contact_windows.add(ana, meera, terms)
    assert set(told.value.fields) == {field}


def test_who_may_not_record_is_refused(session, ada, anil, meera):
    for actor in (ada, anil):
        with pytest.raises(NotAllowed):
            contact_windows.add(actor, meera, NIGHT_SHIFT)
    with pytest.raises(NotFound):
        contact_windows.add(make_actor(session, "sara", "Sara Stranger", Role.AGENT), meera, NIGHT_SHIFT)


def test_what_was_asked_cannot_be_changed_by_the_application(session, ana, meera):
    contact_windows.add(ana, meera, NIGHT_SHIFT)
    for statement in ("UPDATE contact_window SET to_time = '23:00'", "DELETE FROM contact_window"):
        with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


_TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
_HOURS = st.builds(
    AvoidedHours,
    weekdays=st.frozensets(st.integers(1, 7), min_size=1),
    start=_TIMES,
    end=_TIMES,
    channels=st.sampled_from([frozenset(), frozenset({"call"}), frozenset({"sms"})]),
    first_day=st.dates(date(2025, 6, 9), date(2025, 6, 20)),
    end_day=st.none() | st.dates(date(2025, 6, 12), date(2025, 6, 25)),
)
_RULES = [Rule(1, "avoided_hours", "IN-01", {}, is_blocking=True)]


def _is_avoided(hours, channel, moment):
    """In plain Python: whether one of the last two days began hours that reach to this minute."""
    local = moment.astimezone(INDIA).replace(tzinfo=None)
    for each in hours:
        for back in (0, 1):
            day = local.date() - timedelta(days=back)
            begin = datetime.combine(day, each.start)
            length = (datetime.combine(day, each.end) - begin) % timedelta(days=1) or timedelta(days=1)
            is_on = each.first_day <= day and (each.end_day is None or day < each.end_day)
            is_asked = not each.channels or channel in each.channels
            if is_asked and is_on and day.isoweekday() in each.weekdays and begin <= local < begin + length:
                return True
    return False


@settings(max_examples=60, deadline=None)
@given(
    hours=st.lists(_HOURS, max_size=3), quarter=st.integers(0, 4 * 24 * 10), channel=st.sampled_from(["call", "sms"])
)
def test_answer_is_what_a_walk_through_the_minutes_finds(hours, quarter, channel):
    moment = datetime(2025, 6, 14, 18, 30, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    facts = BorrowerFacts(1, INDIA, (), None, False, 1, 1, 1, (), avoided=tuple(hours))
    question = Question(channel, is_automated=False, at=moment)
    told = answer(relevant(_RULES, question, is_microfinance=False), facts, question, policy_version=1)
    assert told.is_allowed is not _is_avoided(hours, channel, moment)
    if not told.is_allowed and told.next_allowed_at is not None:
        steps = int((told.next_allowed_at - moment) / timedelta(minutes=15))
        assert all(_is_avoided(hours, channel, moment + timedelta(minutes=15 * step)) for step in range(steps))
        assert not _is_avoided(hours, channel, told.next_allowed_at)
