"""The running product for browser tests: real web, worker and cron on a database and a queue of this xdist worker.

- `live_app`: the product's address and its demo users; settings of the test point at its database, so that a test may
  also look and write through services.
- `page`: a browser tab at 1440x900, with console errors and screenshots kept when a test fails.
- `sign_in(page, username)`: through the form, as a user does.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from components.browser import COOKIE
from db import embedded_valkey
from db.engine import _engine_of
from ops import processes
from services import sessions, users
from services.actors import SYSTEM, Actor, Role
from tests.conftest import Database, _cloned, _environment

PASSWORD = "correct horse 9 battery"
CAST = {
    "ana": ("Ana Pereira", Role.AGENT),
    "omar": ("Omar Haddad", Role.AGENT),
    "marek": ("Marek Nowak", Role.LEADER),
    "anil": ("Anil Kapoor", Role.ANALYST),
    "ada": ("Ada Byrne", Role.AUDITOR),
    "adam": ("Adam Okoye", Role.ADMIN),
}
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
START_SECONDS = 120
PATIENCE_MS = 45_000
"""How long a screen may take on a busy machine before a test gives up."""
SLOW = 90_000
"""Milliseconds: a loaded machine draws a page of many widgets slowly."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True, slots=True)
class LiveApp:
    """The product, running."""

    address: str
    database: Database
    queue_url: str
    actors: dict[str, Actor]
    """Demo users by user name, as services take them; all have `PASSWORD`."""
    log: Path
    """Folder of the processes' output."""


# --- the product --------------------------------------------------------------------------------------------------


_FIRST_QUEUE = 32
"""Above those of `queue_url`: the queue server has 64 databases."""


@pytest.fixture(scope="session")
def _live_product(
    servers: Path, _own_settings: None, worker_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveApp]:
    folder = tmp_path_factory.mktemp("live")
    # of its own: it runs to the end, and its workers would take what other tests put into theirs
    number = int(worker_name.removeprefix("gw")) + 1 if worker_name.startswith("gw") else 0
    queue_url = embedded_valkey.valkey_url(servers, _FIRST_QUEUE + number)
    with _cloned(servers, f"test_live_{worker_name}") as database:
        actors = {username: _user(username, name, role) for username, (name, role) in CAST.items()}
        port = _free_port()
        with _environment(REDIS_URL=queue_url, RECOUP_HOST="127.0.0.1", RECOUP_PORT=str(port), RECOUP_WORKERS="1"):
            running = [_start(process, folder) for process in processes.all_processes()]
        app = LiveApp(f"http://127.0.0.1:{port}", database, queue_url, actors, folder)
        try:
            _wait_for_web(app, running[0])
            yield app
        finally:
            _stop(running)


def _user(username: str, name: str, role: Role) -> Actor:
    made = users.create(SYSTEM, username=username, name=name, role=role)
    actor = Actor(made.id, name, role)
    users.change_own_password(actor, current=made.one_time_password, new=PASSWORD)
    return actor


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(process: processes.Process, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{process.name}.log").open("wb") as log:
        return subprocess.Popen(
            process.command, env=process.environment or None, stdout=log, stderr=log, start_new_session=True
        )


def _wait_for_web(app: LiveApp, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with (
            suppress(urllib.error.URLError, OSError),  # not up yet
            urllib.request.urlopen(f"{app.address}/_stcore/health", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        written = (app.log / "web.log").read_text(errors="replace")[-2000:]
        assert web.poll() is None, f"the web server ended:\n{written}"
        assert time.monotonic() < deadline, f"the web server did not answer within {START_SECONDS} s:\n{written}"
        time.sleep(0.1)


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    family = [child for process in running for child in _with_children(process.pid)]
    for process in running:
        process.terminate()
    _, alive = psutil.wait_procs(family, timeout=10)
    for process in alive:
        process.kill()
    for ended in running:
        ended.wait()


def _with_children(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def live_app(_live_product: LiveApp) -> Iterator[LiveApp]:
    """The running product; one a worker, shared by its tests, so a test makes what it needs and counts only that."""
    app = _live_product
    with _environment(
        DATABASE_URL=app.database.url, DATABASE_OWNER_URL=app.database.owner_url, REDIS_URL=app.queue_url
    ):
        yield app
        _engine_of(os.getpid(), app.database.url).dispose()


# --- the browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the system's, else the one that playwright installed."""
    found = next((path for path in CHROMIUM if Path(path).exists()), None) or shutil.which("chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    launched = _playwright.chromium.launch(executable_path=found, args=arguments)
    yield launched
    launched.close()


@pytest.fixture
def page(browser: Browser, live_app: LiveApp, tmp_path: Path) -> Iterator[Page]:
    """A tab of a fresh browser profile, at the size of a desk's screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=live_app.address)
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    yield tab
    tab.screenshot(path=tmp_path / "last.png")  # pytest keeps the folder of the last runs
    context.close()


def sign_in(page: Page, username: str, password: str = PASSWORD, *, path: str = "/") -> None:
    """Open a path, sign in through the form, and wait until the product's frame is there."""
    page.goto(path)
    fill_sign_in(page, username, password)
    page.get_by_role("button", name="Sign out").wait_for(state="attached")


def fill_sign_in(page: Page, username: str, password: str) -> None:
    """Fill in and send the sign-in form."""
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def settle(page: Page) -> None:
    """Wait until Streamlit has run the script and drawn what came of it."""
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()


def work_as(page: Page, username: str, path: str) -> None:
    """Go on as another user, who has signed in elsewhere: drawing the form for each takes a quarter of a test."""
    token = sessions.exchange(sessions.sign_in(username, PASSWORD))
    page.context.clear_cookies()
    page.goto("about:blank")
    cookie = {"name": COOKIE, "value": token or "", "domain": "127.0.0.1", "path": "/", "httpOnly": True}
    page.context.add_cookies([{**cookie, "sameSite": "Strict"}])  # type: ignore[typeddict-item]
    page.goto(path)
    page.get_by_role("button", name="Sign out").wait_for(state="attached")
    settle(page)


def choose_act(page: Page, label: str) -> None:
    """Choose what to do on the borrower's page."""
    page.locator(".st-key-borrower_actions").get_by_role("radio", name=label, exact=True).click()
    settle(page)
