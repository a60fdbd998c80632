"""References that are checked a statement at a time keep what a foreign key keeps, also between transactions."""

import threading
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine import transaction
from tests.builders import make_borrower, make_loan

_PAY = text("""
    INSERT INTO payment (loan_id, reference, paid_on, amount)
    SELECT id, 'R' || id || '-' || n, :day, 1 FROM unnest(:ids) id, generate_series(1, :each) n
""")
_BOUND = {"day": date(2025, 6, 1), "each": 1}
# few rows lock what they point at, many are held by one lock
few_and_many = pytest.mark.parametrize("each", [1, 1_500])


@few_and_many
def test_of_many_facts_one_without_its_loan_is_refused_with_all(session, each):
    loans = [make_loan(session, make_borrower(session)) for _ in range(3)]
    bound = {**_BOUND, "each": each}
    with pytest.raises(IntegrityError, match="loan 987654321 of payment does not exist"), session.begin_nested():
        session.execute(_PAY, {**bound, "ids": [*loans, 987654321]})
    assert session.execute(text("SELECT count(*) FROM payment")).scalar_one() == 0
    session.execute(_PAY, {**bound, "ids": loans})
    assert session.execute(text("SELECT count(*) FROM payment")).scalar_one() == 3 * each
    assert session.execute(text("SHOW enable_nestloop")).scalar_one() == "on"


def test_what_is_pointed_at_is_not_deleted(session):
    loan = make_loan(session, make_borrower(session))
    session.execute(_PAY, {**_BOUND, "ids": [loan]})
    with pytest.raises(IntegrityError, match="still named by payment"), session.begin_nested():
        session.execute(text("DELETE FROM loan WHERE id = :id"), {"id": loan})
    session.execute(text("DELETE FROM payment"))
    assert session.execute(text("DELETE FROM loan WHERE id = :id RETURNING id"), {"id": loan}).scalar_one() == loan


def test_keys_do_not_move_and_a_loan_moves_only_to_a_segment_that_exists(session):
    first, second = (make_loan(session, make_borrower(session)) for _ in range(2))
    session.execute(_PAY, {**_BOUND, "ids": [first]})
    for change in (
        "UPDATE payment SET loan_id = :other WHERE loan_id = :loan",
        "UPDATE loan SET id = id + 1000000 WHERE id = :loan",
        "UPDATE loan SET segment_id = 987654 WHERE id = :loan",
    ):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(change), {"loan": first, "other": second})


@pytest.fixture
def loan(database):
    with transaction() as session:
        return make_loan(session, make_borrower(session))


def _meanwhile(statement: str, loan: int, each: int) -> tuple[threading.Thread, list[BaseException]]:
    """Another transaction that runs the statement; it may have to wait for ours."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with transaction() as session:
                session.execute(text(statement), {**_BOUND, "each": each, "ids": [loan], "loan": loan})
        except IntegrityError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive(), "it did not wait for the other transaction"
    return thread, failed


@few_and_many
def test_a_loan_that_is_being_given_a_payment_is_not_deleted_beneath_it(loan, each):
    with transaction() as session:
        session.execute(_PAY, {**_BOUND, "ids": [loan], "each": each})
        thread, failed = _meanwhile("DELETE FROM loan WHERE id = :loan", loan, each)
    thread.join()
    assert "still named by payment" in str(failed[0])


@few_and_many
def test_a_payment_is_not_added_to_a_loan_that_is_being_deleted(loan, each):
    with transaction() as session:
        session.execute(text("DELETE FROM loan WHERE id = :loan"), {"loan": loan})
        thread, failed = _meanwhile(_PAY.text, loan, each)
    thread.join()
    assert "does not exist" in str(failed[0])
