"""Server time of every page over a book of this size, against an empty Streamlit page.

Pages run in Streamlit's own test runner: the whole script with the shell, the session check and all queries, without
a browser. Cold: every run finds the caches of pages empty. Warm: as the second visitor of the same figures finds them.
"""

from collections.abc import Iterator
from datetime import timedelta

import streamlit as st
from sqlalchemy import text
from streamlit.logger import set_log_level
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from components import browser
from components.screens import PROJECT, available
from db.engine import reading
from services import allocation, closing, demo, lender, sessions, users
from services.actors import SYSTEM, Actor, Role
from tests.app_runs import components_looked_for_once
from tests.bench.harness import Bench, Result, percentile, timed

RUNS = 20
TARGET = 0.250
"""Seconds over the empty page at the 95th percentile."""
PASSWORD = "correct horse 9 battery"
_USERS = {
    "queue": "anita",
    "borrower": "leela",
    "allocation": "leela",
    "visits": "leela",
    "approvals": "leela",
    "complaints": "leela",
    "holds": "leela",
    "settlements": "leela",
    "hardship": "leela",
    "legal": "leela",
    "outcomes": "leela",
    "performance": "leela",
    "strategy": "leela",
    "portfolio": "leela",
    "accounts": "leela",
    "audit": "ruth",
    "jobs": "leela",
    "outbox": "leela",
    "contact_rules": "leela",
}


def run(bench: Bench) -> Iterator[Result]:
    """Every screen, cold and warm."""
    with components_looked_for_once():
        yield from _run(bench)


def _run(bench: Bench) -> Iterator[Result]:
    set_log_level("ERROR")  # it says at each run that no browser is there
    _keep_warm()
    empty = _times(AppTest.from_string("import streamlit as st", default_timeout=60), is_cold=False)
    yield Result("an empty page", percentile(empty, 0.5), detail=_shape(empty))
    with bench.book():
        _prepare(bench)
        tokens = {name: _token(name) for name in {*_USERS.values(), "bench-admin"}}
        for screen in available():
            app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
            app.session_state[browser.TAB_KEY] = tokens[_USERS.get(screen.url_path, "bench-admin")]
            if screen.url_path == "borrower":
                app.query_params["borrower"] = str(_a_borrower())
            app.switch_page(screen.path)
            app.run()
            problems = [str(error.value) for error in app.exception]
            for is_cold in (True, False):
                yield _result(screen.title, _times(app, is_cold=is_cold), empty, is_cold=is_cold, problems=problems)


def _result(title: str, times: list[float], empty: list[float], *, is_cold: bool, problems: list[str]) -> Result:
    over = percentile(times, 0.95) - percentile(empty, 0.95)
    detail = _shape(times) | {"p95_over_empty": round(over, 4)}
    if problems:
        detail["exception"] = problems[0]
    return Result(
        f"{title}, caches {'cold' if is_cold else 'warm'}",
        percentile(times, 0.95),
        ratio=percentile(times, 0.95) / percentile(empty, 0.95),
        against="an empty page (p95)",
        target=f"p95 under {TARGET * 1000:.0f} ms over it",
        is_met=over < TARGET and not problems,
        detail=detail,
    )


def _shape(times: list[float]) -> dict[str, float | int | str]:
    return {"runs": len(times), "p50": round(percentile(times, 0.5), 4), "p95": round(percentile(times, 0.95), 4)}


def _times(app: AppTest, *, is_cold: bool) -> list[float]:
    app.run()
    times = []
    for _ in range(RUNS):
        if is_cold:
            st.cache_data.clear()
        times.append(timed(app.run))
    return times


def _prepare(bench: Bench) -> None:
    """Close a month-end and the one before it, give an agent cases, let users sign in."""
    with reading() as session:
        is_closed = lender.load(session).closed_through is not None
    if not is_closed:
        closing.close(SYSTEM, bench.as_of)
    before = bench.as_of.replace(day=1) - timedelta(days=1)
    closing.backfill(SYSTEM, before.replace(day=1), before)
    demo.demo_users(SYSTEM, PASSWORD)
    admin = users.create(SYSTEM, username="bench-admin", name="Bench Admin", role=Role.ADMIN)
    me = next(user for user in users.all_users(SYSTEM) if user.id == admin.id)
    users.change_own_password(_actor(me.id), current=admin.one_time_password, new=PASSWORD)
    with reading() as session:
        cases = session.execute(
            text("SELECT id FROM collection_case WHERE closed_on IS NULL AND owner_id IS NULL LIMIT 400")
        ).scalars()
        anita = session.execute(text("SELECT id FROM app_user WHERE username = 'anita'")).scalar_one()
        ids = list(cases)
    allocation.allocate(SYSTEM, ids, anita, reason="a day's work")


def _actor(user_id: int) -> Actor:
    return Actor(id=user_id, name="Bench Admin", role=Role.ADMIN)


def _token(username: str) -> str:
    token = sessions.exchange(sessions.sign_in(username, PASSWORD))
    assert token is not None, username
    return token


def _a_borrower() -> int:
    """One with much to show: the delinquent borrower with the most contacts."""
    with reading() as session:
        return int(
            session.execute(
                text("""SELECT borrower_id FROM contact_attempt GROUP BY borrower_id
                        ORDER BY count(*) DESC, borrower_id LIMIT 1""")
            ).scalar_one()
        )


def _keep_warm() -> None:
    """The test runner starts each run as a cold server, which would go through the shell twice."""
    start = PagesManager.__init__

    def warm(self: PagesManager, *args: object, **kwargs: object) -> None:
        start(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    PagesManager.__init__ = warm  # type: ignore[method-assign]
