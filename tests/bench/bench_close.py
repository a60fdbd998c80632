"""The day-end close of the whole book, and deriving one loan when a fact arrives."""

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median, quantiles

from sqlalchemy import text

from db.engine import reading, transaction
from services import closing
from services.actors import SYSTEM
from services.delinquency import derive
from tests.bench.harness import Bench, Result

_RAW = """
    SELECT count(*) FROM (
        SELECT loan_id, sum(principal + interest + charges) FROM instalment WHERE due_on <= :as_of GROUP BY loan_id
    ) d FULL JOIN (
        SELECT loan_id, sum(amount) FROM payment WHERE paid_on <= :as_of GROUP BY loan_id
    ) p USING (loan_id)
"""
_CLOSE_TARGET, _ONE_TARGET = 60.0, 0.010
_SAMPLE = 200


def run(bench: Bench) -> Iterator[Result]:
    """Close the last day of the book, the same day again, and derive single loans."""
    with bench.book():
        raw = raw_seconds(bench)
        yield Result("raw sums of dues and payments", raw)
        for name, day in (("close", bench.as_of), ("close again", bench.as_of), ("next close", None)):
            yield measured_close(bench, name, day or bench.as_of + timedelta(days=1), raw)
        yield _one_loan(bench)


def raw_seconds(bench: Bench) -> float:
    """Of plain sums over the same facts, against which closes are measured."""
    began = time.perf_counter()
    with reading(statement_timeout_ms=0) as session:
        session.execute(text(_RAW), {"as_of": bench.as_of})
    return time.perf_counter() - began


def measured_close(bench: Bench, name: str, day: date, raw: float) -> Result:
    """Close a day with as many connections as the machine has processors.

    Args:
        bench: whose book, on which settings point.
        name: of the figure.
        day: to close.
        raw: seconds of plain sums, see `raw_seconds`.
    """
    marks: dict[str, float | int | str] = {}
    began = time.perf_counter()

    def progress(done: int, total: int | None = None, note: str | None = None) -> None:
        marks[f"until {note}"] = round(time.perf_counter() - began, 2)

    summary = closing.close(SYSTEM, day, progress=progress, workers=os.cpu_count() or 1)
    limit = _CLOSE_TARGET * max(bench.loans, 100_000) / 1_000_000
    return Result(
        name,
        summary.seconds,
        ratio=summary.seconds / raw,
        against="raw sums of dues and payments",
        target=f"at most {limit:.0f} s on 2 cores",
        is_met=summary.seconds <= limit,
        detail={"loans": summary.loans, "changed": summary.changed, **marks},
    )


def _one_loan(bench: Bench) -> Result:
    """Loans spread over the book, one a transaction, after a warm-up that lets the driver prepare its statements."""
    day = bench.as_of + timedelta(days=2)
    with reading() as session:
        ids = list(session.scalars(text("SELECT id FROM loan ORDER BY md5(id::text) LIMIT :n"), {"n": _SAMPLE + 20}))
    taken = []
    for loan_id in ids:
        with transaction() as session:
            began = time.perf_counter()
            derive(session, day, [loan_id])
            taken.append(time.perf_counter() - began)
    measured = taken[20:]
    middle = median(measured)
    return Result(
        "derive one loan",
        middle,
        target="at most 10 ms",
        is_met=middle <= _ONE_TARGET,
        detail={"p95_ms": round(quantiles(measured, n=20)[-1] * 1000, 2), "loans": len(measured)},
    )
