"""Fifty collectors who take the next case from one list: never the same case, and how long the service takes.

In a burst all ask at the same instant, so that most of the time is waiting for a core; at work each asks every two
seconds, many times as often as people do.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from itertools import pairwise
from random import Random

from sqlalchemy import text

from db.engine import reading, transaction
from services import clock, closing, lender, queue
from services.actors import SYSTEM, Actor, Role
from tests.bench.harness import Bench, Result, percentile

TAKERS = 50
_TARGET = 0.050
_ROUNDS, _PAUSE = 10, 2.0
_WHEN = time_of_day(6, tzinfo=UTC)
"""Half past eleven in India, when calls are allowed."""


def run(bench: Bench) -> Iterator[Result]:
    """One taker alone, fifty at work, fifty in one instant."""
    with bench.book():
        with reading() as session:
            is_closed = lender.load(session).closed_through is not None
        if not is_closed:
            closing.close(SYSTEM, bench.as_of)
        takers = _takers()
        for name, crew, pause in (
            ("one alone", takers[:1], 0.0),
            (f"{TAKERS} at work, each every {_PAUSE:.0f} s", takers, _PAUSE),
            (f"{TAKERS} in one instant, again and again", takers, 0.0),
        ):
            _let_go()
            yield _measured(name, crew, pause, datetime.combine(bench.as_of + timedelta(days=1), _WHEN))


def _takers() -> list[Actor]:
    """Leaders, who may take any case: all of them ask for the top of the same list."""
    statement = text("""
        INSERT INTO app_user (username, name, role, password_hash)
        SELECT 'taker' || n, 'Taker ' || n, 'leader', '!' FROM generate_series(1, :takers) n RETURNING id, name
    """)
    with transaction() as session:
        return [Actor(row.id, row.name, Role.LEADER) for row in session.execute(statement, {"takers": TAKERS})]


def _let_go() -> None:
    with transaction() as session:
        session.execute(text("UPDATE collection_case SET held_by = NULL, held_until = NULL WHERE held_by IS NOT NULL"))


def _measured(name: str, crew: list[Actor], pause: float, at: datetime) -> Result:
    gate = threading.Barrier(len(crew))

    def work(place: int) -> list[tuple[float, float, int]]:
        """Beginning and end of each request, and the case given."""
        mine = []
        with clock.frozen(at):
            queue.next_case(crew[place])  # makes the connection
            gate.wait()
            time.sleep(Random(place).uniform(0, pause))  # people do not ask in step
            for _ in range(_ROUNDS if len(crew) > 1 else 100):
                began = time.perf_counter()
                case_id = queue.next_case(crew[place])
                mine.append((began, time.perf_counter(), case_id or 0))
                time.sleep(max(began + pause - time.perf_counter(), 0))
        return mine

    with ThreadPoolExecutor(len(crew)) as pool:
        found = list(pool.map(work, range(len(crew))))
    _assert_never_two(found)
    times = [ended - began for mine in found for began, ended, _case in mine]
    middle, high = percentile(times, 0.5), percentile(times, 0.95)
    return Result(
        f"next case: {name}",
        high,
        target=f"p95 at most {_TARGET * 1000:.0f} ms",
        is_met=high <= _TARGET,
        detail={"p50_ms": round(middle * 1000, 1), "p95_ms": round(high * 1000, 1), "taken": len(times)},
    )


def _assert_never_two(found: list[list[tuple[float, float, int]]]) -> None:
    """Whoever was given a case has it until they ask for the next: nobody else may be given it in between."""
    had: dict[int, list[tuple[float, float]]] = {}
    for mine in found:
        asks = [*(began for began, _ended, _case in mine[1:]), float("inf")]
        for (_began, ended, case_id), until in zip(mine, asks, strict=True):
            assert case_id, "somebody went empty-handed"
            had.setdefault(case_id, []).append((ended, until))
    for spans in had.values():
        for (_from, until), (later, _until) in pairwise(sorted(spans)):
            assert until <= later, "two had the same case"
