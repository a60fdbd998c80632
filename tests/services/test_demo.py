"""The made-up book: repeatable, exact to the paisa, never of the future, shaped like a lender's, and importable."""

import warnings
from datetime import date

import numpy as np
import pytest
from sqlalchemy import text

from db.engine import reading
from services import allocation, delinquency, demo, imports, passwords
from services.actors import SYSTEM, Actor, Role
from services.demo import identity, spans
from services.demo.runs import all_runs
from services.demo.states import states
from services.errors import InvalidInput, NotAllowed, Refused
from tests import builders

AS_OF = date(2025, 11, 22)
DAY = np.datetime64(AS_OF, "D")


@pytest.fixture(scope="module")
def run():
    """Six thousand loans: enough for shares to be steady."""
    return next(all_runs(loans=6_000, seed=11, as_of=AS_OF))


def _first_files(folder, seed):
    paths = demo.write_files(folder, loans=300, seed=seed, as_of=AS_OF)
    return {kind: path.read_bytes() for kind, path in paths.items()}


def test_same_seed_gives_the_same_files(tmp_path):
    assert _first_files(tmp_path / "one", seed=1) == _first_files(tmp_path / "two", seed=1)


def test_another_seed_gives_another_book(tmp_path):
    one, two = _first_files(tmp_path / "one", seed=1), _first_files(tmp_path / "two", seed=2)
    assert all(one[kind] != two[kind] for kind in one)


def test_principal_of_each_schedule_sums_to_the_loan(run):
    assert (run.schedules.principal.sum(axis=1) == run.book.principal).all()
    assert (run.schedules.principal >= 0).all()
    assert (run.schedules.interest >= 0).all()


def test_instalments_are_equal_but_for_the_last(run):
    plan = run.schedules
    parts = plan.principal + plan.interest
    is_equal = parts == plan.instalment[:, None]
    is_last = np.arange(parts.shape[1]) == run.book.tenure[:, None] - 1
    assert (is_equal | is_last | ~plan.exists).all()
    assert (parts[is_last] < plan.instalment + 100).all()  # rounded interest adds up to less than a rupee


def test_due_dates_rise_and_begin_after_disbursal(run):
    due = run.schedules.due_on
    assert (np.diff(due.astype(np.int64), axis=1) > 0).all()
    assert (due[:, 0] > run.book.disbursed_on).all()


def test_nothing_happens_after_the_business_date(run):
    lived, done = run.behaviour, run.conduct
    known = [lived.payments.paid_on, lived.bounces.presented_on, done.attempts.at, done.promises.promised_on]
    for days in (*known, lived.payments.reversed_on, lived.closed_on, lived.written_off_on):
        assert not (days.astype("datetime64[D]") > DAY).any()


def test_nobody_pays_more_than_the_loan_and_its_interest(run):
    paid = np.zeros(run.book.loans, dtype=np.int64)
    kept = np.isnat(run.behaviour.payments.reversed_on)
    np.add.at(paid, run.behaviour.payments.loan[kept], run.behaviour.payments.amount[kept])
    plan = run.schedules
    assert (paid <= (plan.principal + plan.interest + plan.charges).sum(axis=1)).all()
    assert (run.behaviour.payments.amount > 0).all()


def test_closed_loans_were_paid_in_full_or_paid_off_early(run):
    plan, closed_on = run.schedules, run.behaviour.closed_on
    paid = np.zeros(run.book.loans, dtype=np.int64)
    kept = np.isnat(run.behaviour.payments.reversed_on)
    np.add.at(paid, run.behaviour.payments.loan[kept], run.behaviour.payments.amount[kept])
    dues = plan.principal + plan.interest + plan.charges
    had_fallen_due = plan.due_on <= closed_on[:, None]
    early = np.where(had_fallen_due, dues, plan.principal).sum(axis=1)
    is_closed = ~np.isnat(closed_on)
    in_full, paid_off = paid == dues.sum(axis=1), paid == early
    assert (in_full | paid_off)[is_closed].all()
    assert in_full[is_closed].sum() > 500
    assert (paid_off & ~in_full)[is_closed].sum() > 50


