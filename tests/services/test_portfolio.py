"""The portfolio's figures, from aggregates."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update

from db.models.stands import PromiseDay
from db.models.work import Promise
from services import portfolio
from services.errors import NotAllowed
from services.portfolio import definitions, promise_days
from services.portfolio.changes import Moved
from services.portfolio.figures import BucketSum, DayTotals, efficiency, efficiency_with_arrears, npa_share, recovery
from services.portfolio.rolls import Outcome
from tests.portfolio_rows import (
    NOV,
    OCT,
    SEP,
    close_through,
    make_account,
    make_day,
    make_flow,
    make_promise,
    make_promise_day,
    make_segment,
    make_snapshot,
    make_vintage,
)

D = Decimal
WHOLE = portfolio.PortfolioFilter()
told: Any = portfolio
"""The services, where a test knows that there is something to tell."""


@pytest.fixture(autouse=True)
def clock_at_the_close(frozen_clock):
    frozen_clock(datetime(2025, 11, 15, 4, 0, tzinfo=UTC))


def day(overdue: int = 0, *, demand: int = 0, collected: int = 0, of_demand: int = 0) -> DayTotals:
    return DayTotals(
        {1: BucketSum(1, D(10_000), D(overdue))},
        demand=D(demand),
        collected=D(collected),
        collected_of_demand=D(of_demand),
    )


def figure(found: portfolio.Overview | None, key: portfolio.FigureKey):
    assert found is not None
    return next(figure for figure in found.figures if figure.key == key)


# --- what the ratios mean ----------------------------------------------------------------------------------------


def test_efficiency_without_arrears_counts_only_what_paid_the_months_demand():
    assert efficiency(day(demand=1000, collected=1500, of_demand=800)) == D("0.8")


def test_efficiency_with_arrears_adds_them_to_the_denominator():
    assert efficiency_with_arrears(day(demand=1000, collected=900, of_demand=700), day(500)) == D("0.6")


def test_efficiency_with_arrears_may_pass_the_whole_when_advances_come():
    paid_ahead = efficiency_with_arrears(day(demand=1000, collected=1800, of_demand=1000), day(500))
    assert paid_ahead is not None
    assert paid_ahead > 1


@pytest.mark.parametrize(
    ("now", "opening", "expected"),
    [
        pytest.param(day(0, demand=50, collected=150, of_demand=50), day(100), "1", id="all arrears and demand paid"),
        pytest.param(day(150, demand=50), day(100), "0", id="nothing paid"),
        pytest.param(day(90, demand=50, collected=60), day(100), "0.4", id="60 of arrears 100 and new 50"),
        pytest.param(day(100, demand=50, collected=1050, of_demand=50), day(100), "0", id="an advance is no recovery"),
        pytest.param(day(40), day(100), "0", id="a write-off is no recovery"),
    ],
)
def test_recovery_is_collected_on_overdue_by_overdue_assigned(now, opening, expected):
    assert recovery(now, opening) == D(expected)


def test_ratios_without_a_denominator_are_unknown_and_not_zero():
    assert efficiency(day()) is None
    assert efficiency_with_arrears(day(demand=10), None) is None
    assert recovery(day(demand=10, of_demand=10), day(0)) is None
    assert npa_share(DayTotals({})) is None


# --- overview ----------------------------------------------------------------------------------------------------


def make_two_closes(session) -> int:
    """October closed with 10 current and 4 in 1-30; 14 November: 9 current, 4 in 1-30, 1 in 91-180 as NPA."""
    segment = make_segment(session)
    make_day(session, OCT, segment_id=segment, bucket=0, loans=10, outstanding=D(9000))
    make_day(session, OCT, segment_id=segment, bucket=1, loans=4, outstanding=D(1000), overdue_amount=D(400))
    make_day(session, NOV, segment_id=segment, bucket=0, loans=9, outstanding=D(8000))
    make_day(
        session,
        NOV,
        segment_id=segment,
        bucket=1,
        loans=4,
        outstanding=D(1000),
        overdue_amount=D(300),
        demand_mtd=D(500),
        collected_mtd=D(450),
        collected_of_demand=D(400),
    )
    make_day(
        session,
        NOV,
        segment_id=segment,
        bucket=4,
        asset_class="npa",
        loans=1,
        outstanding=D(1000),
        overdue_amount=D(250),
    )
    return segment


def test_headline_figures_are_sums_of_the_newest_day_end(session, marek):
    make_two_closes(session)
    found = told.overview(marek, WHOLE)
    values = {figure.key.value: figure.value for figure in found.figures}
    assert found.as_of == NOV
    assert found.opening_on == OCT
    assert values == {
        "overdue": D(550),
        "delinquent": D(5),
        "efficiency": D("0.8"),
        "recovery": D(0),  # overdue rose from 400 to 550 on 100 unpaid demand: nothing of it was collected
        "promises": D(0),
        "npa": D("0.1"),
    }
    assert figure(found, portfolio.FigureKey.EFFICIENCY).second == D("0.5")
    assert figure(found, portfolio.FigureKey.OVERDUE).previous == D(400)


def test_collections_of_loans_that_left_the_book_count_but_the_loans_do_not(session, marek):
    segment = make_two_closes(session)
    make_day(
        session,
        NOV,
        segment_id=segment,
        bucket=100,
        loans=3,
        demand_mtd=D(500),
        collected_mtd=D(500),
        collected_of_demand=D(500),
    )
    found = told.overview(marek, WHOLE)
    assert figure(found, portfolio.FigureKey.EFFICIENCY).value == D("0.9")
    assert figure(found, portfolio.FigureKey.DELINQUENT).second == 14


def test_filters_narrow_by_segment_and_band(session, marek):
    make_two_closes(session)
    other = make_segment(session, region=None, branch="B2")
    make_day(session, NOV, segment_id=other, bucket=2, risk_band=5, loans=7, overdue_amount=D(70))

    def overdue(**chosen):
        found = told.overview(marek, portfolio.PortfolioFilter(**chosen))
        return figure(found, portfolio.FigureKey.OVERDUE).value

    assert overdue() == 620
    assert overdue(regions=("North",)) == 550
    assert overdue(regions=(portfolio.NOT_GIVEN,)) == 70
    assert overdue(branches=("B1", "B2")) == 620
    assert overdue(risk_bands=(5,)) == 70
    assert overdue(products=("XX",)) == 0


def test_buckets_stand_against_the_months_start(session, marek):
    make_two_closes(session)
    ageing = told.overview(marek, WHOLE).ageing
    assert [age.label for age in ageing] == ["Current", "1–30", "31–60", "61–90", "91–180", "180+"]
    assert [(age.now.loans, age.opening.loans) for age in ageing[:5]] == [(9, 10), (4, 4), (0, 0), (0, 0), (1, 0)]


def test_what_changed_names_the_largest_movement_first(session, marek):
    make_two_closes(session)
    changes = told.overview(marek, WHOLE).since_opening
    assert changes.since == OCT
    assert [(move.what, move.bucket, move.amount) for move in changes.movements] == [
        (Moved.NPA, None, D(1000)),
        (Moved.BUCKET, 4, D(1000)),
        (Moved.OVERDUE, None, D(150)),
    ]
    assert changes.collected == 450


def test_what_changed_since_the_day_before_is_told_when_that_day_is_closed(session, marek):
    segment = make_two_closes(session)
    assert told.overview(marek, WHOLE).since_day_before is None
    make_day(session, date(2025, 11, 13), segment_id=segment, bucket=1, overdue_amount=D(500), collected_mtd=D(440))
    changes = told.overview(marek, WHOLE).since_day_before
    assert changes.since == date(2025, 11, 13)
    assert changes.collected == 10


def test_the_day_before_is_the_books_also_for_a_part_that_had_no_account_then(session, marek):
    segment = make_two_closes(session)
    make_day(session, date(2025, 11, 13), segment_id=segment, bucket=1, overdue_amount=D(500))
    young = make_segment(session, region="South")
    make_day(session, SEP, segment_id=young, bucket=0, overdue_amount=D(0))
    make_day(session, NOV, segment_id=young, bucket=1, overdue_amount=D(70))
    changes = told.overview(marek, portfolio.PortfolioFilter(regions=("South",))).since_day_before
    assert changes.since == date(2025, 11, 13)
    assert (Moved.OVERDUE, D(70)) in [(move.what, move.amount) for move in changes.movements]


def test_a_past_month_shows_its_own_close(session, marek):
    make_two_closes(session)
    found = told.overview(marek, WHOLE, date(2025, 10, 1))
    assert (found.as_of, found.is_newest, found.opening_on) == (OCT, False, None)
    assert figure(found, portfolio.FigureKey.OVERDUE).value == 400


def test_a_skipped_month_is_no_opening(session, marek):
    segment = make_segment(session)
    make_day(session, SEP, segment_id=segment, bucket=1, overdue_amount=D(10))
    make_day(session, NOV, segment_id=segment, bucket=1, overdue_amount=D(10))
    found = told.overview(marek, WHOLE)
    assert found.opening_on is None
    assert figure(found, portfolio.FigureKey.RECOVERY).value is None


def test_before_the_first_close_there_is_nothing(session, marek):
    assert told.overview(marek, WHOLE) is None
    assert told.rolls(marek, WHOLE) is None
    assert told.vintages(marek, WHOLE) == ()
    assert told.worst_segments(marek, WHOLE) is None


@pytest.mark.parametrize(
    "read",
    [portfolio.overview, portfolio.rolls, portfolio.vintages, portfolio.worst_segments],
    ids=lambda f: f.__name__,
)
def test_agents_may_not_read_the_portfolio(session, ana, read):
    with pytest.raises(NotAllowed):
        read(ana, WHOLE)


# --- promises ----------------------------------------------------------------------------------------------------


def test_promises_of_the_newest_day_count_the_moment_they_are_recorded(session, marek):
    segment = make_two_closes(session)
    loan = make_account(session, "L1", segment_id=segment)
    make_promise_day(session, OCT, segment_id=segment, pending=7)
    make_promise(session, loan, amount=D(500))
    make_promise(session, loan, status="broken", resolved_on=date(2025, 11, 3), paid_amount=D(100))
    make_promise(session, loan, status="broken", resolved_on=date(2025, 10, 3))
    seen = told.overview(marek, WHOLE)
    assert figure(seen, portfolio.FigureKey.PROMISES).value == 0
    promises = figure(told.with_promises_now(marek, WHOLE, seen), portfolio.FigureKey.PROMISES)
    assert (promises.value, promises.amount, promises.second, promises.previous) == (1, D(500), 1, 7)
    south = portfolio.PortfolioFilter(regions=("South",))
    elsewhere = told.with_promises_now(marek, south, told.overview(marek, south))
    assert figure(elsewhere, portfolio.FigureKey.PROMISES).value == 0
    october = told.overview(marek, WHOLE, OCT)
    assert told.with_promises_now(marek, WHOLE, october) == october


def test_promises_are_kept_as_they_stood_at_the_day_end(session):
    segment = make_segment(session)
    loan = make_account(session, "L1", segment_id=segment)
    make_snapshot(session, OCT, loan, segment_id=segment, risk_band=4)
    october = {"promised_on": date(2025, 10, 20)}
    make_promise(session, loan, **october)  # still pending
    make_promise(session, loan, **october, status="kept", resolved_on=date(2025, 11, 5))  # pending then
    make_promise(session, loan, **october, status="kept", resolved_on=OCT)
    make_promise(session, loan, **october, status="broken", resolved_on=date(2025, 10, 25), paid_amount=D(200))
    make_promise(session, loan, status="broken", promised_on=date(2025, 9, 1), resolved_on=date(2025, 9, 9))
    make_promise(session, loan, promised_on=date(2025, 11, 1))  # made later
    cancelled = {"status": "cancelled", **october}
    make_promise(session, loan, **cancelled, cancelled_at=datetime(2025, 11, 2, tzinfo=UTC))  # pending then
    make_promise(session, loan, **cancelled, cancelled_at=datetime(2025, 10, 28, tzinfo=UTC))
    for _ in range(2):  # a close may run again
        promise_days.summarise(session, OCT, time_zone="Asia/Kolkata")
    kept = session.scalars(select(PromiseDay)).one()
    assert (kept.as_of, kept.segment_id, kept.risk_band) == (OCT, segment, 4)
    assert (kept.pending, kept.pending_amount, kept.kept_mtd, kept.broken_mtd) == (3, D(1500), 1, 1)
    assert kept.broken_amount_mtd == D(300)


def test_promises_settled_late_correct_the_months_that_were_closed_before(session):
    segment = make_segment(session)
    loan = make_account(session, "L1", segment_id=segment)
    for close in (SEP, OCT, NOV):
        make_day(session, close, segment_id=segment)
    make_promise(session, loan, promised_on=date(2025, 9, 2), due_on=date(2025, 9, 5))
    for close in (SEP, OCT):
        promise_days.summarise(session, close, time_zone="Asia/Kolkata")
    session.execute(update(Promise).values(status="kept", resolved_on=date(2025, 9, 5)))
    promise_days.summarise(session, NOV, time_zone="Asia/Kolkata")
    session.expire_all()
    kept = {row.as_of: (row.pending, row.kept_mtd) for row in session.scalars(select(PromiseDay))}
    assert kept == {SEP: (0, 1)}


# --- rolls -------------------------------------------------------------------------------------------------------


def make_flows(session) -> int:
    segment = make_segment(session)
    make_day(session, SEP, segment_id=segment)
    make_day(session, OCT, segment_id=segment)
    for end, loans in ((0, 20), (1, 50), (2, 20), (100, 5), (101, 3), (102, 2)):
        make_flow(session, 1, end, loans, segment_id=segment)
    make_flow(session, 2, 1, 1, segment_id=segment)
    make_flow(session, 2, 2, 3, segment_id=segment)
    return segment


def test_rows_of_the_matrix_add_to_the_whole_cohort(session, marek):
    make_flows(session)
    month = told.rolls(marek, WHOLE).latest
    ends = (*range(6), *month.ways_out)
    for measure in portfolio.Measure:
        for bucket in (1, 2):
            assert sum(month.share(bucket, end, measure) for end in ends) == 1
    assert month.ways_out == (100, 101, 102)
    assert month.share(3, 3, portfolio.Measure.COUNT) is None


def test_outcomes_and_ways_out_add_to_the_whole_cohort(session, marek):
    make_flows(session)
    month = told.rolls(marek, WHOLE).latest
    count = portfolio.Measure.COUNT
    shares = {outcome: month.outcome(1, outcome, count) for outcome in Outcome}
    assert shares == {"forward": D("0.2"), "stabilised": D("0.5"), "back": 0, "cure": D("0.2")}
    assert sum(shares.values()) + sum(month.share(1, end, count) for end in month.ways_out) == 1
    assert month.outcome(2, Outcome.BACK, count) == D("0.25")


def test_only_months_in_a_row_make_a_roll(session, marek):
    segment = make_segment(session)
    august = date(2025, 8, 31)
    make_day(session, august, segment_id=segment)
    make_day(session, OCT, segment_id=segment)
    make_flow(session, 1, 1, 5, segment_id=segment, opening_on=august)
    assert told.rolls(marek, WHOLE).months == ()


def test_a_month_that_is_not_over_is_not_compared_with_whole_ones(session, marek):
    segment = make_flows(session)
    make_day(session, NOV, segment_id=segment)
    make_flow(session, 1, 2, 50, segment_id=segment, opening_on=OCT, closing_on=NOV)
    assert told.rolls(marek, WHOLE).latest.closing_on == OCT
    assert told.worst_segments(marek, WHOLE).closing_on == OCT


def test_headline_of_rolls_is_the_bucket_that_changed_most(session, marek):
    segment = make_flows(session)
    november = date(2025, 11, 30)
    make_day(session, november, segment_id=segment)
    for end, loans in ((1, 60), (2, 40)):
        make_flow(session, 1, end, loans, segment_id=segment, opening_on=OCT, closing_on=november)
    for opening, closing, end in ((SEP, OCT, 3), (OCT, november, 4)):  # 29 accounts turn round wholly: too few to tell
        make_flow(session, 3, end, 29, segment_id=segment, opening_on=opening, closing_on=closing)
    seen = told.rolls(marek, WHOLE)
    line = seen.headline(portfolio.Measure.COUNT)
    assert (line.bucket, line.share, line.change, line.whole.loans) == (1, D("0.4"), D("0.2"), 100)
    assert seen.told(3, portfolio.Outcome.FORWARD, portfolio.Measure.COUNT) is None


def test_worst_segments_come_first_and_small_ones_last(session, marek):
    make_day(session, SEP, segment_id=make_segment(session))
    for branch, stayed, forward in (("Calm", 90, 10), ("Bad", 60, 40), ("Tiny", 1, 4)):
        segment = make_segment(session, branch=branch)
        make_flow(session, 1, 1, stayed, segment_id=segment)
        make_flow(session, 1, 2, forward, segment_id=segment)
        make_flow(session, 5, 5, 500, segment_id=segment)  # cannot get worse: not of the cohort
        make_flow(session, 0, 1, 500, segment_id=segment)  # was not past due
        make_day(session, OCT, segment_id=segment)
    found = told.worst_segments(marek, WHOLE, dimension=portfolio.Dimension.BRANCH)
    listed = [(part.name, part.forward, part.loans, part.is_small) for part in found.segments]
    assert listed == [("Bad", D("0.4"), 100, False), ("Calm", D("0.1"), 100, False), ("Tiny", D("0.8"), 5, True)]
    assert (found.opening_on, found.closing_on) == (SEP, OCT)


def test_change_of_a_segment_is_against_the_month_before(session, marek):
    segment = make_segment(session)
    november = date(2025, 11, 30)
    for close in (SEP, OCT, november):
        make_day(session, close, segment_id=segment)
    make_flow(session, 1, 1, 90, segment_id=segment)
    make_flow(session, 1, 2, 10, segment_id=segment)
    make_flow(session, 1, 1, 75, segment_id=segment, opening_on=OCT, closing_on=november)
    make_flow(session, 1, 2, 25, segment_id=segment, opening_on=OCT, closing_on=november)
    (part,) = told.worst_segments(marek, WHOLE).segments
    assert (part.forward, part.change) == (D("0.25"), D("0.15"))


# --- vintages ----------------------------------------------------------------------------------------------------


def test_vintages_tell_share_past_due_by_age(session, marek):
    segment = make_segment(session)
    quarter = date(2025, 4, 1)
    for close in (SEP, OCT):
        make_day(session, close, segment_id=segment)
    make_vintage(session, SEP, quarter, segment_id=segment, loans_30=5, outstanding_30=D(2000))
    make_vintage(session, OCT, quarter, segment_id=segment, loans_30=8, loans_90=1, outstanding_90=D(500))
    make_vintage(session, OCT, date(2025, 1, 1), segment_id=segment, loans=3)
    (curve,) = told.vintages(marek, WHOLE)
    assert curve.label == "Q2 2025"
    assert [(point.month, point.share_30, point.share_90) for point in curve.points] == [
        (5, D("0.05"), D(0)),
        (6, D("0.08"), D("0.01")),
    ]
    (by_amount,) = told.vintages(marek, WHOLE, measure=portfolio.Measure.AMOUNT)
    assert by_amount.points[0].share_30 == D("0.02")


# --- cost and documents ------------------------------------------------------------------------------------------


@contextmanager
def counted(session) -> Iterator[list[str]]:
    """The SELECTs that run within."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    engine = session.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("read", "statements"),
    [
        (portfolio.choices, 3),
        (lambda actor: portfolio.overview(actor, WHOLE), 4),
        (lambda actor: portfolio.rolls(actor, WHOLE), 3),
        (lambda actor: portfolio.vintages(actor, WHOLE), 2),
        (lambda actor: portfolio.worst_segments(actor, WHOLE), 3),
    ],
    ids=["choices", "overview", "rolls", "vintages", "segments"],
)
def test_panels_cost_a_fixed_number_of_statements(session, marek, read, statements):
    make_day(session, SEP, segment_id=make_two_closes(session))
    close_through(session, NOV)
    with counted(session) as seen:
        read(marek)
    assert len(seen) == statements, "\n".join(seen)


def test_docs_give_each_figure_the_words_of_the_screen():
    written = (Path(__file__).parents[2] / "docs" / "figures.md").read_text()
    words = re.sub(r"\s+", " ", written)
    meanings = [definition.meaning for definition in definitions.DEFINITIONS.values()]
    meanings += [definitions.ROLL_MEANING, definitions.VINTAGE_MEANING, definitions.SEGMENT_MEANING]
    meanings += definitions.OUTCOME_MEANINGS.values()
    missing = [meaning for meaning in meanings if meaning not in words]
    assert missing == []
