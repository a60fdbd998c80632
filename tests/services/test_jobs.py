"""Asking for background work and its life until the end."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services import clock, jobs
from services.errors import Conflict, NotAllowed, NotFound, Refused


def row(session, run_id):
    return session.execute(text("SELECT * FROM job_run WHERE id = :id"), {"id": run_id}).one()


def begin(session, kind="import.commit", **over):
    """A run that a worker holds."""
    run_id = jobs.request(session, kind, {"batch_id": "1"}, **over)
    claimed = jobs.claim(run_id, 0)
    assert claimed is not None
    return claimed


def lease_ends(session, run_id):
    session.execute(text("UPDATE job_run SET lease_until = now() - interval '1 second' WHERE id = :id"), {"id": run_id})


def pause_ends(session, run_id):
    session.execute(text("UPDATE job_run SET run_after = now() WHERE id = :id"), {"id": run_id})


def test_a_period_asked_for_twice_is_one_run(session):
    first = jobs.request(session, "close", {"business_date": "2025-06-15"}, key="close:2025-06-15")
    second = jobs.request(session, "close", {"business_date": "2025-06-15"}, key="close:2025-06-15")
    assert second == first
    assert jobs.claim(first, 0) is not None
    assert jobs.request(session, "close", {}, key="close:2025-06-15") == first
    assert row(session, first).status == "running"


def test_without_a_key_each_request_is_a_run(session):
    assert jobs.request(session, "audit.seal", {}) != jobs.request(session, "audit.seal", {})


def test_a_failed_period_asked_for_again_is_tried_again(session):
    claimed = begin(session, key="close:2025-06-15")
    jobs.fail(claimed, "The book is empty.")
    again = jobs.request(session, "close", {"business_date": "2025-06-15"}, key="close:2025-06-15")
    assert again == claimed.id
    assert row(session, again).status == "queued"
    assert jobs.claim(again, 1).attempt == 2


def test_only_one_worker_gets_a_run(session):
    run_id = jobs.request(session, "audit.seal", {})
    assert jobs.claim(run_id, 0).kind == "audit.seal"
    assert jobs.claim(run_id, 0) is None
    assert jobs.claim(run_id, 1) is None


def test_a_run_is_not_taken_before_its_time(session):
    run_id = jobs.request(session, "audit.seal", {}, run_after=clock.now() + timedelta(minutes=5))
    assert jobs.claim(run_id, 0) is None
    waiting, seconds = jobs.due()
    assert waiting == []
    assert 290 < seconds < 301


def test_done_keeps_its_counts(session):
    claimed = begin(session)
    assert jobs.finish(claimed, {"loans": 12})
    assert (row(session, claimed.id).status, row(session, claimed.id).result) == ("done", {"loans": 12})


def test_a_silent_worker_loses_its_run_to_the_next(session):
    claimed = begin(session)
    assert jobs.sweep() == 0
    lease_ends(session, claimed.id)
    assert jobs.sweep() == 1
    second = jobs.claim(claimed.id, 1)
    assert second.attempt == 2
    # the first wakes up: nothing it says counts
    assert not jobs.renew(claimed)
    assert not jobs.finish(claimed, {"loans": 1})
    assert not jobs.fail(claimed, "Late.")
    with pytest.raises(jobs.LeaseLost):
        jobs.progress(claimed.id, 5, 10, attempt=claimed.attempt)
    assert jobs.finish(second)


def test_a_run_that_kills_its_workers_ends_as_failed(session):
    run_id = jobs.request(session, "import.commit", {"batch_id": "1"})
    for attempt in range(3):
        assert jobs.claim(run_id, attempt) is not None
        lease_ends(session, run_id)
        assert jobs.sweep() == 1
    assert row(session, run_id).status == "failed"
    assert "stopped 3 times" in row(session, run_id).error


def test_passing_trouble_is_tried_again_with_growing_pauses_then_fails(session):
    run_id = jobs.request(session, "import.commit", {"batch_id": "1"})
    pauses = []
    for attempt in range(3):
        claimed = jobs.claim(run_id, attempt)
        jobs.try_again(claimed, "The database was not available.")
        state = row(session, run_id)
        if state.status == "queued":
            assert jobs.claim(run_id, attempt + 1) is None
            pauses.append(state.run_after)
            pause_ends(session, run_id)
    assert len(pauses) == 2
    assert row(session, run_id).error == "The database was not available. Tried 3 times."


def test_a_shutdown_gives_the_run_back_and_costs_no_attempt(session):
    run_id = jobs.request(session, "import.commit", {}, max_attempts=1)
    claimed = jobs.claim(run_id, 0)
    jobs.interrupted(run_id, claimed.attempt, by_shutdown=True)
    assert jobs.claim(run_id, 1) is not None


def test_a_crash_costs_an_attempt(session):
    run_id = jobs.request(session, "import.commit", {}, max_attempts=1)
    claimed = jobs.claim(run_id, 0)
    jobs.interrupted(run_id, claimed.attempt, by_shutdown=False)
    assert row(session, run_id).status == "failed"


def test_progress_shows_at_once(session, adam):
    claimed = begin(session)
    jobs.progress(claimed.id, 250, 1000, "checking rows")
    shown = jobs.overview(adam).running[0]
    assert (shown.share_done, shown.note, shown.label) == (0.25, "checking rows", "Commit an import")


def test_retry_is_for_failed_runs_and_is_audited(session, adam):
    claimed = begin(session)
    with pytest.raises(Conflict):
        jobs.retry(adam, claimed.id)
    jobs.fail(claimed, "The file is gone.")
    jobs.retry(adam, claimed.id)
    assert row(session, claimed.id).status == "queued"
    event = session.execute(text("SELECT * FROM audit_event")).one()
    assert (event.action, event.actor_name) == ("job.retried", adam.name)


def test_what_runs_cannot_be_cancelled(session, adam):
    claimed = begin(session)
    with pytest.raises(Conflict):
        jobs.cancel(adam, claimed.id)
    waiting = jobs.request(session, "audit.seal", {})
    jobs.cancel(adam, waiting)
    assert jobs.claim(waiting, 0) is None


def test_a_person_starts_the_close_of_the_last_day_that_is_over(session, adam, frozen_clock):
    run_id = jobs.start(adam, "close")
    assert row(session, run_id).arguments == {"business_date": "2025-06-15"}
    with pytest.raises(Conflict, match="already"):
        jobs.start(adam, "close")
    with pytest.raises(Refused):
        jobs.start(adam, "import.commit")
    with pytest.raises(NotFound, match=r"no job “scores”. Those that can be started: close, score, "):
        jobs.start(adam, "scores")


def test_roles(session, ana, marek, adam):
    with pytest.raises(NotAllowed):
        jobs.overview(ana)
    with pytest.raises(NotAllowed):
        jobs.start(marek, "close")
    assert jobs.overview(marek).counts == {}


def test_routine_work_is_left_out_of_what_was_done_lately(session, adam):
    jobs.finish(begin(session, "audit.seal"))
    jobs.finish(begin(session, "import.commit"))
    assert [run.kind for run in jobs.overview(adam).ended] == ["import.commit"]


def test_old_records_are_forgotten_but_failures_stay(session):
    done, failed = begin(session), begin(session)
    jobs.finish(done)
    jobs.fail(failed, "No.")
    session.execute(text("UPDATE job_run SET finished_at = now() - interval '40 days'"))
    assert jobs.forget_old() == 1
    assert row(session, failed.id).status == "failed"
