"""Users: who may be created, disabled and changed, by whom, and what the audit trail keeps of it."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from db.models.access import AppUser
from db.models.audit import AuditEvent
from services import passwords, sessions, users
from services.actors import Actor, Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused

GOOD = "correct horse 9 battery"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Hashes that cost little: what they cost in earnest is not what is tested here."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._of_nobody.cache_clear()
    yield
    passwords._of_nobody.cache_clear()


def events(session, user_id):
    statement = select(AuditEvent.action).where(
        AuditEvent.subject_type == "app_user", AuditEvent.subject_id == str(user_id)
    )
    return list(session.execute(statement.order_by(AuditEvent.id)).scalars())


def user(actor, user_id):
    return next(found for found in users.all_users(actor) if found.id == user_id)


@pytest.fixture
def bela(session, adam):
    """A user just created, with a one-time password."""
    return users.create(adam, username="Bela ", name=" Bela Roy ", role=Role.AGENT, email="bela@example.org")


@pytest.fixture
def second_admin(session, adam):
    made = users.create(adam, username="amy", name="Amy Ong", role=Role.ADMIN)
    return Actor(made.id, "Amy Ong", Role.ADMIN)


def test_a_new_user_is_invited_with_a_one_time_password_and_the_act_is_recorded(session, adam, bela):
    found = user(adam, bela.id)
    assert (found.username, found.name, found.role, found.state) == ("bela", "Bela Roy", Role.AGENT, "Invited")
    assert len(bela.one_time_password) == 19
    stored = session.execute(select(AppUser.password_hash).where(AppUser.id == bela.id)).scalar_one()
    assert stored.startswith("$argon2id$")
    assert bela.one_time_password not in stored
    assert events(session, bela.id) == ["user.created"]


def test_the_trail_never_holds_a_password(session, adam, bela):
    users.reset_password(adam, bela.id)
    kept = session.execute(select(AuditEvent.before, AuditEvent.after, AuditEvent.summary)).all()
    assert bela.one_time_password not in str(kept)
    assert "argon2" not in str(kept)


@pytest.mark.parametrize("role", [Role.LEADER, Role.ANALYST, Role.AGENT, Role.AUDITOR])
def test_only_admins_manage_users(session, adam, bela, role):
    actor = Actor(999, "Nina", role)
    for act in (
        lambda: users.all_users(actor),
        lambda: users.create(actor, username="x1", name="X", role=Role.AGENT),
        lambda: users.reset_password(actor, bela.id),
        lambda: users.change_role(actor, bela.id, Role.ADMIN),
        lambda: users.disable(actor, bela.id, reason="x"),
        lambda: users.enable(actor, bela.id),
        lambda: users.unlock(actor, bela.id),
        lambda: users.end_sessions(actor, bela.id),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.parametrize(
    ("field", "over"),
    [
        ("username", {"username": "a"}),
        ("username", {"username": "has space"}),
        ("username", {"username": "=cmd"}),
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "Carl\nCole"}),
        ("email", {"email": "nobody"}),
        ("role", {"role": Role.SYSTEM}),
    ],
)
def test_what_cannot_be_taken_is_said_by_field(session, adam, field, over):
    values = {"username": "carl", "name": "Carl", "role": Role.AGENT, "email": None} | over
    with pytest.raises(InvalidInput) as refused:
        users.create(adam, **values)
    assert list(refused.value.fields) == [field]


def test_a_user_name_is_taken_whatever_its_case(session, adam, bela):
    with pytest.raises(Conflict, match="taken"):
        users.create(adam, username="BELA", name="Other", role=Role.AGENT)
    assert len(users.all_users(adam)) == 2  # and the transaction goes on


def test_the_first_admin_is_made_once(session):
    password = users.create_first_admin()
    assert password is not None
    assert sessions.sign_in("admin", password)
    assert users.create_first_admin() is None


def test_the_last_admin_cannot_be_disabled_or_given_another_role(session, adam, second_admin):
    users.disable(adam, second_admin.id, reason="left")
    with pytest.raises(Refused, match="last admin"):
        users.disable(second_admin, adam.id, reason="left")
    with pytest.raises(Refused, match="last admin"):
        users.change_role(second_admin, adam.id, Role.AGENT)
    users.enable(adam, second_admin.id)
    users.change_role(second_admin, adam.id, Role.AGENT)
    assert user(second_admin, adam.id).role is Role.AGENT


def test_nobody_disables_or_degrades_themselves(session, adam, second_admin):
    with pytest.raises(NotAllowed, match="another admin"):
        users.disable(adam, adam.id, reason="tired")
    with pytest.raises(NotAllowed, match="another admin"):
        users.change_role(adam, adam.id, Role.AGENT)


def test_disabling_needs_a_reason_which_the_trail_keeps(session, adam, bela):
    with pytest.raises(InvalidInput):
        users.disable(adam, bela.id, reason=" ")
    users.disable(adam, bela.id, reason="left the company")
    assert user(adam, bela.id).state == "Disabled"
    reason = session.execute(select(AuditEvent.reason).where(AuditEvent.action == "user.disabled")).scalar_one()
    assert reason == "left the company"
    users.disable(adam, bela.id, reason="again")  # a second time changes and records nothing
    assert events(session, bela.id) == ["user.created", "user.disabled"]


def test_a_form_drawn_before_another_change_is_refused(session, adam, bela):
    seen = user(adam, bela.id).version
    users.change_role(adam, bela.id, Role.LEADER, version=seen)
    with pytest.raises(Conflict, match="meantime"):
        users.disable(adam, bela.id, reason="left", version=seen)


def test_an_unknown_user_is_not_found(session, adam):
    with pytest.raises(NotFound):
        users.reset_password(adam, 12345)


def test_a_reset_unlocks_and_the_old_password_no_longer_works(session, adam, bela):
    password = users.reset_password(adam, bela.id)
    with pytest.raises(sessions.SignInRefused):
        sessions.sign_in("bela", bela.one_time_password)
    assert sessions.sign_in("bela", password)


def test_changing_ones_own_password_needs_the_current_one_and_the_rules(session, adam, bela):
    actor = Actor(bela.id, "Bela Roy", Role.AGENT)
    with pytest.raises(NotAllowed, match="current password"):
        users.change_own_password(actor, current="wrong", new=GOOD)
    with pytest.raises(InvalidInput, match="at least 12"):
        users.change_own_password(actor, current=bela.one_time_password, new="short 1")
    users.change_own_password(actor, current=bela.one_time_password, new=GOOD)
    assert user(adam, bela.id).state == "Active"
    with pytest.raises(InvalidInput, match="current one"):
        users.change_own_password(actor, current=GOOD, new=GOOD)


@pytest.mark.parametrize(
    ("typed", "missed"),
    [
        ("", {"at least 12 characters", "a letter", "a digit or a sign", "not your user name in it"}),
        ("short1", {"at least 12 characters"}),
        ("123456789012", {"a letter"}),
        ("only letters here", {"a digit or a sign"}),
        ("BELA is here 12", {"not your user name in it"}),
        ("aaaaaaaaaaa1", set()),
        (GOOD, set()),
    ],
)
def test_password_rules(typed, missed):
    unmet = {rule.text for rule in passwords.rules(typed, username="bela") if not rule.is_met}
    assert unmet - {"at least 6 different characters"} == missed


def test_a_password_of_few_different_characters_is_refused():
    with pytest.raises(InvalidInput, match="6 different"):
        passwords.require_good("aaaaaaaaaaa1", username="bela")
