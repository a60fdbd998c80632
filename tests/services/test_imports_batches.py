"""From file to facts and back: what is taken, rejected, changed, repeated and undone."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services import closing, imports, personal_data
from services.actors import SYSTEM
from services.errors import InvalidInput, NotAllowed
from services.imports import DateOrderNeeded, UndoRefused, batches, rejects
from services.imports.rejects import rejects_csv


def _load(tmp_path, content, kind="loan_book", **over):
    path = tmp_path / "file.csv"
    path.write_text(content)
    return imports.load_file(SYSTEM, path, kind=kind, **over)


def _one(session, statement):
    return session.execute(text(statement)).one()


def _count(session, table):
    return session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


LOANS = (
    "Loan No,Customer ID,Customer Name,Loan Amount,Disbursal Date,Dealer\n"
    "L1,C1,Asha,1000,2025-01-01,D1\nL2,C1,Asha,2000,2025-02-01,D2\n"
)


def test_indian_ways_of_writing_are_read(session, tmp_path):
    _load(tmp_path, 'Loan No,Loan Amount,Disbursal Date,EMI\nL1 ,"₹ 1,23,456.78 ",13/04/2025," 1,000/-"\n')
    row = _one(session, "SELECT external_id, principal, disbursed_on, instalment_amount FROM loan")
    assert tuple(row) == ("L1", Decimal("123456.78"), date(2025, 4, 13), Decimal(1000))


def test_dates_that_can_be_read_two_ways_are_asked_for_once(session, tmp_path):
    content = "Loan No,Loan Amount,Disbursal Date\nL1,5,03/04/2025\n"
    with pytest.raises(DateOrderNeeded, match="03/04/2025"):
        _load(tmp_path, content)
    _load(tmp_path, content, options={"date_order": "dmy"})
    assert _one(session, "SELECT disbursed_on FROM loan")[0] == date(2025, 4, 3)


def test_unknown_columns_become_attributes(session, tmp_path):
    _load(tmp_path, LOANS)
    assert _one(session, "SELECT attributes FROM loan WHERE external_id = 'L1'")[0] == {"Dealer": "D1"}


def test_the_same_file_twice_changes_nothing(session, tmp_path):
    _load(tmp_path, LOANS)
    again = _load(tmp_path, LOANS)
    assert {k: again.counts[k] for k in ("new", "changed", "unchanged")} == {"new": 0, "changed": 0, "unchanged": 2}
    assert _count(session, "import_change") == 0


def test_changes_are_previewed_from_to_and_undone(session, tmp_path):
    _load(tmp_path, LOANS)
    second = _load(tmp_path, LOANS.replace("2000", "2500").replace("D2", "D9"))
    changes = {c["field"]: (c["from"], c["to"]) for c in second.report["samples"][0]["changes"]}
    assert changes == {"principal": (2000.0, 2500.0), "Dealer": ("D2", "D9")}
    imports.undo(SYSTEM, second.id)
    assert tuple(_one(session, "SELECT principal, attributes FROM loan WHERE external_id = 'L2'")) == (
        Decimal(2000),
        {"Dealer": "D2"},
    )


def test_an_undone_book_leaves_nothing(session, tmp_path):
    batch = _load(tmp_path, LOANS)
    imports.undo(SYSTEM, batch.id)
    assert [_count(session, t) for t in ("loan", "borrower", "contact_point")] == [0, 0, 0]


def test_undo_is_refused_once_something_depends_on_it(session, tmp_path):
    batch = _load(tmp_path, LOANS)
    _load(tmp_path, "loan_number,paid_on,amount\nL1,2025-03-01,100\n", "payments")
    with pytest.raises(UndoRefused, match="payments of its loans"):
        imports.undo(SYSTEM, batch.id)
    assert imports.view(SYSTEM, batch.id).status == "committed"


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
    batch = _load(tmp_path, LOANS + row + "\n")
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
    batch = _load(tmp_path, f'loan_number,principal,interest_rate\nL1,500,"{rate}"\n')
    assert [rule["code"] for rule in batch.report["rules"]] == codes


def test_rejected_rows_come_back_mended(session, tmp_path):
    batch = _load(tmp_path, LOANS + "L3,C3,=cmd|x,-7,2025-01-01,D3\n")
    rejects = rejects_csv(SYSTEM, batch.id).decode("utf-8-sig")
    assert "'=cmd|x" in rejects
    assert "Principal is negative" in rejects
    mended = _load(tmp_path, rejects.replace("-7", "7"))
    assert mended.counts["loans_new"] == 1
    row = _one(
        session,
        "SELECT b.name, l.attributes FROM loan l JOIN borrower b ON b.id = l.borrower_id WHERE l.external_id = 'L3'",
    )
    assert tuple(row) == ("=cmd|x", {"Dealer": "D3"})


def test_payments_reversals_and_bounces(session, tmp_path):
    _load(tmp_path, LOANS)
    content = (
        "loan number,payment date,amount,receipt no,status\nL1,2025-05-05,500,R1,paid\nL1,2025-05-06,500,,bounced\n"
        "L1,2025-05-07,500,R1,reversed\nL2,2025-05-05,10,,\nL2,2025-05-05,10,,\nL2,2025-05-05,9,R8,reversed\nL2,2025-05-05,-9,,\n"
    )
    batch = _load(tmp_path, content, "payments")
    assert (batch.counts["payments_new"], batch.counts["bounces_new"], batch.counts["rejected"]) == (4, 1, 2)
    assert _one(session, "SELECT reverses_reference FROM payment WHERE kind = 'reversal'")[0] == "R1"
    again = _load(tmp_path, content, "payments")
    assert (again.counts["payments_new"], again.counts["bounces_new"], again.counts["unchanged"]) == (0, 0, 5)
    contradicting = _load(tmp_path, "loan number,payment date,amount,receipt no\nL1,2025-05-05,501,R1\n", "payments")
    assert [rule["code"] for rule in contradicting.report["rules"]] == ["reference:recorded"]


def test_a_receipt_that_comes_twice_under_other_words_is_taken_once(session, tmp_path):
    _load(tmp_path, LOANS)
    content = (
        "loan number,payment date,amount,receipt no,status\n"
        "L1,2025-05-05,500,R1,paid\nL1,2025-05-05,500,R1,success\nL2,2025-05-05,10,R2,paid\n"
    )
    batch = _load(tmp_path, content, "payments")
    assert batch.counts["payments_new"] == 2
    assert [tuple(row) for row in session.execute(text("SELECT reference, amount FROM payment ORDER BY 1"))] == [
        ("R1", Decimal(500)),
        ("R2", Decimal(10)),
    ]


@pytest.mark.parametrize("rows", [3, 60, 500])
def test_repeated_keys_are_found_however_many_rows_a_loan_has(session, tmp_path, rows):
    _load(tmp_path, LOANS)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(rows)]
    due = [f"L1,{n},{day},100" for n, day in enumerate(days, start=1)]
    lines = [*due, f"L1,{rows},{days[-1]},101", due[0], f"L2,1,{days[0]},100"]
    schedule = _load(tmp_path, "Loan No,EMI No,Due Date,EMI\n" + "\n".join(lines), kind="schedule")
    assert {line["code"]: line["rows"] for line in schedule.report["rules"]} == {"row:differs": 2, "row:repeated": 1}
    assert schedule.counts["accepted"] == _count(session, "instalment") == rows
    paid = [f"L1,{day},100,R{n}" for n, day in enumerate(days)]
    lines = [*paid, f"L1,{days[-1]},101,R{rows - 1}", paid[0], f"L2,{days[0]},100,R0"]
    payments = _load(tmp_path, "Loan No,Paid Date,Amount,Receipt No\n" + "\n".join(lines), kind="payments")
    assert {line["code"]: line["rows"] for line in payments.report["rules"]} == {"row:differs": 2, "row:repeated": 1}
    assert payments.counts["accepted"] == _count(session, "payment") == rows


def test_schedule_is_numbered_by_due_date_and_may_be_restated(session, tmp_path):
    _load(tmp_path, LOANS)
    _load(tmp_path, "loan_number,due_date,amount\nL1,2025-06-05,500\nL1,2025-05-05,400\n", "schedule")
    second = _load(tmp_path, "loan_number,due_date,amount\nL1,2025-05-05,450\nL1,2025-06-05,500\n", "schedule")
    assert (second.counts["new"], second.counts["changed"], second.counts["unchanged"]) == (0, 1, 1)
    imports.undo(SYSTEM, second.id)
    rows = session.execute(text("SELECT number, principal FROM instalment ORDER BY 1")).all()
    assert [tuple(row) for row in rows] == [(1, Decimal(400)), (2, Decimal(500))]


def test_contacts_are_encrypted_and_consent_keeps_its_history(session, tmp_path):
    _load(tmp_path, LOANS)
    content = "Customer ID,Mobile,Consent\nC1,98765 43210,yes\nC8,9876543211,yes\nC1,12,yes\n"
    batch = _load(tmp_path, content, "contacts")
    assert (batch.counts["points_new"], batch.counts["rejected"]) == (1, 2)
    point = _one(session, "SELECT value_encrypted, value_hint, consent FROM contact_point")
    assert (personal_data.decrypt(point[0]), point[1], point[2]) == ("+919876543210", "••••••3210", True)
    _load(tmp_path, content.replace("yes", "no"), "contacts")
    assert session.execute(text("SELECT given FROM consent_event ORDER BY id")).scalars().all() == [True, False]


@pytest.mark.parametrize(
    ("columns", "said", "told"),
    [
        ("", "", ("import", None)),
        (",consent_source,consent_at", ",branch visit,2025-03-04", ("branch visit", "2025-03-04")),
    ],
)
def test_consent_of_new_points_has_its_event_as_the_file_tells_it(session, tmp_path, columns, said, told):
    _load(tmp_path, LOANS.replace("L2,C1", "L2,C2"))
    content = (
        f"borrower_number,phone,email,consent{columns}\nC1,9876543210,a@example.in,yes{said}\nC2,9876543211,,{said}\n"
    )
    batch = _load(tmp_path, content, "contacts")
    assert batch.counts["points_new"] == 3
    events = session.execute(
        text(
            "SELECT c.kind, e.given, e.source, e.at::date::text FROM consent_event e "
            "JOIN contact_point c ON c.id = e.contact_point_id ORDER BY c.kind"
        )
    ).all()
    today = _one(session, "SELECT now()::date::text")[0]
    assert [tuple(event) for event in events] == [
        (kind, True, told[0], told[1] or today) for kind in ("email", "phone")
    ]
    assert _load(tmp_path, content, "contacts").counts["unchanged"] == 3
    assert _count(session, "consent_event") == 2


def test_point_that_came_between_check_and_commit_is_not_written_twice(session, tmp_path):
    _load(tmp_path, LOANS.replace("L2,C1", "L2,C2"))
    path = tmp_path / "contacts.csv"
    path.write_text("borrower_number,phone\nC1,9876543210\nC2,9876543211\n")
    batch = batches.begin(SYSTEM, path, file_name="contacts.csv", kind=imports.Kind.CONTACTS)
    assert imports.check(SYSTEM, batch.id).counts["new"] == 2
    number = "+919876543210"
    session.execute(
        text(
            "INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint) "
            "SELECT id, 'phone', :sealed, :index, 'hint' FROM borrower WHERE external_id = 'C1'"
        ),
        {"sealed": personal_data.encrypt(number), "index": personal_data.blind_index(number)},
    )
    assert imports.commit(SYSTEM, batch.id).counts["points_new"] == 1
    assert _count(session, "contact_point") == 2


def test_snapshots_long_and_wide(session, tmp_path):
    _load(tmp_path, LOANS)
    long = _load(tmp_path, "loan_number,as_of,dpd,outstanding\nL1,2025-03-31,35,900\nL1,2025-04-30,0,800\n", "snapshot")
    wide = _load(
        tmp_path,
        "loan_number,jan,feb\nL2,0,2\n",
        "snapshot",
        mapping={
            "loan_number": "loan_number",
            "jan": "months_past_due@2025-01-31",
            "feb": "months_past_due@2025-02-28",
        },
    )
    assert (long.counts["reported_new"], wide.counts["reported_new"]) == (2, 2)
    assert _one(session, "SELECT max(dpd) FROM reported_snapshot WHERE as_of = '2025-02-28'")[0] == 60


def test_mapping_without_a_required_field_is_refused(session, tmp_path):
    with pytest.raises(InvalidInput, match="Principal"):
        _load(tmp_path, "Loan No,Colour\nL1,red\n")


def test_agents_may_not_import(session, ana, tmp_path):
    with pytest.raises(NotAllowed):
        imports.load_file(ana, tmp_path / "x.csv", kind="loan_book")


def test_every_step_is_in_the_trail_and_staging_is_gone(session, tmp_path):
    _load(tmp_path, LOANS)
    actions = session.execute(text("SELECT action FROM audit_event ORDER BY id")).scalars().all()
    assert actions == ["import.uploaded", "import.committed"]
    left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace"
    assert session.execute(text(left)).scalar_one() == 0


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


def test_a_file_imported_later_is_checked_again_when_the_book_has_changed(session, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(LOANS)
    first = batches.begin(SYSTEM, path, file_name="a.csv", kind=imports.Kind.LOAN_BOOK)
    imports.check(SYSTEM, first.id)
    _load(tmp_path, LOANS.replace("2000", str(2000 + timedelta(1).days)))
    done = imports.commit(SYSTEM, first.id)
    assert (done.counts["loans_new"], done.counts["loans_changed"]) == (0, 1)


@pytest.mark.parametrize(
    "lost",
    [
        "TRUNCATE staging.raw_{0}, staging.plain_{0}",  # what recovery does to unlogged tables
        "DROP TABLE staging.plain_{0} CASCADE",  # an older version knew no such table
    ],
)
def test_staged_rows_that_a_crash_of_the_server_took_are_read_again(session, tmp_path, lost):
    path = tmp_path / "file.csv"
    path.write_text(LOANS)
    batch = batches.begin(SYSTEM, path, file_name="a.csv", kind=imports.Kind.LOAN_BOOK)
    imports.check(SYSTEM, batch.id)
    session.execute(text(lost.format(batch.id)))
    imports.commit(SYSTEM, batch.id)
    assert _count(session, "loan") == 2


def test_undone_contacts_leave_no_person_they_named(session, tmp_path):
    _load(tmp_path, LOANS)
    named = "Customer ID,Mobile,Role,Name\nC1,9876543210,guarantor,Ravi\n"
    mapping = {"Customer ID": "borrower_number", "Mobile": "phone", "Role": "party_role", "Name": "party_name"}
    first = _load(tmp_path, named, "contacts", mapping=mapping)
    second = _load(tmp_path, named.replace("9876543210", "9876543211"), "contacts", mapping=mapping)
    assert _count(session, "party") == 1
    with pytest.raises(UndoRefused, match="people it named"):
        imports.undo(SYSTEM, first.id)
    imports.undo(SYSTEM, second.id)
    imports.undo(SYSTEM, first.id)
    assert [_count(session, t) for t in ("party", "contact_point")] == [0, 0]


def test_an_undone_book_leaves_the_days_that_were_closed_with_it(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    _load(tmp_path, LOANS)
    _load(tmp_path, "loan_number,due_date,amount\nL1,2025-05-05,500\nL2,2025-05-05,400\n", "schedule")
    closing.close(SYSTEM, date(2025, 5, 31))
    stayed = _days(session)
    book = _load(tmp_path, LOANS.replace("L1,C1", "L8,C8").replace("L2,C1", "L9,C9"))
    closing.close(SYSTEM, date(2025, 5, 31))
    assert _days(session) != stayed
    imports.undo(SYSTEM, book.id)
    assert _days(session) == stayed
    assert _count(session, "loan_snapshot") == 2


def _days(session):
    columns = "as_of, bucket, asset_class, sum(loans), sum(overdue_amount), sum(outstanding)"
    return session.execute(text(f"SELECT {columns} FROM portfolio_day GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")).all()


def test_rejected_rows_go_after_ninety_days(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 6, 16, 5, 30, tzinfo=UTC))
    batch = _load(tmp_path, LOANS + "L3,C3,Ana,-5,2025-01-01,\n")
    frozen_clock(datetime(2025, 9, 14, 5, 0, tzinfo=UTC))
    assert rejects.forget_old(SYSTEM) == 0
    assert rejects.are_kept(imports.view(SYSTEM, batch.id))
    frozen_clock(datetime(2025, 9, 14, 6, 0, tzinfo=UTC))
    assert rejects.forget_old(SYSTEM) == 1
    assert not rejects.are_kept(imports.view(SYSTEM, batch.id))