def test_no_step_in_time_is_without_its_unit():
    """Newer releases of numpy warn of such steps, and will refuse them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        drawn = next(all_runs(loans=300, seed=2, as_of=AS_OF))
    assert drawn.book.disbursed_on.dtype == np.dtype("datetime64[D]")
    for unit, step in (("D", spans.days(3)), ("M", spans.months(np.array([3]))), ("s", spans.seconds(3))):
        assert np.datetime_data(step.dtype) == (unit, 1)


def test_shape_is_that_of_a_lender(run):
    month_end = np.datetime64("2025-10-31", "D")
    state = states(run, month_end)
    dpd = state.dpd[state.is_active]
    shares = np.histogram(dpd, [0, 1, 31, 61, 91, 10_000])[0] / len(dpd)
    assert 0.75 < shares[0] < 0.90
    assert 0.04 < shares[1] < 0.09
    assert shares[1] > shares[2] > shares[3]
    assert 0.02 < shares[4] < 0.06


def test_everything_that_happens_to_loans_happens_in_it(run):
    lived, done = run.behaviour, run.conduct
    assert (~np.isnat(lived.payments.reversed_on)).any()
    assert (~np.isnat(lived.written_off_on)).any()
    assert set(lived.bounces.reason) == {0, 1, 2, 3}
    assert (done.promises.due_on > DAY).any()
    assert np.isnat(done.follow_ups.done_at).any()
    assert (done.follow_ups.asked_at < done.follow_ups.due_at).all()
    assert len(done.holds.borrower) > 0


def test_mail_can_reach_nobody_and_numbers_keep_to_one_block():
    rng = np.random.default_rng(3)
    names = identity.names(rng, np.arange(20))
    mails = identity.emails(rng, names, np.arange(20)).to_pylist()
    assert all(mail.rsplit("@", 1)[1] in {"example.com", "example.org", "example.net"} for mail in mails)
    assert all(number.startswith("+9190000") and len(number) == 13 for number in identity.phones(rng, 50).to_pylist())


def test_generate_writes_what_was_drawn(session):
    written = demo.generate(session, loans=400, seed=5, as_of=AS_OF)
    drawn = next(all_runs(loans=400, seed=5, as_of=AS_OF))
    assert written.loans == 400
    sums = session.execute(
        text("""
        SELECT (SELECT sum(principal) FROM loan) AS lent, (SELECT sum(principal) FROM instalment) AS scheduled,
               (SELECT sum(amount) FROM payment WHERE kind = 'payment') AS paid,
               (SELECT count(*) FROM payment WHERE kind = 'reversal') AS reversals,
               (SELECT count(*) FROM contact_attempt) AS attempts
        """)
    ).one()
    assert sums.lent == sums.scheduled == drawn.book.principal.sum() / 100
    assert int(sums.paid * 100) == drawn.behaviour.payments.amount.sum()
    assert sums.reversals == (~np.isnat(drawn.behaviour.payments.reversed_on)).sum()
    assert sums.attempts == len(drawn.conduct.attempts.loan)


def test_every_reversal_names_a_payment_of_its_loan(session):
    demo.generate(session, loans=1_500, seed=5, as_of=AS_OF)
    lost = session.execute(
        text("""
        SELECT count(*) FROM payment r WHERE kind = 'reversal' AND NOT EXISTS (
            SELECT FROM payment p WHERE p.loan_id = r.loan_id AND p.reference = r.reverses_reference
              AND p.kind = 'payment' AND p.amount = r.amount AND p.paid_on < r.paid_on)
        """)
    ).scalar_one()
    assert lost == 0
    assert session.execute(text("SELECT count(*) FROM payment WHERE kind = 'reversal'")).scalar_one() > 0


def test_contact_values_are_encrypted_and_found_by_index(session):
    from services import personal_data

    demo.generate(session, loans=20, seed=5, as_of=AS_OF)
    row = session.execute(text("SELECT value_encrypted, value_index FROM contact_point WHERE kind = 'phone'")).first()
    number = personal_data.decrypt(bytes(row.value_encrypted))
    assert number.startswith("+9190000")
    assert bytes(row.value_index) == personal_data.blind_index(number)


def test_loans_are_in_the_lenders_currency(session):
    session.execute(text("UPDATE lender SET currency = 'USD'"))
    demo.generate(session, loans=20, seed=5, as_of=AS_OF)
    assert session.execute(text("SELECT DISTINCT currency FROM loan")).scalars().all() == ["USD"]


def test_demo_users_cannot_sign_in_until_they_are_given_a_password(session):
    demo.generate(session, loans=20, seed=5, as_of=AS_OF)
    hashes = session.execute(text("SELECT password_hash FROM app_user WHERE username = 'anita'")).scalars().all()
    assert hashes == ["!"]
    names = demo.demo_users(SYSTEM, "correct horse 9 battery")
    assert {"anita", "leela", "nikhil", "ruth"} <= set(names)
    stored = session.execute(text("SELECT password_hash FROM app_user WHERE username = 'anita'")).scalar_one()
    assert passwords.matches(stored, "correct horse 9 battery")


def test_a_weak_password_for_the_demo_is_refused(session):
    with pytest.raises(InvalidInput):
        demo.demo_users(SYSTEM, "demo")


def test_a_leader_may_not_open_the_demo_users(session, marek):
    with pytest.raises(NotAllowed):
        demo.demo_users(marek, "correct horse 9 battery")


def test_files_import_without_a_rejected_row(database, tmp_path):
    paths = demo.write_files(tmp_path, loans=250, seed=4, as_of=AS_OF)
    rejected = {}
    for kind in ("loan_book", "schedule", "payments", "contacts"):
        batch = imports.load_file(SYSTEM, paths[kind], kind=kind)
        rejected[kind] = (batch.counts["rejected"], batch.report["rules"])
    assert all(count == 0 for count, _ in rejected.values()), rejected


def test_a_date_that_has_not_begun_is_refused_before_anything_is_written(session):
    with pytest.raises(Refused, match="1 Jan 2900 has not begun yet"):
        demo.load(SYSTEM, loans=20, as_of=date(2900, 1, 1))
    with pytest.raises(Refused, match="cannot be of 1: choose a date from 1970"):
        demo.load(SYSTEM, loans=20, as_of=date(1, 1, 1))
    assert session.execute(text("SELECT count(*) FROM loan")).scalar_one() == 0


def test_loading_beside_real_loans_is_refused_with_a_sentence(session):
    builders.make_loan(session, builders.make_borrower(session))
    with pytest.raises(Refused, match="only loaded into an empty one"):
        demo.load(SYSTEM, loans=20, as_of=AS_OF)


def test_an_agent_may_not_load_the_demo(session, ana):
    with pytest.raises(NotAllowed):
        demo.load(ana, loans=20, as_of=AS_OF)


def test_derived_states_are_those_of_the_drawn_book(session):
    demo.generate(session, loans=400, seed=5, as_of=AS_OF)
    drawn = next(all_runs(loans=400, seed=5, as_of=AS_OF))
    ids = session.execute(text("SELECT id FROM loan ORDER BY id")).scalars().all()
    delinquency.derive(session, AS_OF, ids)
    rows = session.execute(
        text("SELECT status = 'active' AS is_active, dpd, overdue_amount FROM loan_state ORDER BY loan_id")
    ).all()
    state = states(drawn, DAY)
    active = [row for row in rows if row.is_active]
    assert len(rows) == 400
    assert [row.is_active for row in rows] == state.is_active.tolist()
    assert [row.dpd for row in active] == state.dpd[state.is_active].tolist()
    assert [int(row.overdue_amount * 100) for row in active] == state.overdue[state.is_active].tolist()


def test_the_offered_demo_is_a_portfolio_at_work_and_is_loaded_once(database):
    day = date(2025, 11, 22)
    demo.load(SYSTEM, loans=600, as_of=day)
    with reading() as session:
        one = session.execute(
            text("""
            SELECT (SELECT closed_through FROM lender) AS closed_through,
                   (SELECT count(DISTINCT opening_on) FROM bucket_flow) AS flows,
                   (SELECT count(*) FROM collection_case WHERE closed_on IS NULL AND owner_id IS NOT NULL) AS owned,
                   (SELECT count(*) FROM loan_state WHERE risk_score > 0) AS scored,
                   (SELECT count(DISTINCT status) FROM promise) AS fates,
                   (SELECT count(DISTINCT status) FROM promise WHERE promised_on = DATE '2025-11-14') AS part_fates,
                   (SELECT count(*) FROM contact_attempt WHERE override_reason IS NOT NULL) AS overrides
            """)
        ).one()
    assert one.closed_through == day
    assert one.flows == 14
    assert min(one.owned, one.scored) > 10
    assert one.fates >= 3
    _assert_that_people_collect()
    _assert_that_plans_are_followed_and_asked_for()
    assert (one.part_fates, one.overrides) == (3, 9)
    with pytest.raises(Refused, match="loaded already"):
        demo.load(SYSTEM, loans=600, as_of=day)


def _assert_that_people_collect():
    """Papers of each kind, agencies with cases, and one run of the rules that left some to the leader."""
    leader = Actor(0, "Leela", Role.LEADER)
    crew = allocation.collectors(leader)
    found = {each.username: each for each in crew}
    assert found["kiran"].standing.problems[0].startswith("the certificate expired")
    assert found["farhan"].standing.warnings[0].startswith("the certificate expires")
    assert all(found[name].standing.state == "In order" for name in ("anita", "gopal", "harpreet", "ishita"))
    assert {each.team for each in crew} == {"Early calls", "Late cases", None}
    assert [agency.people for agency in allocation.agencies(leader)] == [1, 1]
    assert len(allocation.absences(leader)) == 2
    (run,) = allocation.allocation_runs(leader)
    assert run.report.considered == run.report.allocated + run.report.unallocated > 0


_STRAY_DOCUMENTS = text("""
    SELECT d.kind, d.stored_at FROM document d
    LEFT JOIN settlement s ON d.kind = 'settlement_letter' AND s.id = d.subject_id
    LEFT JOIN hardship h ON d.subject_kind = 'hardship' AND h.id = d.subject_id
    LEFT JOIN approval_request q ON d.subject_kind = 'repayment_plan'
        AND q.subject_kind = d.subject_kind AND q.subject_id = d.subject_id
    WHERE (d.stored_at AT TIME ZONE 'Asia/Kolkata')::date IS DISTINCT FROM coalesce(
        s.approved_on, CASE d.kind WHEN 'hardship_letter' THEN h.decided_on ELSE h.applied_on END,
        (q.asked_at AT TIME ZONE 'Asia/Kolkata')::date)
