"""Allocating 100,000 cases by rules in one run: ten rules, two hundred collectors with skills and capacity."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import text

from db.engine import transaction
from services import allocation, closing, lender
from services.actors import SYSTEM
from services.allocation import Rule, Scope, Way
from tests.bench.harness import Bench, Result, timed

CASES = 100_000
_TARGET = 10.0
_COLLECTORS = 200


def run(bench: Bench) -> Iterator[Result]:
    """A dry run, the run, and dealing every case anew."""
    with bench.book():
        if lender.current().closed_through is None:
            closing.close(SYSTEM, bench.as_of)
        cases = _prepare()
        allocation.save_rules(
            SYSTEM, _rules(), based_on=0, effective_from=lender.current().today, reason="to be measured"
        )
        yield Result("dry run", timed(lambda: allocation.dry_run(SYSTEM, Scope.UNALLOCATED)), detail={"cases": cases})
        for name, scope in (("by rule", Scope.UNALLOCATED), ("dealt anew", Scope.ALL)):
            counts: dict[str, int] = {}
            seconds = timed(lambda scope=scope, counts=counts: counts.update(allocation.perform(SYSTEM, scope)))
            yield Result(
                f"allocate {cases:,} cases {name}",
                seconds,
                target=f"{CASES:,} under {_TARGET:.0f} s",
                is_met=seconds < _TARGET * max(cases, 1) / CASES or seconds < _TARGET,
                detail=dict(counts),
            )


def _prepare() -> int:
    """Leave at most so many cases open and nobody's, and hire collectors; how many cases."""
    with transaction(statement_timeout_ms=0) as session:
        session.execute(text("UPDATE collection_case SET owner_id = NULL WHERE owner_id IS NOT NULL"))
        session.execute(
            text("""UPDATE collection_case SET closed_on = opened_on WHERE id IN (
                        SELECT id FROM collection_case WHERE closed_on IS NULL ORDER BY id OFFSET :cases)"""),
            {"cases": CASES},
        )
        session.execute(
            text("""
                WITH u AS (
                    INSERT INTO app_user (username, name, role, password_hash)
                    SELECT 'collector' || n, 'Collector ' || n, 'agent', '!' FROM generate_series(1, :n) n
                    RETURNING id
                )
                INSERT INTO collector (user_id, capacity, regions, stages)
                SELECT id, CASE id % 3 WHEN 0 THEN NULL ELSE 900 END,
                       CASE id % 4 WHEN 0 THEN (SELECT array_agg(DISTINCT region) FROM segment WHERE region < 'S')
                                   ELSE '{}' END,
                       CASE id % 5 WHEN 0 THEN '{soft,mid}'::text[] ELSE '{}' END
                FROM u
            """),
            {"n": _COLLECTORS},
        )
        return int(session.execute(text("SELECT count(*) FROM collection_case WHERE closed_on IS NULL")).scalar_one())


def _rules() -> list[Rule]:
    """Ten rules over stages, amounts and regions, in all three ways; each names a third of the collectors."""
    people = [one.id for one in allocation.collectors(SYSTEM) if one.username.startswith("collector")]
    thirds = [tuple(people[start::3]) for start in range(3)]
    base = Rule("Rest", Way.BY_LOAD, user_ids=tuple(people))
    rules = [
        replace(base, name=f"{stage} {way.value}", stages=(stage,), way=way, user_ids=thirds[place], min_dpd=1)
        for stage in ("recovery", "hard", "mid")
        for place, way in enumerate(Way)
    ]
    return [*rules, base]
