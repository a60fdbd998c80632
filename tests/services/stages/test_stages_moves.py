"""Moves of cases from stage to stage."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from db.engine import transaction
from db.models.stands import LoanState
from db.models.work import CollectionCase
from services import cases, stages, timeline
from services.actors import SYSTEM
from tests import builders
from tests.services.stages.rules import (
    FIRST,
    STRICT,
    TODAY,
    make_cases,
    moves,
    plain_stage,
    save,
)

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_case_that_ages_moves_by_its_facts(session, marek):
    [case_id] = make_cases(session, 30)
    session.execute(update(LoanState).values(dpd=31))
    cases.refresh(session, TODAY, 0, 2**62)
    cases.refresh(session, TODAY, 0, 2**62)
    assert moves(session) == [("soft", "mid", "facts", 1, 2)]
    borrower_id = session.get_one(CollectionCase, case_id).borrower_id
    [entry] = timeline.of(marek, borrower_id, kinds=["stage"]).entries
    assert (entry.title, entry.detail) == ("Stage Soft → Mid", "31 days past due · rule 2 of version 1")


def test_timeline_says_when_the_rules_moved_it(session, marek):
    make_cases(session, 20)
    save(marek, STRICT)
    stages.apply(SYSTEM)
    borrower_id = session.execute(select(CollectionCase.borrower_id)).scalar_one()
    [entry] = timeline.of(marek, borrower_id, kinds=["stage"]).entries
    assert entry.detail == "20 days past due · rule 2 of version 2 · the rules changed"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(1, 120), min_size=2, max_size=5))
def test_moves_chain_from_where_the_case_opened_to_where_it_stands(session, days):
    point = session.begin_nested()
    borrower_id, _ = builders.make_overdue(session, dpd=days[0])
    cases.refresh_for(session, TODAY, [borrower_id])
    expected = [plain_stage(FIRST, {"max_dpd": dpd}) for dpd in days]
    for dpd in days[1:]:
        session.execute(update(LoanState).where(LoanState.borrower_id == borrower_id).values(dpd=dpd))
        cases.refresh_for(session, TODAY, [borrower_id])
    changed = [pair for pair in itertools.pairwise(expected) if pair[0] != pair[1]]
    assert [(row[0], row[1]) for row in moves(session)] == changed
    point.rollback()


def test_close_and_facts_that_recompute_a_case_at_once_keep_one_move(database):
    """Four at the same moment: who waits for another's write finds nothing left to move."""
    with transaction() as own:
        borrower_id, _ = builders.make_overdue(own, dpd=30)
        cases.refresh_for(own, TODAY, [borrower_id])
        own.execute(update(LoanState).values(dpd=31))

    def recompute(_):
        with transaction() as mine:
            cases.refresh_for(mine, TODAY, [borrower_id])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(recompute, range(4)))
    with transaction() as own:
        assert moves(own) == [("soft", "mid", "facts", 1, 2)]
