"""What the cells of a file say: ways of writing, and those that are no value of their field."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM
from services.imports import DateOrderNeeded
from tests.services.import_files import LOANS, load, one


def test_indian_ways_of_writing_are_read(session, tmp_path):
    load(tmp_path, 'Loan No,Loan Amount,Disbursal Date,EMI\nL1 ,"₹ 1,23,456.78 ",13/04/2025," 1,000/-"\n')
    row = one(session, "SELECT external_id, principal, disbursed_on, instalment_amount FROM loan")
    assert tuple(row) == ("L1", Decimal("123456.78"), date(2025, 4, 13), Decimal(1000))


def test_dates_that_can_be_read_two_ways_are_asked_for_once(session, tmp_path):
    content = "Loan No,Loan Amount,Disbursal Date\nL1,5,03/04/2025\n"
    with pytest.raises(DateOrderNeeded, match="03/04/2025"):
        load(tmp_path, content)
    load(tmp_path, content, options={"date_order": "dmy"})
    assert one(session, "SELECT disbursed_on FROM loan")[0] == date(2025, 4, 3)


def test_unknown_columns_become_attributes(session, tmp_path):
    load(tmp_path, LOANS)
    assert one(session, "SELECT attributes FROM loan WHERE external_id = 'L1'")[0] == {"Dealer": "D1"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("L9,C9,Q,-5,2025-01-01,", "principal:negative"),
        ("L9,C9,Q,abc,2025-01-01,", "principal:number"),
        ("L9,C9,Q,,2025-01-01,", "principal:missing"),
        ('L9,C9,Q,"9,999,999,999,999,999",2025-01-01,', "principal:number"),
        ("L9,C9,Q,1234567890123456789,2025-01-01,", "principal:number"),
        (",C9,Q,5,2025-01-01,", "loan_number:missing"),
        ("L9,C9,Q,5,0202-01-01,", "disbursed_on:year"),
        ("L9,C9,Q,5,2025-02-30,", "disbursed_on:date"),
        ("L1,C1,Asha,1001,2025-01-01,D1", "row:differs"),
    ],
)
def test_wrong_rows_are_rejected_with_their_reason(session, tmp_path, row, code):
    batch = load(tmp_path, LOANS + row + "\n")
    assert code in [rule["code"] for rule in batch.report["rules"]]
    assert batch.counts["rejected"] == (2 if code == "row:differs" else 1)


@pytest.mark.parametrize(
    ("rate", "codes"),
    [
        ("18.5 %", []),
        ("9999.99", ["interest_rate:large"]),
        ("100000", ["interest_rate:number"]),
        ("1,00,000 %", ["interest_rate:number"]),
    ],
)
def test_a_rate_beyond_what_is_kept_is_a_fault_of_its_row(session, tmp_path, rate, codes):
    batch = load(tmp_path, f'loan_number,principal,interest_rate\nL1,500,"{rate}"\n')
    assert [rule["code"] for rule in batch.report["rules"]] == codes


amounts = st.decimals(min_value=0, max_value=Decimal("99999999.99"), places=2)
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf"]), min_size=1, max_size=20
)


def _indian(amount):
    whole, _, paise = f"{amount:.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    groups = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail]) + "." + paise


def _written(rows, *, separator, number):
    """The rows as a lender might write them: two ways of dates, two encodings."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow(["Loan No", "Loan Amount", "Disbursal Date", "Customer Name"])
    for position, (amount, day, name) in enumerate(rows):
        day_first = day.strftime("%d/%m/%Y") if number % 2 else day.isoformat()
        writer.writerow([f"L{position}", f"₹{_indian(amount)}", day_first, name])
    return buffer.getvalue().encode("utf-16" if number % 3 == 0 else "utf-8")


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.tuples(amounts, days, names), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t|"),
    number=st.integers(0),
)
def test_values_survive_any_dialect(session, tmp_path, rows, separator, number):
    path = tmp_path / "file.csv"
    path.write_bytes(_written(rows, separator=separator, number=number))
    outer = session.connection().begin_nested()
    try:
        imports.load_file(SYSTEM, path, kind="loan_book", options={"date_order": "dmy"})
        found = session.execute(
            text("SELECT principal, disbursed_on, name FROM loan l JOIN borrower b ON b.id = borrower_id ORDER BY l.id")
        ).all()
    finally:
        outer.rollback()
    assert [tuple(row) for row in found] == rows
