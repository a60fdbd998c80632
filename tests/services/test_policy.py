"""The gate: which rule stops which contact, from when it is allowed, and that it is never allowed outside the hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services import clock, policy
from services.errors import NotAllowed, NotFound
from services.policy.checks import answer, relevant
from services.policy.facts import BorrowerFacts, HoldPeriod, Question, Rule

INDIA = ZoneInfo("Asia/Kolkata")
MONDAY_NOON = datetime(2025, 6, 16, 12, 0, tzinfo=INDIA)


def borrower(session, *, number="B-1", zone=None):
    statement = text("INSERT INTO borrower (external_id, name, time_zone) VALUES (:n, 'Meera', :z) RETURNING id")
    return session.execute(statement, {"n": number, "z": zone}).scalar_one()


def point(session, borrower_id, kind, *, consent=None, do_not_contact=False):
    session.execute(
        text("""INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint, consent,
                do_not_contact) VALUES (:b, :k, 'x', gen_random_uuid()::text::bytea, '•', :c, :d)"""),
        {"b": borrower_id, "k": kind, "c": consent, "d": do_not_contact},
    )


def reachable(session, **over):
    borrower_id = borrower(session, **over)
    for kind in ("phone", "email", "address"):
        point(session, borrower_id, kind)
    return borrower_id


def hold(session, borrower_id, kind, *, starts=date(2025, 6, 1), ends=None):
    session.execute(
        text("INSERT INTO hold (borrower_id, kind, reason, starts_on, ends_on) VALUES (:b, :k, 'r', :s, :e)"),
        {"b": borrower_id, "k": kind, "s": starts, "e": ends},
    )


def promise(session, borrower_id, due_on):
    session.execute(
        text("""WITH p AS (INSERT INTO product (id, code, name) VALUES (1, 'PL', 'Personal loan') RETURNING id),
                s AS (INSERT INTO segment (id, product_id) SELECT 1, id FROM p RETURNING id),
                l AS (INSERT INTO loan (external_id, borrower_id, product_id, segment_id, principal)
                      SELECT 'L-1', :b, 1, id, 1000 FROM s RETURNING id)
                INSERT INTO promise (borrower_id, loan_id, amount, due_on, promised_on, channel)
                SELECT :b, id, 500, :d, '2025-06-01', 'call' FROM l"""),
        {"b": borrower_id, "d": due_on},
    )


def called(session, borrower_id, at, channel="call"):
    session.execute(
        text("""INSERT INTO contact_attempt (at, borrower_id, channel, person, outcome)
                VALUES (:at, :b, :c, 'borrower', 'no_answer')"""),
        {"at": at, "b": borrower_id, "c": channel},
    )


def ask(session, borrower_id, channel="call", purpose="log", at=MONDAY_NOON, **over):
    return policy.ask(session, borrower_id, channel=channel, purpose=purpose, at=at, **over)


def test_a_call_at_noon_is_allowed_and_the_answer_is_kept(session):
    given_answer = ask(session, reachable(session))
    assert (given_answer.is_allowed, given_answer.rule, given_answer.next_allowed_at) == (True, None, None)
    kept = session.execute(text("SELECT * FROM gate_decision")).one()
    assert (kept.id, kept.is_allowed, kept.purpose) == (given_answer.decision_id, True, "log")
    assert kept.policy_version == given_answer.policy_version > 0


def test_previews_keep_nothing(session):
    ids = [reachable(session, number=f"B-{n}") for n in range(3)]
    assert {preview.is_allowed for preview in policy.preview_many(session, ids, "call", MONDAY_NOON).values()} == {True}
    assert session.execute(text("SELECT count(*) FROM gate_decision")).scalar_one() == 0


@pytest.mark.parametrize(
    ("at", "allowed", "opens"),
    [
        (time(7, 59, 59), False, datetime(2025, 6, 16, 8, tzinfo=INDIA)),
        (time(8, 0), True, None),
        (time(18, 59, 59), True, None),
        (time(19, 0), False, datetime(2025, 6, 17, 8, tzinfo=INDIA)),
        (time(23, 30), False, datetime(2025, 6, 17, 8, tzinfo=INDIA)),
    ],
)
@pytest.mark.parametrize("channel", ["call", "visit", "email"])
def test_hours_are_eight_to_seven(session, channel, at, allowed, opens):
    given_answer = ask(session, reachable(session), channel, at=datetime.combine(MONDAY_NOON, at, INDIA))
    assert (given_answer.is_allowed, given_answer.next_allowed_at) == (allowed, opens)


def test_hours_are_the_borrowers_own(session):
    abroad = reachable(session, zone="America/New_York")
    early = ask(session, abroad)  # 02:30 there
    assert (early.rule, early.is_allowed) == ("hours", False)
    assert early.next_allowed_at == datetime(2025, 6, 16, 8, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_zone_is_taken_for_the_lenders(session, zone):
    assert ask(session, reachable(session, zone=zone)).is_allowed


@pytest.mark.parametrize("kind", ["deceased", "do_not_contact", "complaint", "bereavement", "calamity", "legal"])
def test_holds_that_stop_everyone(session, kind):
    borrower_id = reachable(session)
    hold(session, borrower_id, kind)
    stopped = ask(session, borrower_id)
    assert (stopped.is_allowed, stopped.rule, stopped.next_allowed_at) == (False, "hold", None)


@pytest.mark.parametrize("kind", ["dispute", "hardship", "fraud"])
def test_holds_that_stop_machines_and_warn_people(session, kind):
    borrower_id = reachable(session)
    hold(session, borrower_id, kind)
    assert not ask(session, borrower_id, "email", "send").is_allowed
    warned = ask(session, borrower_id)
    assert (warned.is_allowed, warned.rule) == (True, "hold")
    assert warned.reason.startswith("On hold")


def test_a_dated_hold_ends_by_itself_on_its_day(session):
    borrower_id = reachable(session)
    hold(session, borrower_id, "complaint", ends=date(2025, 6, 20))
    assert ask(session, borrower_id).next_allowed_at == datetime(2025, 6, 20, 8, tzinfo=INDIA)
    assert ask(session, borrower_id, at=datetime(2025, 6, 20, 8, tzinfo=INDIA)).is_allowed


def test_a_released_or_future_hold_stops_nobody(session):
    borrower_id = reachable(session)
    hold(session, borrower_id, "complaint", starts=date(2025, 7, 1))
    hold(session, borrower_id, "deceased")
    session.execute(text("UPDATE hold SET released_at = now() WHERE kind = 'deceased'"))
    assert ask(session, borrower_id).is_allowed


def test_an_open_promise_stops_machines_until_the_day_after(session):
    borrower_id = reachable(session)
    promise(session, borrower_id, date(2025, 6, 18))
    stopped = ask(session, borrower_id, "email", "send")
    assert (stopped.rule, stopped.next_allowed_at) == ("open_promise", datetime(2025, 6, 19, 8, tzinfo=INDIA))
    assert ask(session, borrower_id).is_allowed
    assert ask(session, borrower_id, "email", "send", is_about_promise=True).is_allowed


def test_no_address_stops_messages_but_only_warns_callers(session):
    borrower_id = borrower(session)
    assert ask(session, borrower_id, "email", "send").rule == "contact_point"
    warned = ask(session, borrower_id)
    assert (warned.is_allowed, warned.reason) == (True, "No phone number is on file.")


def test_refused_consent_and_do_not_contact_points_stop_until_another_is_known(session):
    borrower_id = borrower(session)
    point(session, borrower_id, "phone", consent=False)
    point(session, borrower_id, "phone", do_not_contact=True)
    assert ask(session, borrower_id).rule == "consent"
    point(session, borrower_id, "phone")
    assert ask(session, borrower_id).is_allowed


def test_whatsapp_needs_consent_given(session):
    borrower_id = borrower(session)
    point(session, borrower_id, "whatsapp")
    assert ask(session, borrower_id, "whatsapp").rule == "consent"
    point(session, borrower_id, "whatsapp", consent=True)
    assert ask(session, borrower_id, "whatsapp").is_allowed


def test_the_fourth_call_of_a_day_waits_for_tomorrow(session):
    borrower_id = reachable(session)
    for hours in (1, 2, 3):
        called(session, borrower_id, MONDAY_NOON - timedelta(hours=hours))
    stopped = ask(session, borrower_id)
    assert (stopped.rule, stopped.next_allowed_at) == ("cap", datetime(2025, 6, 17, 8, tzinfo=INDIA))
    assert ask(session, borrower_id, "visit").is_allowed


def test_the_weekly_cap_opens_when_the_oldest_contact_is_a_week_old(session):
    borrower_id = reachable(session)
    first = MONDAY_NOON - timedelta(days=6)
    for days in range(3):
        called(session, borrower_id, first + timedelta(days=days), "email")
    stopped = ask(session, borrower_id, "email", "send")
    assert (stopped.rule, stopped.next_allowed_at) == ("cap", first + timedelta(days=7))


def test_draft_rules_start_on_their_date(session):
    borrower_id = reachable(session)
    on_gandhi_jayanti = {year: datetime(year, 10, 2, 12, tzinfo=INDIA) for year in (2025, 2026)}
    assert ask(session, borrower_id, at=on_gandhi_jayanti[2025]).is_allowed
    stopped = ask(session, borrower_id, at=on_gandhi_jayanti[2026])
    assert (stopped.rule, stopped.next_allowed_at) == ("calendar", datetime(2026, 10, 3, 8, tzinfo=INDIA))


def test_microfinance_hours_are_off_until_switched_on(session, adam, ana):
    borrower_id = reachable(session)
    promise(session, borrower_id, date(2025, 6, 1))
    session.execute(text("UPDATE product SET is_microfinance = true"))
    half_past_eight = MONDAY_NOON.replace(hour=8, minute=30)
    assert ask(session, borrower_id, at=half_past_eight).is_allowed
    wanted = text("SELECT id FROM policy_rule WHERE rule = 'hours' AND parameters ? 'microfinance_only'")
    rule = session.execute(wanted).scalar_one()
    with pytest.raises(NotAllowed):
        policy.resume(ana, rule, on=MONDAY_NOON.date(), reason="verified")
    with clock.frozen(MONDAY_NOON - timedelta(days=1)):
        policy.resume(adam, rule, on=MONDAY_NOON.date(), reason="verified against the Directions")
    assert ask(session, borrower_id, at=half_past_eight).next_allowed_at == MONDAY_NOON.replace(hour=9)


def test_holds_come_before_hours(session):
    borrower_id = reachable(session)
    hold(session, borrower_id, "deceased")
    assert ask(session, borrower_id, at=MONDAY_NOON.replace(hour=22)).rule == "hold"


def test_an_unknown_borrower(session):
    with pytest.raises(NotFound):
        ask(session, 999_999_999)


# --- for all moments, zones and clock changes ---------------------------------------------------------------------

HOURS = Rule(1, "hours", "IN-01", {"from": "08:00", "to": "19:00"}, is_blocking=True)
NIGHT = Rule(
    2, "hours", "a window within the hour that the clock skips or repeats", {"from": "01:30", "to": "02:30"}, True
)
CAP = Rule(3, "cap", "IN-03", {"channels": ["call"], "per_day": 2, "per_week": 4}, is_blocking=True)
HOLD = Rule(4, "hold", "IN-09", {"kinds": ["complaint"]}, is_blocking=True)
zones = st.sampled_from(
    ["Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia",
     "Africa/Casablanca", "UTC"]
).map(ZoneInfo)  # fmt: skip
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ages = st.lists(st.timedeltas(timedelta(0), timedelta(days=7)), max_size=8)


def facts(zone, *, contacts=(), holds=()):
    return BorrowerFacts(1, zone, holds, None, False, 1, 1, 1, contacts)


def gate(rules, known, at):
    question = Question("call", True, at)
    return answer(relevant(rules, question, is_microfinance=False), known, question, policy_version=1)


@given(zone=zones, at=moments)
def test_never_allowed_outside_the_window(zone, at):
    local = at.astimezone(zone).time()
    assert gate([HOURS], facts(zone), at).is_allowed == (time(8) <= local < time(19))


@given(zone=zones, at=moments, past=ages, hold_days=st.integers(0, 40), window=st.sampled_from([HOURS, NIGHT]))
def test_the_next_allowed_moment_is_allowed_and_later(zone, at, past, hold_days, window):
    contacts = tuple(sorted(("call", at - age) for age in past))
    holds = (HoldPeriod("complaint", date(2019, 1, 1), at.date() + timedelta(days=hold_days)),)
    known = facts(zone, contacts=tuple(sorted(contacts, key=lambda c: c[1])), holds=holds)
    rules = [HOLD, window, CAP]
    found = gate(rules, known, at)
    if found.is_allowed:
        assert found.next_allowed_at is None
        return
    assert found.next_allowed_at > at
    assert gate(rules, known, found.next_allowed_at).is_allowed


@given(zone=zones, at=moments)
def test_no_allowed_moment_is_passed_over(zone, at):
    found = gate([HOURS], facts(zone), at)
    if not found.is_allowed:
        before = found.next_allowed_at - timedelta(seconds=1)
        assert before < at or not gate([HOURS], facts(zone), before).is_allowed
        assert found.next_allowed_at - at <= timedelta(hours=14)
