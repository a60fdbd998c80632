"""A worker killed -9 during the day-end close: the next goes on, and the day is as if nothing had happened."""

from datetime import date

import pytest
from sqlalchemy import text

from db.engine import transaction
from services import closing, demo
from services.actors import SYSTEM
from tests.conftest import wait_until
from tests.processes import kill_tree, lease_ends, request, run_row, started

pytestmark = pytest.mark.kill

LOANS, DAY = 4_000, date(2025, 6, 16)


def one(statement):
    with transaction() as session:
        return session.execute(text(statement)).scalar_one()


def digest():
    """All that the close wrote of the day; not risk, which the score that follows it changes."""
    return one("""
        SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
            SELECT (to_jsonb(s) - '{as_of,risk_score,risk_band}'::text[])::text AS t FROM loan_state s
            UNION ALL SELECT (to_jsonb(n) - 'risk_band')::text FROM loan_snapshot n
            UNION ALL SELECT concat_ws(':', as_of, segment_id, bucket, asset_class, sum(loans), sum(outstanding))
                      FROM portfolio_day GROUP BY as_of, segment_id, bucket, asset_class) all_of_it
    """)


def test_a_killed_close_is_finished_by_the_next_worker(quiet, queue_url, tmp_path):
    with transaction(statement_timeout_ms=0) as session:
        demo.generate(session, loans=LOANS, as_of=DAY)
    run_id = request("close", {"business_date": DAY.isoformat()}, key=f"close:{DAY}")
    with started("cron", tmp_path / "log"):
        with started("worker", tmp_path / "log") as worker:
            wait_until(lambda: one("SELECT count(*) FROM close_run") == 1, 120, "the close")
            kill_tree(worker)
        assert run_row(run_id).status == "running"
        lease_ends(run_id)
        with started("worker", tmp_path / "log"):
            wait_until(lambda: run_row(run_id).status in {"done", "failed"}, 90, "the close by the next worker")
    assert (run_row(run_id).status, run_row(run_id).attempts) == ("done", 2)
    assert one("SELECT count(*) FROM loan_state") == LOANS
    assert one("SELECT count(*) FROM loan_snapshot") == one("SELECT sum(loans) FROM portfolio_day") > 0
    assert one("SELECT count(*) FROM close_range WHERE done_at IS NULL") == 0
    after_the_kill = digest()
    closing.close(SYSTEM, DAY)
    assert digest() == after_the_kill
