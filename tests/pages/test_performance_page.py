"""The performance page: what it says, to whom, where its rows lead, and at what cost."""

from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from components import performance_cached, portfolio_cached
from db.engine import engine, transaction
from db.models.performance import PerformanceCase, PerformanceDay
from db.queries.performance.days import FIGURES
from services import allocation, jobs, lender, portfolio, reports
from services.actors import SYSTEM, Role
from services.allocation import CollectorFacts, Papers, Skills
from services.performance import of_bucket
from services.reports import ReportKind
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.portfolio_rows import add, make_day, make_segment

D = Decimal
TABLES = ("performance_day", "performance_target", "collection_cost", "portfolio_day", "segment", "product", "team")


@pytest.fixture(autouse=True)
def _no_book(cast, pages_database) -> None:
    from sqlalchemy import create_engine

    owner = create_engine(pages_database.owner_url)  # targets, costs and reports are never deleted by the product
    with owner.begin() as connection:
        for table in ("performance_day", "performance_target", "collection_cost", "report", "portfolio_day"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("DELETE FROM segment"))
        connection.execute(text("DELETE FROM product"))
    owner.dispose()
    performance_cached.clear()
    portfolio_cached.clear()


def summed(session, as_of, owner_id, segment_id, *, bucket=1, **figures):
    values = dict.fromkeys(FIGURES, 0) | {key: D(value) for key, value in figures.items()}
    values["case_share"] = D(figures.get("cases", 0))
    add(session, PerformanceDay(as_of=as_of, owner_id=owner_id, bucket=bucket, segment_id=segment_id, **values))


@pytest.fixture
def month(cast):
    """Two agents' cases in two months: one cures 60 of 100, the other 20; nobody has 10."""
    today = lender.current().today
    last = today.replace(day=1) - timedelta(days=1)
    now = max(today - timedelta(days=1), today.replace(day=1))
    with transaction() as session:
        segment = make_segment(session, name="Personal loans")
        for day in (last, now):
            make_day(session, day, segment_id=segment)
            common = {"cases": 100, "to_collect": 100_000, "calls": 80, "connects": 50, "right_party": 40}
            good = {"collected": 60_000, "collected_squares": 60_000_000, "paying": 60, "cured": 60}
            poor = {"collected": 20_000, "collected_squares": 20_000_000, "paying": 20, "cured": 20}
            summed(session, day, cast[Role.AGENT].id, segment, worked=70, right_party_promised=10, **common, **good)
            summed(session, day, cast[Role.LEADER].id, segment, bucket=2, fallen_due=4, kept=1, **common, **poor)
            summed(session, day, cast[Role.ADMIN].id, segment, bucket=2, **common, **good)
            summed(session, day, 0, segment, cases=10, to_collect=9_000)
    return now


