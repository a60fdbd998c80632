"""Pages in Streamlit's own test runner, on a real database, signed in as a user is: by a session of the store."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import streamlit as st
from argon2 import PasswordHasher
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from components import browser
from components.screens import PROJECT
from services import passwords, sessions, users
from services.actors import SYSTEM, Actor, Role
from tests.app_runs import components_looked_for_once
from tests.conftest import Database, _cloned

PASSWORD = "correct horse 9 battery"
ROLES = (Role.ADMIN, Role.LEADER, Role.ANALYST, Role.AGENT, Role.AUDITOR)
APP = str(PROJECT / "app.py")


@pytest.fixture(scope="session", autouse=True)
def _components_looked_for_once() -> Iterator[None]:
    with components_looked_for_once():
        yield


@pytest.fixture(scope="module")
def cheap_hashes() -> Iterator[None]:
    """Hashes that cost little: what they cost in earnest is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        passwords._of_nobody.cache_clear()
        yield
    passwords._of_nobody.cache_clear()


@pytest.fixture(scope="module")
def pages_database(servers, _own_settings, worker_name, request, cheap_hashes) -> Iterator[Database]:
    """A database of the module's own: pages run in threads, so they see only what is committed."""
    name = f"test_pages_{worker_name}_{request.module.__name__.rsplit('.', 1)[-1]}"
    st.cache_resource.clear()
    st.cache_data.clear()  # what pages kept of another module's database
    with ExitStack() as stack:
        yield stack.enter_context(_cloned(servers, name))


@pytest.fixture(scope="module")
def cast(pages_database) -> dict[Role, Actor]:
    """One user of each role who has chosen a password, by role; the user name is the role."""
    made = {}
    for role in ROLES:
        user = users.create(SYSTEM, username=role.value, name=f"{role.capitalize()} Person", role=role)
        made[role] = Actor(user.id, f"{role.capitalize()} Person", role)
        users.change_own_password(made[role], current=user.one_time_password, new=PASSWORD)
    return made


@pytest.fixture
def cold_server() -> None:
    """Ask for it to run pages as a server does that has not run `app.py` yet: see `components/guard.py`."""


@pytest.fixture(autouse=True)
def _warm_server(request, monkeypatch) -> None:
    """Streamlit's test runner starts each run cold, so that clicks would be lost on the way back through `app.py`."""
    if "cold_server" in request.fixturenames:
        return
    start = PagesManager.__init__

    def warm(self, *args, **kwargs):
        start(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", warm)


def token_of(role: Role, password: str = PASSWORD) -> str:
    """A session's token, as the browser would send it."""
    token = sessions.exchange(sessions.sign_in(role.value, password))
    assert token is not None
    return token


def opened(token: str | None, *, url_path: str | None = None, address: Mapping[str, Any] | None = None) -> AppTest:
    """The app as a browser with that token sees it, at a screen's address with its parameters, or at the start."""
    app = AppTest.from_file(APP, default_timeout=90)
    if token is not None:
        app.session_state[browser.TAB_KEY] = token
    if url_path is not None:
        app.switch_page(f"pages/{url_path}.py")
    for name, value in (address or {}).items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    """All that the screen says, for looking whether it says too much."""
    elements = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.error, *app.info]
    cells = [str(cell) for table in app.table for cell in table.value.to_numpy().ravel()]
    return "\n".join([*(str(element.value) for element in elements), *cells])
