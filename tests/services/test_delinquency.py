"""Where a loan stands, case by case. Random books are in tests/queries/test_delinquency_oracle.py."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from db.models.owes import Lender, Loan, Product, ReportedSnapshot
from db.models.stands import LoanState
from services.delinquency import derive
from tests.builders import make_borrower, make_instalment, make_loan, make_payment, make_reversal

DUE = date(2025, 3, 31)


def state(session, loan_id, as_of):
    derive(session, as_of, [loan_id])
    return session.execute(
        select(LoanState).where(LoanState.loan_id == loan_id).execution_options(populate_existing=True)
    ).scalar_one()


def loan_due(session, *due_on, amount=10_000, borrower_id=None):
    loan_id = make_loan(session, borrower_id or make_borrower(session))
    for number, day in enumerate(due_on, 1):
        make_instalment(session, loan_id, number, day, amount)
    return loan_id


@pytest.mark.parametrize(
    ("due_on", "as_of", "expected"),
    [
        # the dates that the RBI works out in its circulars (IN-14)
        (date(2025, 3, 30), date(2025, 3, 29), "standard"),
        (date(2025, 3, 31), date(2025, 3, 31), "sma_0"),
        (date(2025, 3, 31), date(2025, 4, 29), "sma_0"),
        (date(2025, 3, 31), date(2025, 4, 30), "sma_1"),
        (date(2025, 3, 31), date(2025, 5, 29), "sma_1"),
        (date(2025, 3, 31), date(2025, 5, 30), "sma_2"),
        (date(2025, 3, 31), date(2025, 6, 28), "sma_2"),
        (date(2025, 3, 31), date(2025, 6, 29), "npa"),
        (date(2021, 12, 1), date(2021, 12, 31), "sma_1"),
        (date(2021, 12, 1), date(2022, 1, 30), "sma_2"),
        (date(2021, 12, 1), date(2022, 3, 1), "npa"),
    ],
)
def test_asset_class_at_day_end_follows_the_worked_dates(session, due_on, as_of, expected):
    loan_id = loan_due(session, due_on, date(2030, 1, 1))
    assert state(session, loan_id, as_of).asset_class == expected


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (180, 4), (181, 5)]
)
def test_bucket_is_the_position_among_the_edges(session, days, bucket):
    loan_id = loan_due(session, DUE, date(2030, 1, 1))
    found = state(session, loan_id, DUE + timedelta(days=days))
    assert (found.dpd, found.bucket) == (days, bucket)


def test_edges_of_the_lender_decide(session):
    session.execute(update(Lender).values(bucket_edges=[29, 59]))
    loan_id = loan_due(session, DUE, date(2030, 1, 1))
    assert [state(session, loan_id, DUE + timedelta(days=n)).bucket for n in (29, 30, 59, 60)] == [0, 1, 1, 2]


def test_fifteenth_of_march_unpaid_is_17_days_past_due_on_the_first_of_april(session):
    loan_id = loan_due(session, date(2025, 3, 15), date(2030, 1, 1))
    assert state(session, loan_id, date(2025, 4, 1)).dpd == 17


def test_payment_below_all_arrears_does_not_upgrade_from_npa(session):
    loan_id = loan_due(session, date(2025, 1, 1), date(2025, 4, 1), date(2030, 1, 1))
    make_payment(session, loan_id, date(2025, 4, 15), 10_000)
    found = state(session, loan_id, date(2025, 4, 15))
    assert (found.dpd, found.asset_class, found.npa_since) == (14, "npa", date(2025, 4, 1))


def test_payment_of_all_arrears_upgrades_from_npa(session):
    loan_id = loan_due(session, date(2025, 1, 1), date(2025, 4, 1), date(2025, 5, 1), date(2030, 1, 1))
    make_payment(session, loan_id, date(2025, 4, 15), 20_000)
    assert state(session, loan_id, date(2025, 4, 15)).asset_class == "standard"
    assert state(session, loan_id, date(2025, 5, 3)).asset_class == "sma_0"


def test_npa_spreads_to_all_loans_of_the_borrower_until_none_is_in_arrears(session):
    borrower_id = make_borrower(session)
    bad = loan_due(session, date(2025, 1, 1), date(2030, 1, 1), borrower_id=borrower_id)
    late = loan_due(session, date(2025, 4, 10), date(2030, 1, 1), borrower_id=borrower_id)
    good = loan_due(session, date(2030, 1, 1), borrower_id=borrower_id)
    assert [state(session, loan, date(2025, 4, 20)).asset_class for loan in (bad, late, good)] == ["npa"] * 3
    make_payment(session, bad, date(2025, 4, 25), 10_000)
    assert [state(session, loan, date(2025, 4, 25)).asset_class for loan in (bad, late, good)] == ["npa"] * 3
    make_payment(session, late, date(2025, 4, 26), 10_000)
    assert [state(session, loan, date(2025, 4, 26)).asset_class for loan in (bad, late, good)] == ["standard"] * 3


def test_npa_stays_with_the_loan_where_the_lender_classes_by_loan(session):
    session.execute(update(Lender).values(npa_by_borrower=False))
    borrower_id = make_borrower(session)
    loan_due(session, date(2025, 1, 1), borrower_id=borrower_id)
    good = loan_due(session, date(2030, 1, 1), borrower_id=borrower_id)
    assert state(session, good, date(2025, 6, 1)).asset_class == "standard"


@pytest.mark.parametrize(
    ("order", "paid", "left"),
    [
        (("interest", "principal", "charges"), 250, (950, 0, 50)),
        (("principal", "interest", "charges"), 1_050, (0, 150, 50)),
        (("charges", "interest", "principal"), 60, (1000, 190, 0)),
        (("charges", "principal", "interest"), 1_100, (0, 150, 0)),
    ],
)
def test_components_settle_in_the_order_of_the_product(session, order, paid, left):
    loan_id = loan_due(session, date(2030, 1, 1))
    session.execute(text("DELETE FROM instalment WHERE loan_id = :id"), {"id": loan_id})
    session.execute(
        text("INSERT INTO instalment VALUES (:id, 1, :d, 1000, 200, 50)"),
        {"id": loan_id, "d": DUE},
    )  # fmt: skip
    session.execute(update(Product).values(allocation_order=list(order)))
    make_payment(session, loan_id, DUE, paid)
    found = state(session, loan_id, DUE)
    assert (found.overdue_principal, found.overdue_interest, found.overdue_charges) == left


def test_reversed_payment_counts_until_its_reversal_is_known_and_then_never_came(session):
    loan_id = loan_due(session, DUE, date(2030, 1, 1))
    reference = make_payment(session, loan_id, DUE, 10_000)
    make_reversal(session, loan_id, date(2025, 7, 5), 10_000, reference)
    assert state(session, loan_id, date(2025, 7, 4)).dpd == 0
    found = state(session, loan_id, date(2025, 7, 5))
    assert (found.dpd, found.asset_class, found.npa_since) == (96, "npa", date(2025, 6, 29))
    assert (found.paid_to_date, found.last_paid_on) == (0, None)


def test_advance_payment_is_kept_for_the_next_due_date(session):
    loan_id = loan_due(session, DUE, date(2025, 4, 30), date(2025, 5, 31))
    make_payment(session, loan_id, DUE, 23_000)
    found = state(session, loan_id, date(2025, 4, 5))
    assert (found.overdue_amount, found.next_due_on, found.next_due_amount) == (0, date(2025, 5, 31), Decimal(7_000))
    assert found.outstanding == 7_000


def test_schedule_wholly_paid_and_over_is_closed(session):
    loan_id = loan_due(session, DUE)
    make_payment(session, loan_id, DUE, 10_000)
    found = state(session, loan_id, DUE)
    assert (found.status, found.bucket, found.outstanding) == ("closed", 100, 0)


def test_lender_that_closed_a_loan_with_dues_left_is_believed(session):
    loan_id = loan_due(session, DUE, date(2030, 1, 1))
    session.execute(update(Loan).where(Loan.id == loan_id).values(closed_on=date(2025, 6, 1)))
    found = state(session, loan_id, date(2025, 6, 1))
    assert (found.status, found.dpd, found.overdue_amount, found.asset_class) == ("closed", 0, 0, "standard")


def test_snapshot_loan_keeps_the_lenders_figures_and_may_skip_a_bucket(session):
    loan_id = make_loan(session, make_borrower(session), source="snapshot")
    for month, dpd in ((1, 0), (2, 60), (3, 90), (4, 30)):
        session.add(ReportedSnapshot(loan_id=loan_id, as_of=date(2025, month, 28), dpd=dpd, outstanding=500))
    session.flush()
    assert state(session, loan_id, date(2025, 2, 28)).bucket == 2
    found = state(session, loan_id, date(2025, 4, 30))
    assert (found.dpd, found.bucket, found.asset_class, found.outstanding) == (30, 1, "npa", 500)


def test_facts_of_later_days_do_not_count(session):
    loan_id = loan_due(session, DUE, date(2030, 1, 1))
    make_payment(session, loan_id, date(2025, 4, 10), 10_000)
    assert state(session, loan_id, date(2025, 4, 9)).dpd == 9


def test_state_that_did_not_change_is_not_written(session):
    loan_id = loan_due(session, date(2030, 1, 1))
    assert derive(session, DUE, [loan_id]) == 1
    assert derive(session, DUE + timedelta(days=1), [loan_id]) == 0
    assert state(session, loan_id, DUE + timedelta(days=1)).as_of == DUE
