"""Signing in and out: lock-out, limits, revocation, and what a copied token is worth."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select, update

from db.models.access import AppUser, UserSession
from db.models.audit import AuditEvent
from services import clock, passwords, sessions, users
from services.actors import Actor, Role
from services.sessions import SignInRefused
from settings import settings

NOW = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)
GOOD = "correct horse 9 battery"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Hashes that cost little: what they cost in earnest is not what is tested here."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._of_nobody.cache_clear()
    yield
    passwords._of_nobody.cache_clear()


@pytest.fixture
def bela(session, adam, frozen_clock):
    """An agent who has chosen a password."""
    made = users.create(adam, username="bela", name="Bela Roy", role=Role.AGENT)
    actor = Actor(made.id, "Bela Roy", Role.AGENT)
    users.change_own_password(actor, current=made.one_time_password, new=GOOD)
    return actor


def token_of(username, password=GOOD):
    token = sessions.exchange(sessions.sign_in(username, password))
    assert token is not None
    return token


def fail(times=1, username="bela"):
    for _ in range(times):
        with pytest.raises(SignInRefused):
            sessions.sign_in(username, "wrong")


def test_a_right_password_opens_a_session_for_the_actor(session, bela):
    who = sessions.check(token_of("BELA "))
    assert who is not None
    assert (who.actor.id, who.actor.role, who.must_change_password) == (bela.id, Role.AGENT, False)
    assert who.actor.session_id is not None


def test_the_store_holds_no_token(session, bela):
    token = token_of("bela")
    stored = session.execute(select(UserSession.token_hash)).scalars().all()
    assert token.encode() not in stored
    assert all(len(held) == 32 for held in stored)


def test_a_name_that_cannot_be_kept_is_nobodys(session, bela):
    for name, password in (("be\0la", GOOD), ("bela", f"{GOOD}\0")):
        with pytest.raises(sessions.SignInRefused):
            sessions.sign_in(name, password)


def test_a_ticket_works_once_and_for_a_minute_and_is_no_token(session, bela, frozen_clock):
    ticket = sessions.sign_in("bela", GOOD)
    assert sessions.check(ticket) is None
    assert sessions.exchange(ticket) is not None
    assert sessions.exchange(ticket) is None
    late = sessions.sign_in("bela", GOOD)
    frozen_clock(NOW + timedelta(seconds=61))
    assert sessions.exchange(late) is None
    assert sessions.exchange("made up") is None


def test_sign_out_ends_the_session_also_for_a_copied_token(session, bela):
    token, copied = (held := token_of("bela")), held
    other = token_of("bela")
    sessions.sign_out(token)
    assert sessions.check(copied) is None
    assert sessions.check(other) is not None
    sessions.sign_out(token)  # a second time does no harm and is not recorded
    actions = session.execute(select(AuditEvent.action).where(AuditEvent.action == "user.signed_out")).all()
    assert len(actions) == 1


def test_a_session_expires_however_busy(session, bela, frozen_clock):
    token = token_of("bela")
    for minutes in range(50, settings().session_hours * 60, 50):
        frozen_clock(NOW + timedelta(minutes=minutes))
        assert sessions.check(token) is not None
    frozen_clock(NOW + timedelta(hours=settings().session_hours))
    assert sessions.check(token) is None


def test_an_idle_session_ends_and_refreshing_panels_do_not_keep_it(session, bela, frozen_clock):
    token = token_of("bela")
    half = timedelta(minutes=settings().session_idle_minutes // 2)
    frozen_clock(NOW + half)
    assert sessions.check(token, counts_as_activity=False) is not None
    frozen_clock(NOW + 2 * half)
    assert sessions.check(token) is None


def test_disabling_a_user_and_changing_a_role_hold_from_the_next_click(session, adam, bela):
    token = token_of("bela")
    users.change_role(adam, bela.id, Role.AUDITOR)
    who = sessions.check(token)
    assert who is not None
    assert who.actor.role is Role.AUDITOR
    users.disable(adam, bela.id, reason="left")
    assert sessions.check(token) is None
    users.enable(adam, bela.id)
    assert sessions.check(token) is None  # enabled again, but signed out
    assert sessions.check(token_of("bela")) is not None


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(session, bela):
    here, elsewhere = token_of("bela"), token_of("bela")
    who = sessions.check(here)
    assert who is not None
    users.change_own_password(who.actor, current=GOOD, new=f"{GOOD} 2")
    assert sessions.check(here) is not None
    assert sessions.check(elsewhere) is None


def test_five_wrong_passwords_lock_for_15_minutes_even_for_the_right_one(session, adam, bela, frozen_clock):
    fail(times=4)
    assert sessions.sign_in("bela", GOOD)  # the right one starts the count anew
    fail(times=5)
    with pytest.raises(SignInRefused):
        sessions.sign_in("bela", GOOD)
    assert next(user for user in users.all_users(adam) if user.id == bela.id).state == "Locked"
    frozen_clock(NOW + timedelta(minutes=15))
    assert sessions.sign_in("bela", GOOD)


@pytest.mark.parametrize(("round_", "minutes"), [(1, 15), (2, 30), (3, 60), (4, 120)])
def test_the_lock_doubles_with_each_five_failures(session, bela, frozen_clock, round_, minutes):
    at = NOW
    for _ in range(round_):
        frozen_clock(at)
        fail(times=5)
        at += timedelta(hours=25)
    until = session.execute(select(AppUser.locked_until).where(AppUser.id == bela.id)).scalar_one()
    assert until - clock.now() == timedelta(minutes=minutes)


def test_attempts_during_a_lock_neither_prolong_it_nor_test_passwords(session, bela, frozen_clock):
    fail(times=5)
    frozen_clock(NOW + timedelta(minutes=14))
    fail(times=5)
    frozen_clock(NOW + timedelta(minutes=15))
    assert sessions.sign_in("bela", GOOD)


def test_many_names_tried_from_one_address_are_refused_for_a_while(session, bela, frozen_clock, monkeypatch):
    monkeypatch.setattr(sessions, "FAILURES_OF_ADDRESS", 6)
    for number in range(6):
        with pytest.raises(SignInRefused):
            sessions.sign_in(f"name{number}", "wrong", address="203.0.113.9")
    with pytest.raises(sessions.TooManyFailures):
        sessions.sign_in("bela", GOOD, address="203.0.113.9")
    assert sessions.sign_in("bela", GOOD, address="203.0.113.10")  # others are not hindered
    frozen_clock(NOW + timedelta(minutes=15))
    assert sessions.sign_in("bela", GOOD, address="203.0.113.9")


def test_an_admin_unlocks(session, adam, bela):
    fail(times=5)
    users.unlock(adam, bela.id)
    assert sessions.sign_in("bela", GOOD)


def test_wrong_unknown_disabled_and_locked_say_the_same(session, adam, bela):
    said = set()
    for username, password, prepare in (
        ("bela", "wrong", lambda: None),
        ("nobody", "wrong", lambda: None),
        ("bela", GOOD, lambda: fail(times=4)),
        ("bela", GOOD, lambda: users.disable(adam, bela.id, reason="left")),
    ):
        prepare()
        with pytest.raises(SignInRefused) as refused:
            sessions.sign_in(username, password)
        said.add(refused.value.message)
    assert len(said) == 1


def test_an_unknown_user_costs_the_same_comparison_as_a_known_one(session, bela, monkeypatch):
    compared = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):  # noqa: A002 - the library's name
            compared.append(extract_parameters(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=64, parallelism=1))
    session.execute(update(AppUser).values(password_hash=passwords.hashed(GOOD)))
    passwords._of_nobody.cache_clear()
    fail(username="bela")
    fail(username="nobody")
    of_known, of_unknown = compared
    assert of_unknown == of_known
    passwords._of_nobody.cache_clear()


def test_sign_ins_and_failures_are_in_the_trail_with_the_address(session, bela):
    sessions.sign_in("bela", GOOD, address="10.1.2.3", user_agent="Firefox")
    fail(times=5)
    trail = session.execute(
        select(AuditEvent.action, AuditEvent.actor_name, AuditEvent.after)
        .where(AuditEvent.subject_id == str(bela.id))
        .order_by(AuditEvent.id)
    ).all()[-6:]
    assert [event.action for event in trail] == ["user.signed_in", *["user.sign_in_failed"] * 4, "user.locked"]
    assert trail[0].after["address"] == "10.1.2.3"
    assert {event.actor_name for event in trail[1:]} == {"Recoup"}


def test_guesses_made_at_once_are_counted_one_by_one(database):
    from concurrent.futures import ThreadPoolExecutor

    from services.actors import SYSTEM

    made = users.create(SYSTEM, username="bela", name="Bela Roy", role=Role.AGENT)

    def guess(_):
        with pytest.raises(SignInRefused):
            sessions.sign_in("bela", "wrong")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(guess, range(5)))
    with pytest.raises(SignInRefused):
        sessions.sign_in("bela", made.one_time_password)
