"""The users page: adding a user, the password told once, disabling with a reason, and what the last admin sees."""

from services import users
from services.actors import SYSTEM, Role
from tests.pages.conftest import opened, token_of, words


def button(app, label):
    return next(found for found in app.button if found.label == label)


def field(app, label):
    return next(found for found in app.text_input if found.label == label)


def by_name(username):
    return next(user for user in users.all_users(SYSTEM) if user.username == username)


def test_all_users_are_listed_with_their_state(cast):
    app = opened(token_of(Role.ADMIN), url_path="users")
    frame = app.dataframe[0].value
    assert set(frame["username"]) >= {role.value for role in cast}
    assert "5 may sign in" in words(app)


def test_a_user_is_added_and_the_password_is_told_once(cast):
    app = opened(token_of(Role.ADMIN), url_path="users")
    field(app, "Name").input("Bela Roy")
    field(app, "User name").input("Bela")
    button(app, "Add user").click().run()
    assert by_name("bela").state == "Invited"
    told = app.code[0].value
    assert len(told) == 19
    assert [field(app, label).value for label in ("Name", "User name")] == ["", ""]  # the next one is another person
    app.run()
    assert app.code[0].value == told  # until it is dismissed
    button(app, "Done, I have passed it on").click().run()
    assert not len(app.code)


def test_what_cannot_be_taken_is_said_and_nothing_is_added(cast):
    before = len(users.all_users(SYSTEM))
    app = opened(token_of(Role.ADMIN), url_path="users")
    field(app, "Name").input("X")
    field(app, "User name").input("no good name!")
    button(app, "Add user").click().run()
    assert "2 to 40 small letters" in app.error[0].value
    assert field(app, "User name").value == "no good name!"  # what was typed is not lost
    assert len(users.all_users(SYSTEM)) == before