@contextmanager
def statements():
    """The statements on the page's tables that run within."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if any(f"FROM {name}" in statement for name in TABLES) or "team_id IS NOT NULL" in statement:
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def at(role, **address):
    """The page at an address with these parameters."""
    return opened(token_of(role), url_path="performance", address=address)


def test_before_the_first_close_the_page_says_what_to_do():
    assert "No day has been summed yet" in words(opened(token_of(Role.LEADER), url_path="performance"))


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN, Role.AUDITOR])
def test_roles_without_the_permission_see_no_figure(month, role):
    app = opened(token_of(role), url_path="performance")
    assert not app.metric
    assert not app.dataframe
    assert "This page is not part of your role" in words(app)


def test_a_leader_sees_figures_the_fair_ranking_and_the_way_to_the_cases(month):
    token = token_of(Role.LEADER)
    with statements() as first:
        app = opened(token, url_path="performance")
    assert not app.exception
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Allocated"] == "310"
    assert shown["Collected"] == "₹1.4 L"
    assert shown["Promise rate"] == "8.3 %"
    assert shown["Kept rate"] == "25.0 %"
    assert all(metric.help for metric in app.metric)
    said = words(app)
    assert "Admin Person above and Leader Person below what their buckets suggest" in said
    assert f"As of {month.day} {month:%b %Y}" in said
    table = app.dataframe[0].value
    assert list(table["name"])[-2:] == ["Nobody (not allocated)", "Total"]
    with statements() as again:
        opened(token, url_path="performance")
    assert len(first) == 11, "\n".join(first)
    assert len(again) == 0, "\n".join(again)


def test_a_figure_leads_to_its_cases_and_those_to_the_borrower(month, cast):
    with transaction() as session:
        session.execute(text("DELETE FROM performance_case"))
    app = opened(token_of(Role.LEADER), url_path="performance")
    app.selectbox(key="cases").set_value("Cured")
    assert "The cases of this month are not kept" in words(app.run())
    with transaction() as session:
        borrower_id = builders.make_borrower(session, name="Nila Das")
        case_id = builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id)
        columns = [column.name for column in PerformanceCase.__table__.columns]
        keys = {"as_of": month, "owner_id": cast[Role.AGENT].id, "case_id": case_id, "borrower_id": borrower_id}
        of_case = dict.fromkeys(columns, 0) | keys | {"part": D(1), "cured": 1, "collected": D(900), "bucket": 1}
        add(session, PerformanceCase(**of_case))
    app = app.run()
    assert "1 case · 1 in all" in " ".join(each.value for each in app.caption)
    (listed,) = [each.value for each in app.dataframe if "borrower" in each.value]
    assert listed["borrower"].iloc[0].startswith("Nila Das")
    app.selectbox(key="cases").set_value("Broken")
    assert "No case counts in" in words(app.run())


def test_filters_dimension_and_month_come_from_the_address(month):
    app = at(Role.ANALYST, by="Bucket", in_bucket="31–60")
    assert list(app.dataframe[0].value["name"]) == ["31–60", "Total"]
    # what the page itself calls so, its links to the accounts and to the queue would lose
    assert not {each.key for each in app.multiselect} & {"product", "region", "bucket", "owner"}
    assert "No case matches these filters" in words(at(Role.ANALYST, in_bucket="180+"))


def test_a_target_and_a_cost_are_set_by_a_leader_and_shown(month):
    app = at(Role.LEADER, view="Targets and costs")
    assert "No target is set for this month" in words(app)
    app.number_input(key="performance.target.amount").set_value(90_000.0)
    next(button for button in app.button if button.label == "Set target").click().run()
    app.number_input(key="performance.cost.amount").set_value(12.0)
    next(button for button in app.button if button.label == "Set cost").click().run()
    assert not app.exception
    assert len(app.dataframe) == 2
    app = at(Role.LEADER)
    assert {"target", "achieved", "cost_to_collect"} <= set(app.dataframe[0].value.columns)
    analyst = at(Role.ANALYST, view="Targets and costs")
    assert not [button for button in analyst.button if button.label.startswith("Set ")]


def test_reports_are_asked_for_produced_and_offered(month):
    app = at(Role.ANALYST, view="Reports")
    assert "No report has been produced yet" in words(app)
    next(button for button in app.button if button.label == "Produce now").click().run()
    assert not app.exception
    with transaction() as session:
        run = session.execute(text("SELECT id, arguments FROM job_run WHERE kind = 'report.produce'")).one()
    assert run.arguments["kinds"] == [kind.value for kind in ReportKind]
    assert jobs.label_of("report.produce") == "Produce reports"
    kinds = [ReportKind.AGENT_PERFORMANCE]
    reports.produce(SYSTEM, run.id, kinds=kinds, asked_by=run.arguments["asked_by"])
    app.run()
    assert not app.exception
    assert list(app.dataframe[0].value["by"]) == ["Analyst Person"] * 2


def test_agencies_are_compared_with_their_cost_once_someone_works_for_one(month, cast):
    assert "Agency" not in next(iter(at(Role.LEADER).segmented_control(key="by").options))
    agency = allocation.add_agency(SYSTEM, name="Sahara Recoveries")
    facts = CollectorFacts(None, agency, Skills(), None, Papers(None, None, None, None))
    allocation.save(SYSTEM, cast[Role.AGENT].id, facts, version=0)
    allocation.set_terms(SYSTEM, agency, from_month=month, commission_percent=D(10), monthly_fee=D(0))
    performance_cached.clear()
    app = at(Role.LEADER, by="Agency")
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["name"]) == ["In-house", "Sahara Recoveries", "Nobody (not allocated)", "Total"]
    assert list(table["cost_to_collect"])[:2] == [0, 0.1]
    assert "No agency can be told from the book" in words(app)


def test_without_the_day_end_before_the_month_there_is_no_opening_to_lead_to():
    day, whole = date(2025, 6, 15), portfolio.PortfolioFilter()
    assert of_bucket(0, as_of=day, closes=[day], scope=whole, buckets=6) is None
    stood_in = of_bucket(2, as_of=day, closes=[day], scope=whole, buckets=6)
    assert (stood_in.buckets, stood_in.as_of, stood_in.move) == ((2,), day, None)
    assert of_bucket(9, as_of=day, closes=[day], scope=whole, buckets=6) is None
