"""Real loan books through the profiles that ship; skipped where the files are absent."""

from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="no real loan books beside the project"),
]

_MOVES = """
    WITH months AS (
        SELECT months_past_due AS here, lead(months_past_due) OVER (PARTITION BY loan_id ORDER BY as_of) AS next
        FROM reported_snapshot
    )
    SELECT least(here, :top) AS here, least(next, :top) AS next, count(*) AS moves
    FROM months WHERE next IS NOT NULL GROUP BY 1, 2
"""


def _moves(session, top):
    """Moves between neighbouring months as the store has them: {(from, to): count}."""
    return {(row.here, row.next): row.moves for row in session.execute(text(_MOVES), {"top": top})}


def _moves_in_pandas(frame, top):
    frame = frame.clip(lower=0, upper=top)
    pairs = pd.concat(
        [pd.DataFrame({"here": frame.iloc[:, i], "next": frame.iloc[:, i + 1]}) for i in range(frame.shape[1] - 1)]
    )
    counted = pairs.value_counts()
    return {(int(a), int(b)): int(n) for (a, b), n in zip(counted.index.tolist(), counted.tolist(), strict=True)}


def _shares(moves, start):
    total = sum(n for (here, _), n in moves.items() if here == start)
    return total, {to: round(n / total, 4) for (here, to), n in moves.items() if here == start}


def test_card_panel_gives_the_published_roll_rates(session):
    file = DATA / "uci_credit_card.csv.gz"
    batch = imports.load_file(SYSTEM, file, kind="loan_book")
    assert (batch.counts["rows"], batch.counts["rejected"]) == (30_000, 0)
    moves = _moves(session, 4)
    assert moves == _moves_in_pandas(pd.read_csv(file)[["PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0"]], 4)
    assert _shares(moves, 2) == (16_297, {0: 0.2534, 1: 0.1028, 2: 0.5805, 3: 0.0633})


def test_superlender_is_read_as_loans_schedule_and_payments(session):
    file = DATA / "superlender" / "trainprevloans.csv.gz"
    counts = [imports.load_file(SYSTEM, file, kind=kind).counts for kind in ("loan_book", "schedule", "payments")]
    assert [c["rejected"] for c in counts] == [0, 0, 0]
    assert (counts[0]["loans_new"], counts[0]["borrowers_new"]) == (18_183, 4_359)
    assert (counts[1]["instalments_new"], counts[2]["payments_new"]) == (18_183, 18_183)
    again = imports.load_file(SYSTEM, file, kind="loan_book").counts
    assert (again["new"], again["changed"]) == (0, 0)


def test_lending_club_statuses_become_days_past_due(session):
    file = DATA / "lending_club_2018q1.csv.gz"
    batch = imports.load_file(SYSTEM, file, kind="loan_book")
    assert (batch.counts["loans_new"], batch.counts["rejected"]) == (10_000, 0)
    found = dict(session.execute(text("SELECT status || ':' || dpd, count(*) FROM reported_snapshot GROUP BY 1")).all())
    theirs = pd.read_csv(file, low_memory=False)["loan_status"].value_counts()
    assert found["active:23"] == theirs["Late (16-30 days)"]
    assert found["closed:0"] == theirs["Fully Paid"]
    assert found.get("written_off:150", 0) == theirs.get("Charged Off", 0)


def test_small_business_days_are_kept(session):
    batch = imports.load_file(SYSTEM, DATA / "sme_loans_nov_dec_2012.csv", kind="loan_book")
    assert (batch.counts["loans_new"], batch.counts["reported_new"]) == (477, 954)
