"""Workers killed -9 while a file is checked and while it is committed: the book holds it whole and once."""

from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import create_engine, text

from db.engine import transaction
from services import demo, imports
from services.actors import Role
from tests.conftest import make_actor, wait_until
from tests.processes import kill_tree, lease_ends, run_row, started

pytestmark = pytest.mark.kill

LOANS = 20_000


def latest(kind):
    with transaction() as session:
        return session.execute(
            text("SELECT id FROM job_run WHERE kind = :k ORDER BY id DESC LIMIT 1"), {"k": kind}
        ).scalar_one()


def count(table):
    with transaction() as session:
        return session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def is_over(run_id):
    return run_row(run_id).status in {"done", "failed"}


@contextmanager
def loans_held(database):
    """Within, nobody gets at loans: a worker stands still where it needs them, however fast the machine is."""
    engine = create_engine(database.superuser_url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE loan IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


def killed_in(run_id, note, log, database):
    """Let a worker begin the run, and kill it when it says that it is there."""
    with loans_held(database), started("worker", log) as worker:
        wait_until(lambda: note in (run_row(run_id).progress_note or "") or is_over(run_id), 120, note)
        kill_tree(worker)
    assert run_row(run_id).status == "running", run_row(run_id)
    lease_ends(run_id)


def test_a_killed_import_is_begun_again_and_the_book_holds_it_once(quiet, queue_url, tmp_path):
    with transaction() as session:
        admin = make_actor(session, "adam", "Adam Okoye", Role.ADMIN)
    paths = demo.write_files(tmp_path / "files", loans=LOANS, as_of=date(2025, 6, 16))
    with paths["loan_book"].open("rb") as file:
        batch = imports.upload(admin, file, "loan_book.csv", kind=imports.Kind.LOAN_BOOK)
    imports.request_check(admin, batch.id)
    check = latest("import.check")
    with started("cron", tmp_path / "log"):
        killed_in(check, "checking", tmp_path / "log", quiet)
        with started("worker", tmp_path / "log"):
            wait_until(lambda: run_row(check).status == "done", 120, "the check")
        imports.request_commit(admin, batch.id)
        commit = latest("import.commit")
        killed_in(commit, "writing", tmp_path / "log", quiet)
        assert count("loan") in {0, LOANS}  # whole or not at all
        with started("worker", tmp_path / "log"):
            wait_until(lambda: run_row(commit).status == "done", 120, "the commit")
    assert (run_row(check).attempts, run_row(commit).attempts) == (2, 2)
    assert imports.view(admin, batch.id).status == "committed"
    assert count("loan") == LOANS
    with transaction() as session:
        acts = session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'import.committed'")).scalar_one()
    assert acts == 1
