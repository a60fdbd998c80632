"""The guard and the frame: what a stranger, each role, and a session that is over get to see of each screen."""

import ast
from collections.abc import Iterator

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from components import browser, guard, screens
from components.screens import SCREENS
from services import sessions, users
from services.actors import SYSTEM, Actor, Role
from services.errors import NotAllowed
from tests.pages.conftest import PASSWORD, ROLES, opened, token_of, words

AVAILABLE = screens.available()
ids = [screen.url_path for screen in AVAILABLE]


def is_sign_in(app: AppTest) -> bool:
    return [field.label for field in app.text_input] == ["User name", "Password"]


def shows_data(app: AppTest) -> bool:
    return bool(len(app.dataframe) or len(app.metric) or len(app.table) or len(app.sidebar.caption))


def test_paths_and_files_of_screens_are_unique():
    assert len({screen.url_path for screen in SCREENS}) == len(SCREENS)
    assert len({screen.path for screen in SCREENS}) == len(SCREENS)


def test_every_page_file_is_a_screen():
    files = {path.name for path in (screens.PROJECT / "pages").glob("*.py")}
    assert files <= {screen.file.name for screen in SCREENS}


@pytest.mark.parametrize("screen", AVAILABLE, ids=ids)
def test_a_page_starts_with_its_guard(screen):
    """The first statement after the imports, so that nothing runs before it."""

    body = ast.parse(screen.file.read_text()).body
    first = next(
        node
        for node in body
        if not isinstance(node, (ast.Import, ast.ImportFrom))
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    )
    call = first.value
    assert isinstance(call, ast.Call)
    assert ast.unparse(call) == f"guard(Permission.{screen.permission.name})"


@pytest.mark.parametrize("screen", AVAILABLE, ids=ids)
def test_a_page_opened_alone_and_cold_shows_a_stranger_nothing(pages_database, cold_server, screen):
    app = AppTest.from_file(str(screen.file), default_timeout=90).run()
    assert not shows_data(app)
    assert [error.value for error in app.error] == [
        "This page is opened through the application's address. Start at its first page."
    ]
    assert words(app).count("\n") == 0


@pytest.mark.parametrize("screen", AVAILABLE, ids=ids)
def test_even_a_signed_in_user_gets_nothing_from_a_page_without_the_shell(cast, screen):
    app = AppTest.from_file(str(screen.file), default_timeout=90)
    app.session_state[browser.TAB_KEY] = token_of(Role.ADMIN)
    assert not shows_data(app.run())


@pytest.mark.parametrize("screen", AVAILABLE, ids=ids)
def test_a_stranger_at_any_address_of_a_cold_server_sees_the_sign_in_screen_only(pages_database, cold_server, screen):
    app = opened(None, url_path=screen.file.stem)
    assert is_sign_in(app)
    assert not shows_data(app)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("screen", AVAILABLE, ids=ids)
def test_each_role_gets_its_screens_and_a_clear_no_to_the_others(cast, screen, role):
    app = opened(token_of(role), url_path=screen.file.stem)
    refusal = "This page is not part of your role"
    assert (refusal in words(app)) is not cast[role].may(screen.permission)
    assert not app.exception
    if not cast[role].may(screen.permission):
        assert not len(app.dataframe)
        assert not len(app.metric)
    else:
        assert "Something went wrong" not in words(app)


@pytest.mark.parametrize("role", ROLES)
def test_the_start_leads_to_the_roles_own_screen(cast, role):
    app = opened(token_of(role))
    landing = screens.landing(cast[role])
    if landing is None:
        assert "no page for your role" in words(app)
    else:
        assert app.session_state["shell.url_path"] == landing.url_path


def test_sign_in_by_the_form_and_sign_out_end_to_end(cast):
    app = opened(None)
    app.text_input[0].input("admin")
    app.text_input[1].input(PASSWORD)
    app.button[0].click().run()
    assert "Admin Person · admin" in words(app)
    copied = app.session_state[browser.TAB_KEY]
    next(button for button in app.sidebar.button if button.label == "Sign out").click().run()
    assert is_sign_in(app)
    assert is_sign_in(opened(copied))


def test_a_wrong_password_says_what_to_do_and_no_more(cast):
    app = opened(None)
    app.text_input[0].input("nobody")
    app.text_input[1].input("wrong")
    app.button[0].click().run()
    assert is_sign_in(app)
    assert "do not match" in app.error[0].value


def test_an_empty_form_asks_for_both(cast):
    app = opened(None)
    app.button[0].click().run()
    assert app.error[0].value == "Type your user name and your password."


def test_a_one_time_password_opens_nothing_but_its_change(cast):
    made = users.create(SYSTEM, username="newcomer", name="New Comer", role=Role.ADMIN)
    token = sessions.exchange(sessions.sign_in("newcomer", made.one_time_password))
    for screen in AVAILABLE:
        app = opened(token, url_path=screen.file.stem)
        assert [field.label for field in app.text_input][:2] == ["Password you were given", "New password"]
        assert not shows_data(app)


def test_a_session_over_in_the_middle_of_work_shows_the_sign_in_screen(cast):
    token = token_of(Role.ADMIN)
    app = opened(token, url_path="users")
    assert not is_sign_in(app)
    sessions.sign_out(token)
    app.run()
    assert is_sign_in(app)
    assert not shows_data(app)


def test_a_cold_server_leads_a_deep_link_through_the_shell(cast, cold_server):
    app = opened(token_of(Role.ADMIN), url_path="users")
    assert PagesManager.uses_pages_directory is False
    assert "Admin Person · admin" in words(app)
    assert len(app.dataframe) == 1


def test_a_download_in_an_open_tab_is_for_the_role_that_holds_when_it_is_pressed(cast, monkeypatch):
    clerk = users.create(SYSTEM, username="clerk", name="Clerk Person", role=Role.LEADER)
    users.change_own_password(
        Actor(clerk.id, "Clerk Person", Role.LEADER), current=clerk.one_time_password, new=PASSWORD
    )
    token = sessions.exchange(sessions.sign_in("clerk", PASSWORD))
    monkeypatch.setattr(browser, "token", lambda: token)
    make = guard.when_pressed(lambda: b"the book")
    assert make() == b"the book"
    users.change_role(SYSTEM, clerk.id, Role.AGENT)
    with pytest.raises(NotAllowed, match="Load the page again"):
        make()
    make_again = guard.when_pressed(lambda: b"my cases")
    assert make_again() == b"my cases"
    sessions.sign_out(token or "")
    with pytest.raises(NotAllowed):
        make_again()


def test_every_download_that_is_made_when_pressed_asks_who_presses():
    for path in (screens.PROJECT / "components").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "data" and isinstance(node.value, ast.Lambda):
                pytest.fail(f"{path.name}, line {node.lineno}: wrap it in guard.when_pressed")


def _fragments() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted([*(screens.PROJECT / "components").glob("*.py"), *(screens.PROJECT / "pages").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any("fragment" in ast.dump(each) for each in node.decorator_list):
                yield f"{path.name} {node.name}", node


def test_fragments_ask_for_the_session_first_since_they_run_without_the_shell():
    found = dict(_fragments())
    assert found
    for name, node in found.items():
        statements = node.body[1:] if ast.get_docstring(node) else node.body
        assert ast.unparse(statements[0]).startswith(("guard.again(actor)", "if not guard.still(actor):")), name
