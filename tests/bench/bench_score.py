"""Scoring the whole book, and scoring it again when nothing changed."""

from collections.abc import Iterator

from db.engine import reading
from services import closing, lender, scoring
from services.actors import SYSTEM
from tests.bench.harness import Bench, Result, timed


def run(bench: Bench) -> Iterator[Result]:
    """Score every loan for the first time, and once more."""
    with bench.book():
        with reading() as session:
            is_closed = lender.load(session).closed_through is not None
        if not is_closed:
            closing.close(SYSTEM, bench.as_of)
        for name in ("score for the first time", "score again, nothing changed"):
            seconds = timed(lambda: scoring.score(SYSTEM, bench.as_of))
            yield Result(name, seconds, detail={"seconds_per_million": round(seconds * 1e6 / bench.loans, 2)})
