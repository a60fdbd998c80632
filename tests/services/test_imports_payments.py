"""Payments, reversals and bounces from files: each counts once, and what bounced is taken back."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from services import imports, restating
from services.actors import SYSTEM
from services.imports import UndoRefused
from tests.services.import_files import LOANS, load, one


def test_payments_reversals_and_bounces(session, tmp_path):
    load(tmp_path, LOANS)
    content = (
        "loan number,payment date,amount,receipt no,status\nL1,2025-05-05,500,R1,paid\nL1,2025-05-06,500,,bounced\n"
        "L1,2025-05-07,500,R1,reversed\nL2,2025-05-05,10,,\nL2,2025-05-05,10,,\nL2,2025-05-05,9,R8,reversed\nL2,2025-05-05,-9,,\n"
    )
    batch = load(tmp_path, content, "payments")
    assert (batch.counts["payments_new"], batch.counts["bounces_new"], batch.counts["rejected"]) == (4, 1, 2)
    assert one(session, "SELECT reverses_reference FROM payment WHERE kind = 'reversal'")[0] == "R1"
    again = load(tmp_path, content, "payments")
    assert (again.counts["payments_new"], again.counts["bounces_new"], again.counts["unchanged"]) == (0, 0, 5)
    contradicting = load(tmp_path, "loan number,payment date,amount,receipt no\nL1,2025-05-05,501,R1\n", "payments")
    assert [rule["code"] for rule in contradicting.report["rules"]] == ["reference:recorded"]


def test_a_receipt_that_comes_twice_under_other_words_is_taken_once(session, tmp_path):
    load(tmp_path, LOANS)
    content = (
        "loan number,payment date,amount,receipt no,status\n"
        "L1,2025-05-05,500,R1,paid\nL1,2025-05-05,500,R1,success\nL2,2025-05-05,10,R2,paid\n"
    )
    batch = load(tmp_path, content, "payments")
    assert batch.counts["payments_new"] == 2
    assert [tuple(row) for row in session.execute(text("SELECT reference, amount FROM payment ORDER BY 1"))] == [
        ("R1", Decimal(500)),
        ("R2", Decimal(10)),
    ]


# --- receipts that bounced ----------------------------------------------------------------------------------------

HEADER = "loan number,payment date,amount,receipt no,status\n"
PAID, BOUNCED = "L1,2025-05-05,500,R1,paid\n", "L1,2025-05-08,500,R1,bounced\n"


def _money(session):
    rows = session.execute(text("SELECT reference, kind, paid_on, amount, reverses_reference FROM payment ORDER BY 1"))
    return [tuple(row) for row in rows]


TAKEN_BACK = ("R1/B", "reversal", date(2025, 5, 8), Decimal(500), "R1")


@pytest.mark.parametrize(
    "files",
    [[PAID + BOUNCED], [BOUNCED + PAID], [PAID, BOUNCED], [BOUNCED, PAID]],
    ids=["one", "upside", "two", "late"],
)
def test_a_receipt_that_bounced_is_taken_back_once_from_its_bounce_on(session, tmp_path, files):
    load(tmp_path, LOANS)
    for content in [*files, *files, PAID + BOUNCED]:
        load(tmp_path, HEADER + content, "payments")
    assert _money(session) == [("R1", "payment", date(2025, 5, 5), Decimal(500), None), TAKEN_BACK]
    assert one(session, "SELECT count(*) FROM mandate_presentation")[0] == 1


def test_a_bounce_that_is_undone_leaves_the_payment(session, tmp_path):
    load(tmp_path, LOANS)
    paid = load(tmp_path, HEADER + PAID, "payments")
    bounced = load(tmp_path, HEADER + BOUNCED, "payments")
    assert (bounced.counts["bounces_new"], bounced.counts["payments_taken_back"]) == (1, 1)
    assert [(rule["code"], rule["lines"]) for rule in bounced.report["rules"]] == [("entry:taken_back", [2])]
    with pytest.raises(UndoRefused, match="reversed or bounced"):
        imports.undo(SYSTEM, paid.id)
    imports.undo(SYSTEM, bounced.id)
    assert [row[0] for row in _money(session)] == ["R1"]
    imports.undo(SYSTEM, paid.id)


def test_a_bounce_stays_while_the_payment_that_it_took_back_does(session, tmp_path):
    load(tmp_path, LOANS)
    bounced = load(tmp_path, HEADER + BOUNCED, "payments")
    load(tmp_path, HEADER + PAID, "payments")
    with pytest.raises(UndoRefused, match="payments that its bounces took back"):
        imports.undo(SYSTEM, bounced.id)


@pytest.mark.parametrize(
    ("other", "amounts"),
    [
        ("L1,2025-05-06,200,R1,reversed\n", [500, 300, 200]),  # the rest
        ("L1,2025-05-06,500,R1,reversed\n", [500, 500]),  # nothing is left
        ("L2,2025-05-06,500,R1,paid\n", [500, 500, 500]),  # another loan's receipt of that number
    ],
    ids=["in part", "wholly", "of another loan"],
)
def test_no_more_is_taken_back_than_came(session, tmp_path, other, amounts):
    load(tmp_path, LOANS)
    load(tmp_path, HEADER + PAID + other, "payments")
    load(tmp_path, HEADER + BOUNCED, "payments")
    assert [row[3] for row in _money(session)] == amounts


def test_a_payment_after_its_bounce_stands_and_is_told(session, tmp_path):
    load(tmp_path, LOANS)
    batch = load(tmp_path, HEADER + PAID + BOUNCED.replace("05-08", "05-02"), "payments")
    assert [row[0] for row in _money(session)] == ["R1"]
    assert [(rule["code"], rule["is_fault"]) for rule in batch.report["rules"]] == [("paid_on:before_payment", False)]


def test_days_past_due_follow_a_bounce(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 5, 20, 6, 0, tzinfo=UTC))
    load(tmp_path, LOANS)
    load(tmp_path, "loan number,emi no,due date,amount\nL1,1,2025-05-05,500\n", "schedule")
    state = "SELECT s.dpd FROM loan_state s JOIN loan l ON l.id = s.loan_id WHERE l.external_id = 'L1'"
    for content, dpd in ((PAID, 0), (BOUNCED, 15)):
        batch = load(tmp_path, HEADER + content, "payments")
        restating.derive_batch(SYSTEM, batch.id)
        assert one(session, state)[0] == dpd


def test_money_that_has_not_come_yet_is_rejected(session, tmp_path, frozen_clock):
    frozen_clock(datetime(2025, 5, 20, 6, 0, tzinfo=UTC))
    load(tmp_path, LOANS)
    batch = load(tmp_path, HEADER + "L1,2025-05-21,5,R1,paid\nL1,2025-05-22,5,R2,paid\n", "payments")
    assert [(rule["code"], rule["lines"], rule["cells"]) for rule in batch.report["rules"]] == [
        ("paid_on:future", [3], ["2025-05-22"])
    ]
    assert [row[0] for row in _money(session)] == ["R1"]