""")


def _assert_that_plans_are_followed_and_asked_for():
    with reading() as session:
        statuses = set(session.scalars(text("SELECT status FROM repayment_plan")))
        requests = session.execute(
            text("""
            SELECT count(DISTINCT level) FILTER (WHERE status = 'waiting') AS levels,
                   count(*) FILTER (WHERE status = 'waiting' AND due_at < now()) AS overdue,
                   count(DISTINCT status) AS statuses,
                   count(*) - (SELECT count(*) FROM document
                               WHERE kind = 'evidence' AND subject_kind = 'repayment_plan') AS without_evidence
            FROM approval_request WHERE kind = 'repayment_plan'
            """)
        ).one()
        settled = set(session.scalars(text("SELECT status FROM settlement")))
        relief = session.execute(
            text("SELECT count(*), count(is_granted), count(*) FILTER (WHERE is_granted) FROM hardship")
        ).one()
        letters = session.scalar(text("SELECT count(*) FROM document WHERE kind = 'settlement_letter'"))
        strays = session.execute(_STRAY_DOCUMENTS).all()
        approved = session.scalar(text("SELECT count(*) FROM settlement WHERE approved_on IS NOT NULL"))
    assert {"running", "behind", "broken", "completed", "cancelled", "proposed", "refused"} == statuses
    assert requests == (2, 1, 3, 0)
    assert settled == {"proposed", "offered", "running", "behind", "completed", "broken", "refused", "cancelled"}
    assert letters == approved
    assert strays == [], "a document is kept on the day of the act that it belongs to"
    assert relief == (4, 3, 2)
