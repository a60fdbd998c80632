"""Stage rules: what they decide, for any rules and any case."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from db.models.owes import Segment
from db.models.work import CollectionCase
from services import cases, stages
from services.errors import InvalidInput
from services.stages import Rule, RuleSet
from tests import builders
from tests.services.stages.rules import FIRST, TODAY, make_cases, moves, plain_stage, save, some_rules, stages_now

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.parametrize(
    ("dpd", "stage"),
    [(1, "soft"), (30, "soft"), (31, "mid"), (60, "mid"), (61, "hard"), (90, "hard"), (91, "recovery")],
)
def test_first_version_decides_by_days_past_due(session, dpd, stage):
    make_cases(session, dpd)
    assert stages_now(session) == [stage]
    assert moves(session) == []  # where a case opens is no move


def test_first_version_is_what_the_tests_call_first(marek):
    assert stages.view(marek).in_force.rule_set == FIRST


@pytest.fixture
def varied(session):
    """Cases around every edge that the generated rules use, with their facts, and ids of two products."""
    products = []
    for code in ("gold", "personal"):
        segment = builders.make_segment(session, product=code)
        products.append((segment, session.get_one(Segment, segment).product_id))
    facts = {}
    for number, dpd in enumerate((1, 29, 30, 31, 60, 61, 89, 90, 91, 400) * 3):
        segment, product = products[number % 2]
        amount = Decimal(["0.01", "4999.99", "5000", "25000", "25000.01"][number % 5])
        borrower_id = builders.make_borrower(session)
        loan_id = builders.make_loan(session, borrower_id, segment_id=segment)
        npa = "npa" if number % 3 == 0 else "sma_1"
        builders.make_state(session, loan_id, dpd=dpd, overdue_amount=amount, risk_band=number % 6, asset_class=npa)
        facts[borrower_id] = {
            "max_dpd": dpd,
            "overdue": amount,
            "band": number % 6,
            "product": product,
            "npa": npa == "npa",
        }
    cases.refresh(session, TODAY, 0, 2**62)
    return facts, [product for _, product in products]


def test_statement_and_plain_evaluation_agree_and_the_dry_run_is_what_happens(session, marek, varied):
    """For any rules: plain Python, the dry run and the recompute give each case the same stage."""
    facts, product_ids = varied
    tried = []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(some_rules(product_ids))
    def agree(wanted):
        expected = {borrower_id: plain_stage(wanted, one) for borrower_id, one in facts.items()}
        point = session.begin_nested()
        before = dict(session.execute(select(CollectionCase.borrower_id, CollectionCase.stage)).all())
        try:
            found = stages.try_out(marek, wanted)
            version = save(marek, wanted)
        except InvalidInput:
            point.rollback()
            return
        cases.reprioritise(session, TODAY, 0, 2**62)
        after = dict(session.execute(select(CollectionCase.borrower_id, CollectionCase.stage)).all())
        assert after == expected
        told = {(way.from_stage, way.to_stage): way.cases for way in found.ways}
        happened: dict[tuple[str, str], int] = {}
        for borrower_id, stage in after.items():
            way = (before[borrower_id], stage)
            happened[way] = happened.get(way, 0) + 1
        assert told == happened
        assert found.moved == len(moves(session)) == sum(1 for key in after if after[key] != before[key])
        assert {row[2:4] for row in moves(session)} <= {("rules", version)}
        tried.append(wanted)
        point.rollback()

    agree()
    assert len(tried) > 5  # else nearly all were refused, and nothing was shown


def test_recompute_of_one_borrower_and_of_the_book_agree(session, marek, varied):
    facts, [gold, _] = varied
    wanted = RuleSet((Rule("legal", product_ids=(gold,), is_npa=True), Rule("mid", min_overdue=Decimal(5000))), "soft")
    save(marek, wanted)
    for borrower_id in list(facts)[:10]:
        cases.refresh_for(session, TODAY, [borrower_id])
    one_by_one = stages_now(session)[:10]
    cases.refresh(session, TODAY, 0, 2**62)
    assert stages_now(session)[:10] == one_by_one
