"""Agencies in performance: their figures, what they are paid, and the report of them."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.models.work import Allocation
from services import allocation, closing, performance
from services.actors import SYSTEM, Role
from services.allocation import CollectorFacts, Papers, Skills
from services.errors import InvalidInput, NotAllowed, NotFound
from services.performance import IN_HOUSE, NOBODY, Dimension, Measure, PerformanceFilter
from services.reports import ReportKind
from services.reports.contents import content
from tests.builders import make_borrower, make_case, make_instalment, make_loan, make_payment, make_reversal
from tests.conftest import make_actor

D = Decimal
OCT, NOV = date(2025, 10, 31), date(2025, 11, 20)


@pytest.fixture
def collected(session, frozen_clock, marek):
    """Three borrowers paid in November: 1,000 less 200 taken back to the agency's Sita, 500 to Ravi, 300 to nobody."""
    frozen_clock(datetime(2025, 11, 21, 5, 30, tzinfo=UTC))
    sita, ravi = (make_actor(session, name, name.capitalize(), Role.AGENT) for name in ("sita", "ravi"))
    agency = allocation.add_agency(marek, name="Fieldwork & Sons")
    facts = CollectorFacts(None, agency, Skills(), None, Papers(None, None, None, None))
    allocation.save(marek, sita.id, facts, version=0)
    for owner, amount in ((sita.id, 1_000), (ravi.id, 500), (None, 300)):
        borrower = make_borrower(session)
        loan = make_loan(session, borrower, disbursed_on=date(2025, 7, 5))
        for number, month in enumerate((9, 10, 11), start=1):
            make_instalment(session, loan, number, date(2025, month, 10), 1_000)
        case = make_case(session, borrower, owner_id=owner, opened_on=date(2025, 9, 11))
        if owner is not None:
            at = datetime.combine(date(2025, 9, 11), time(6, 30), UTC)
            session.add(Allocation(case_id=case, owner_id=owner, allocated_at=at, reason="test"))
        reference = make_payment(session, loan, date(2025, 11, 8), amount)
        if owner == sita.id:
            make_reversal(session, loan, date(2025, 11, 12), 200, reference)
    session.flush()
    closing.backfill(SYSTEM, OCT, OCT)
    closing.close(SYSTEM, NOV)
    return agency, sita, ravi


def by_agency(actor):
    seen = performance.overview(actor, PerformanceFilter(), Dimension.AGENCY)
    assert seen is not None
    return seen, {row.key: row for row in seen.rows}


def test_what_an_agency_s_people_collected_is_the_agency_s(collected, marek):
    agency, sita, ravi = collected
    seen, rows = by_agency(marek)
    assert {row.name: row.sums.collected for row in seen.rows} == {
        "Fieldwork & Sons": 800,
        "In-house": 500,
        "Nobody (not allocated)": 300,
    }
    assert seen.rows[-1].key == NOBODY
    assert seen.members == {str(agency): (sita.id,), IN_HOUSE: (ravi.id,), NOBODY: ()}
    assert {one.name for one in seen.ranking[Measure.COLLECTED]} == {"Fieldwork & Sons", "In-house"}
    assert rows[IN_HOUSE].cost is None


def test_agency_is_offered_once_someone_works_for_one(session, frozen_clock, marek):
    assert Dimension.AGENCY not in performance.choices(marek).dimensions


def test_an_agency_costs_its_commission_on_the_net_and_its_fee_and_no_agent_month(collected, marek):
    agency, _, _ = collected
    performance.set_cost(marek, "agent_month", from_month=NOV, amount=D(900))
    allocation.set_terms(marek, agency, from_month=OCT, commission_percent=D(50), monthly_fee=D(0))
    allocation.set_terms(marek, agency, from_month=NOV, commission_percent=D(10), monthly_fee=D(300))
    seen, rows = by_agency(marek)
    # a tenth of 800, and twenty of thirty days of the fee; in-house twenty of thirty days of a month
    assert rows[str(agency)].cost == 80 + 200
    assert rows[str(agency)].cost_to_collect == D(280) / 800
    assert (rows[IN_HOUSE].cost, rows[NOBODY].cost) == (600, 0)
    assert seen.total.cost == 880
    for dimension in Dimension:
        other = performance.overview(marek, PerformanceFilter(), dimension)
        assert other is not None
        assert sum(row.cost for row in other.rows) == 880


def test_terms_are_set_once_kept_and_audited(session, collected, marek, anil):
    agency, _, _ = collected
    for key, percent in (("one", 8), ("one", 9), ("two", 12)):
        allocation.set_terms(
            marek, agency, from_month=NOV, commission_percent=D(percent), monthly_fee=D(0), request_key=key
        )
    (found,) = allocation.agencies(marek)
    assert (found.commission_percent, found.monthly_fee) == (12, 0)
    rows = session.execute(text("SELECT commission_percent, from_month FROM agency_terms ORDER BY id")).all()
    assert rows == [(8, date(2025, 11, 1)), (12, date(2025, 11, 1))]
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'agency.terms_set'")).scalar_one() == 2
    with pytest.raises(NotAllowed):
        allocation.set_terms(anil, agency, from_month=NOV, commission_percent=D(1), monthly_fee=D(0))
    with pytest.raises(NotFound):
        allocation.set_terms(marek, agency + 1, from_month=NOV, commission_percent=D(1), monthly_fee=D(0))
    for wrong, fee in ((101, 0), (-1, 0), (1, -1), (D("1.005"), 0)):
        with pytest.raises(InvalidInput):
            allocation.set_terms(marek, agency, from_month=NOV, commission_percent=D(wrong), monthly_fee=D(fee))


def test_the_report_of_agencies_has_figures_cost_and_ranking(collected, marek):
    agency, _, _ = collected
    allocation.set_terms(marek, agency, from_month=NOV, commission_percent=D(10), monthly_fee=D(0))
    figures, ranking = content(SYSTEM, ReportKind.AGENCY_PERFORMANCE, NOV).sheets
    assert figures.columns[0].label == "Agency"
    first = next(row for row in figures.rows if row["name"] == "Fieldwork & Sons")
    assert (first["collected"], first["cost"], first["cost_to_collect"]) == (800, 80, D("0.1"))
    assert {row["name"] for row in ranking.rows} == {"Fieldwork & Sons", "In-house"}
