"""SuperLender and Lending Club through import and close: counts, buckets and amounts against pandas."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from sqlalchemy import text

from db.engine import reading
from services import closing, imports
from services.actors import SYSTEM

pytestmark = pytest.mark.real_data

EDGES = [-1, 0, 30, 60, 90, 180, 100_000]
STATUS = {
    "Current": ("active", 0),
    "In Grace Period": ("active", 8),
    "Late (16-30 days)": ("active", 23),
    "Late (31-120 days)": ("active", 75),
    "Charged Off": ("written_off", 150),
    "Fully Paid": ("closed", 0),
}


def _by_bucket(as_of):
    with reading() as session:
        rows = session.execute(
            text("""SELECT bucket, count(*) AS loans, coalesce(sum(outstanding), 0) AS outstanding FROM loan_snapshot
                    WHERE as_of = :as_of AND status = 'active' GROUP BY bucket"""),
            {"as_of": as_of},
        ).all()
    return {row.bucket: (row.loans, row.outstanding) for row in rows}


def test_lending_club_buckets_are_those_of_its_statuses(books, database):
    path = books / "lending_club_2018q1.csv.gz"
    batch = imports.load_file(SYSTEM, path, kind="loan_book")
    assert (batch.counts["loans_new"], batch.counts["rejected"]) == (10_000, 0)
    closing.close(SYSTEM, date(2018, 9, 30))
    file = pd.read_csv(path)
    file["dpd"] = file["loan_status"].map(lambda status: STATUS[status][1])
    active = file[file["loan_status"].map(lambda status: STATUS[status][0] == "active")]
    expected = active.groupby(pd.cut(active["dpd"], EDGES, labels=False))["balance"].agg(["size", "sum"])
    ours = _by_bucket(date(2018, 9, 30))
    assert {bucket: loans for bucket, (loans, _) in ours.items()} == expected["size"].to_dict()
    for bucket, (_, outstanding) in ours.items():
        assert outstanding == round(Decimal(str(expected["sum"][bucket])), 2)


def test_lending_club_keeps_unknown_columns_as_attributes(books, database):
    imports.load_file(SYSTEM, books / "lending_club_2018q1.csv.gz", kind="loan_book")
    with reading() as session:
        attributes = session.execute(text("SELECT attributes FROM loan ORDER BY id LIMIT 1")).scalar_one()
    assert attributes["emp_title"].strip() == "global config engineer"
    assert len(attributes) > 30


def _super_lender(books):
    path = books / "superlender" / "trainprevloans.csv.gz"
    readings = (
        ("loan_book", "SuperLender: loans"),
        ("schedule", "SuperLender: one due date a loan"),
        ("payments", "SuperLender: repaid when closed"),
    )
    counts = [imports.load_file(SYSTEM, path, kind=kind, profile=name).counts for kind, name in readings]
    file = pd.read_csv(path, parse_dates=["firstduedate", "closeddate", "approveddate"])
    return file, counts


def test_super_lender_days_past_due_are_those_of_its_dates(books, database):
    file, counts = _super_lender(books)
    assert [count["rejected"] for count in counts] == [0, 0, 0]
    assert counts[0]["loans_new"] == len(file) == 18_183
    assert counts[0]["borrowers_new"] == file["customerid"].nunique()
    for day in (date(2017, 3, 31), date(2017, 5, 31)):
        closing.backfill(SYSTEM, day.replace(day=1), day, workers=2)
        moment = pd.Timestamp(day)
        due, paid = file["firstduedate"].dt.normalize(), file["closeddate"].dt.normalize()
        is_open = (file["approveddate"].dt.normalize() <= moment) & ~(paid <= moment)
        dpd = (moment - due).dt.days.clip(lower=0)[is_open]
        expected = pd.cut(dpd, EDGES, labels=False).value_counts().to_dict()
        assert {bucket: loans for bucket, (loans, _) in _by_bucket(day).items()} == expected
