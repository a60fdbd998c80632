"""From the store to arrays: the cases, people and rules that `planning` deals with."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv
from sqlalchemy.orm import Session

from db.queries import allocation_rules as queries
from services.allocation.collectors import Collector
from services.allocation.planning import matches
from services.allocation.rules import Rule
from services.allocation.values import Cases, Coded, Ints, Person, Terms, Way

_TYPES = {name: pa.int64() for name in queries.CASE_COLUMNS} | {
    name: pa.dictionary(pa.int32(), pa.string()) for name in ("stage", "region", "language")
}
_SKIP_COMPLAINT, _SKIP_IN_WORK = 1, 2


@dataclass(frozen=True, slots=True)
class Work:
    """What a run deals."""

    cases: Cases
    rules: Sequence[Rule]
    """Those that are on, as are `terms`."""
    terms: Sequence[Terms]
    crew: Sequence[Collector]
    people: Sequence[Person]
    """The crew as the dealer sees it, in the same order."""
    complaints: int
    in_work: int


def prepared(
    session: Session, rules: Sequence[Rule], crew: Sequence[Collector], *, today: date, now: datetime, is_all: bool
) -> Work:
    """Read the cases, and say who may be dealt any; who has fewest open comes first where all else is equal."""
    wants_previous = any(rule.way is Way.KEEP_AGENT for rule in rules)
    raw = queries.open_cases(session, today=today, now=now, is_all=is_all, wants_previous=wants_previous)
    table = _table(raw)
    skip = _numbers(table, "skip")
    crew = sorted(crew, key=lambda member: (member.open_cases, member.id))
    terms = [_terms(rule, crew) for rule in rules]
    cases = _to_deal(table, np.flatnonzero(skip == 0), terms)
    return Work(
        cases=cases,
        rules=rules,
        terms=terms,
        crew=crew,
        people=[_person(member, int((cases.owner == member.id).sum())) for member in crew],
        complaints=int((skip == _SKIP_COMPLAINT).sum()),
        in_work=int((skip == _SKIP_IN_WORK).sum()),
    )


def _table(raw: bytes) -> pa.Table:
    if not raw:
        return pa.table({name: pa.array([], kind) for name, kind in _TYPES.items()})
    return csv.read_csv(
        io.BytesIO(raw),
        read_options=csv.ReadOptions(column_names=list(queries.CASE_COLUMNS), block_size=1 << 24),
        convert_options=csv.ConvertOptions(column_types=_TYPES, null_values=[""], strings_can_be_null=True),
    )


def _numbers(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].combine_chunks().fill_null(0), np.int64)


def _to_deal(table: pa.Table, rows: Ints, terms: Sequence[Terms]) -> Cases:
    """The cases, but for pre-due ones that nobody has and no rule names: they are no work left lying."""
    cases = _cases(table, rows)
    idle = cases.stage.among(("pre_due",)) & (cases.owner == 0)
    if not idle.any():
        return cases
    for each in terms:
        idle &= ~matches(each, cases)
    return _cases(table, rows[~idle])


def _cases(table: pa.Table, kept: Ints) -> Cases:
    numbers = {name: _numbers(table, name)[kept] for name, kind in _TYPES.items() if kind == pa.int64()}
    words = {name: _coded(table[name], kept) for name in ("stage", "region", "language")}
    return Cases(
        ids=numbers["id"],
        product=_coded(table["product"].dictionary_encode(), kept),
        risk_band=numbers["risk_band"],
        dpd=numbers["dpd"],
        overdue=numbers["overdue"],
        outstanding=numbers["outstanding"],
        owner=numbers["owner"],
        previous=numbers["previous"],
        **words,
    )


def _coded(column: Any, kept: Ints) -> Coded:
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    return Coded(np.asarray(whole.indices.fill_null(-1), np.int64)[kept], tuple(whole.dictionary.to_pylist()))


def _person(member: Collector, dealt: int) -> Person:
    """`dealt`: how many of the cases that are dealt the collector has now."""
    return Person(
        id=member.id,
        load=max(member.open_cases - dealt, 0),
        capacity=member.capacity,
        product_ids=member.skills.product_ids,
        languages=member.skills.languages,
        regions=member.skills.regions,
        stages=member.skills.stages,
        is_available=member.may_be_given_cases and member.absent_reason is None,
    )


def _terms(rule: Rule, crew: Sequence[Collector]) -> Terms:
    return Terms(
        person_ids=_target(rule, crew),
        way=rule.way,
        stages=rule.stages,
        product_ids=rule.product_ids,
        regions=rule.regions,
        languages=rule.languages,
        risk_bands=rule.risk_bands,
        dpd=(rule.min_dpd, rule.max_dpd),
        overdue=(_hundredths(rule.min_overdue), _hundredths(rule.max_overdue)),
        outstanding=(_hundredths(rule.min_outstanding), _hundredths(rule.max_outstanding)),
    )


def _target(rule: Rule, crew: Sequence[Collector]) -> tuple[int, ...]:
    """Agents of the team or agency; leaders are given cases only where a rule names them."""
    if rule.user_ids:
        return rule.user_ids
    agents = [member for member in crew if member.role == "agent"]
    if rule.team_id is not None:
        return tuple(member.id for member in agents if member.team_id == rule.team_id)
    return tuple(member.id for member in agents if member.agency_id == rule.agency_id)


def _hundredths(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)
