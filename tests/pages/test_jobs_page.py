"""The jobs page: what runs, what failed and why, starting and retrying, and who may."""

import pytest
from sqlalchemy import text

from db.engine import transaction
from services import jobs
from services.actors import Role
from tests.pages.conftest import opened, token_of, words


@pytest.fixture(autouse=True)
def _no_jobs(cast):
    with transaction() as session:
        session.execute(text("DELETE FROM job_run"))


def begun(kind="import.commit", arguments=None):
    with transaction() as session:
        run_id = jobs.request(session, kind, arguments or {})
    return jobs.claim(run_id, 0)


def labels(app):
    return [found.label for found in app.button]


def button(app, label):
    return next(found for found in app.button if found.label == label)


def statuses():
    with transaction() as session:
        return list(session.execute(text("SELECT kind, status FROM job_run ORDER BY id")).all())


def test_nothing_to_show_says_what_comes_next():
    app = opened(token_of(Role.ADMIN), url_path="jobs")
    said = words(app)
    assert "Nothing is running and nothing waits" in said
    assert "No job has been done yet" in said


def test_a_running_job_shows_how_far_it_is():
    held = begun()
    jobs.progress(held.id, 250_000, 1_000_000, "writing loans")
    app = opened(token_of(Role.LEADER), url_path="jobs")
    said = words(app)
    assert "1 running, 0 waiting, 0 failed" in said
    assert "writing loans · 2,50,000 of 10,00,000" in said
    assert len(app.get("progress")) == 1


def test_a_running_job_that_tells_no_steps_has_no_bar_that_stays_empty():
    begun()
    app = opened(token_of(Role.LEADER), url_path="jobs")
    assert "1 running" in words(app)
    assert not app.get("progress")


def test_a_failed_job_says_why_and_is_retried():
    jobs.fail(begun(), "The file is no longer there: upload it again.", reference="AB12CD34")
    app = opened(token_of(Role.ADMIN), url_path="jobs")
    said = words(app)
    assert "The file is no longer there" in said
    assert "AB12CD34" in said
    button(app, "Retry").click().run()
    assert statuses() == [("import.commit", "queued")]


def test_a_failed_job_is_taken_off_the_list():
    jobs.fail(begun(), "The file is no longer there: upload it again.")
    app = opened(token_of(Role.ADMIN), url_path="jobs")
    button(app, "Dismiss").click().run()
    assert statuses() == [("import.commit", "cancelled")]


def test_an_admin_starts_the_close_and_a_second_click_says_that_it_waits():
    app = opened(token_of(Role.ADMIN), url_path="jobs")
    app = button(app, "Day-end close now").click().run()
    assert statuses() == [("close", "queued")]
    app = button(app, "Day-end close now").click().run()
    assert "waiting or running already" in app.warning[0].value
    assert len(statuses()) == 1


def test_a_leader_sees_but_starts_nothing():
    jobs.fail(begun(), "The file is no longer there: upload it again.")
    app = opened(token_of(Role.LEADER), url_path="jobs")
    assert "1 failed" in words(app)
    assert not {"Retry", "Dismiss", "Day-end close now"} & set(labels(app))


def test_what_was_done_is_listed_with_its_result():
    jobs.finish(begun("close", {"business_date": "2025-06-15"}), {"loans": 1200})
    app = opened(token_of(Role.ADMIN), url_path="jobs")
    row = next(found.value for found in app.dataframe if "took" in found.value).iloc[0]
    assert (row["label"], row["result"], row["asked_by"]) == (
        "Day-end close of 15 Jun 2025",
        "loans 1,200",
        "Timetable",
    )


def test_the_timetable_is_shown():
    app = opened(token_of(Role.LEADER), url_path="jobs")
    frame = next(found.value for found in app.dataframe if "rhythm" in found.value)
    assert "daily at 00:30" in set(frame["rhythm"])


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST, Role.AUDITOR])
def test_other_roles_see_nothing(role):
    app = opened(token_of(role), url_path="jobs")
    assert not app.dataframe
    assert "Nothing is running" not in words(app)
