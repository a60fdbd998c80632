"""The loan delinquency panel through import, close and flows: the roll matrix is the published one, and pandas's."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from db.engine import reading, transaction
from services import closing, imports
from services.actors import SYSTEM

pytestmark = pytest.mark.real_data

FILE = "loan_delinquency_panel.csv.gz"
MONTHS = [f"m{number}" for number in range(1, 13)]
LOANS = 116_058
# From the description of the file, shares of the row; 0 to 4 months past due, then 5 and more.
PUBLISHED = {
    0: ([0.9983, 0.0017, 0, 0, 0, 0], 1_273_174),
    1: ([0.6561, 0.2437, 0.0998, 0.0004, 0, 0], 2_745),
    2: ([0.2756, 0.1165, 0.2301, 0.3750, 0.0028, 0], 352),
    3: ([0.1528, 0.0417, 0.0347, 0.1944, 0.5764, 0], 144),
    4: ([0.1622, 0, 0, 0.0135, 0.0541, 0.7703], 74),
    5: ([0.0738, 0.0067, 0, 0.0067, 0, 0.9128], 149),
}


@pytest.fixture
def flows(books, database) -> pd.DataFrame:
    """Moves that the product counted, opening bucket by closing bucket, over all eleven pairs of months."""
    with transaction() as session:  # a bucket a month, so that four months past due stand apart from five
        session.execute(text("UPDATE lender SET bucket_edges = '{0,30,60,90,120}'"))
    batch = imports.load_file(SYSTEM, books / FILE, kind="loan_book")
    assert (batch.counts["accepted"], batch.counts["rejected"]) == (LOANS, 0)
    assert batch.counts["reported_new"] == LOANS * len(MONTHS)
    closing.backfill(SYSTEM, date(2012, 4, 1), date(2013, 3, 31), workers=2)
    with reading(statement_timeout_ms=0) as session:
        rows = session.execute(
            text("SELECT from_bucket, to_bucket, sum(loans) AS loans FROM bucket_flow GROUP BY 1, 2")
        ).all()
    table = pd.DataFrame([tuple(row) for row in rows], columns=["opening", "closing", "loans"])
    table["loans"] = table["loans"].astype(int)
    return table.pivot_table(index="opening", columns="closing", values="loans", fill_value=0, aggfunc="sum")


def by_pandas(path: Path) -> pd.DataFrame:
    """The same moves counted straight from the file."""
    months = pd.read_csv(path, usecols=MONTHS)[MONTHS].clip(upper=5)
    opening = pd.concat([months[name] for name in MONTHS[:-1]], ignore_index=True)
    following = pd.concat([months[name] for name in MONTHS[1:]], ignore_index=True)
    return pd.crosstab(opening, following).reindex(index=range(6), columns=range(6), fill_value=0)


def test_roll_matrix_is_the_published_one_and_that_of_pandas(books, flows):
    counted = by_pandas(books / FILE)
    assert counted.to_numpy().sum() == 1_276_638
    ours = flows.reindex(index=range(6), columns=range(6), fill_value=0)
    assert (ours.to_numpy() == counted.to_numpy()).all(), f"\n{ours}\n{counted}"
    assert flows.to_numpy().sum() == 1_276_638  # nobody left the book
    for bucket, (shares, loans) in PUBLISHED.items():
        row = ours.loc[bucket]
        assert row.sum() == loans
        assert [round(float(value), 4) for value in row / row.sum()] == pytest.approx(shares, abs=1e-9)
