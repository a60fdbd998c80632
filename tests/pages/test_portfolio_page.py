"""The portfolio page and the accounts behind its figures: what they say, to whom, and at what cost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import plotly.graph_objects as go
import pytest
from sqlalchemy import event, text
from streamlit.testing.v1 import AppTest

from components import browser, portfolio_cached, portfolio_words
from components.portfolio_links import account_query
from db.engine import engine, transaction
from services import lender, portfolio
from services.actors import Role
from services.performance import of_bucket
from services.portfolio.vintages import VintagePoint
from tests.pages.conftest import APP, opened, token_of, words
from tests.portfolio_rows import make_account, make_day, make_flow, make_segment, make_snapshot, make_vintage

D = Decimal
TABLES = "loan_state, loan_snapshot, promise, loan, borrower, portfolio_day, bucket_flow, vintage_month, promise_day"


@pytest.fixture(autouse=True)
def _no_book(cast) -> None:
    with transaction() as session:
        for table in (*TABLES.split(", "), "segment", "product"):
            session.execute(text(f"DELETE FROM {table}"))
    portfolio_cached.clear()


@pytest.fixture
def closes() -> tuple[date, date, date]:
    """The last days of the two months before this one, and yesterday or the first of this month."""
    today = lender.current().today
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1) - timedelta(days=1), last, max(today - timedelta(days=1), today.replace(day=1))


def make_book(closes: tuple[date, date, date], *, accounts: int = 3) -> None:
    """Two whole months and a part of one: 60 accounts in 1-30, a third of which rolled forward last month."""
    first, last, now = closes
    with transaction() as session:
        segment = make_segment(session)
        for close in closes:
            make_day(session, close, segment_id=segment, loans=900, outstanding=D(90_00_000))
            make_day(
                session,
                close,
                segment_id=segment,
                bucket=1,
                loans=60,
                outstanding=D(6_00_000),
                overdue_amount=D(12_34_567 if close == now else 12_00_000),
                demand_mtd=D(1000),
                collected_mtd=D(900),
                collected_of_demand=D(900),
            )
            make_vintage(session, close, date(first.year - 1, 1, 1), segment_id=segment, loans_30=3)
        for end, loans in ((0, 20), (1, 20), (2, 20)):
            make_flow(session, 1, end, loans, segment_id=segment, opening_on=first, closing_on=last)
        for number in range(accounts):
            loan = make_account(session, f"LN-{number}", segment_id=segment, bucket=1, dpd=9, overdue_amount=D(100))
            make_snapshot(session, first, loan, segment_id=segment, bucket=1)
            make_snapshot(session, last, loan, segment_id=segment, bucket=2)


def shown(app) -> dict[str, str]:
    assert not app.exception
    return {metric.label: metric.value for metric in app.metric}


def test_before_the_first_close_the_page_says_what_to_do():
    for url_path in ("portfolio", "accounts"):
        assert "No day has been closed yet" in words(opened(token_of(Role.LEADER), url_path=url_path))


def test_six_figures_with_their_definition_and_date(closes):
    make_book(closes)
    app = opened(token_of(Role.ANALYST), url_path="portfolio")
    assert shown(app) == {
        "Overdue": "₹12.3 L",
        "Delinquent accounts": "60",
        "Collection efficiency": "90.0 %",
        "Recovery rate": "0.0 %",
        "Promises pending": "0",
        "NPA share": "0.0 %",
    }
    overdue = app.metric[0]
    assert "not paid" in overdue.help
    assert f"As of {closes[2].day}" in overdue.help
    assert "₹12,34,567" in overdue.help


def test_a_figure_that_did_not_move_points_nowhere(closes):
    make_book(closes)
    cards = {card.label: card.proto for card in opened(token_of(Role.LEADER), url_path="portfolio").metric}
    flat, moved = cards["Delinquent accounts"], cards["Overdue"]
    assert (flat.delta, flat.direction, flat.color) == ("0", flat.NONE, flat.GRAY)
    assert (moved.direction, moved.color) == (moved.UP, moved.RED)


@pytest.mark.parametrize(
    ("change", "written"),
    [("0.021", "+2.1 pts"), ("-0.021", "−2.1 pts"), ("-0.0004", "0.0 pts"), ("0.0005", "0.0 pts")],
)
def test_points_that_round_to_nothing_have_no_sign(change, written):
    assert portfolio_words.points(D(change)) == written


def test_headings_are_written_from_the_data(closes):
    make_book(closes)
    said = words(opened(token_of(Role.LEADER), url_path="portfolio"))
    assert "60 accounts past due, as many as at month start" in said
    assert "1–30 rolls forward at 33.3 % of 60 accounts" in said
    assert f"33.3 % of 60 accounts in 1–30 cured in {closes[1]:%b %Y}" in said
    assert f"B1 rolls forward most in {closes[1]:%b %Y}: 33.3 % of 60 accounts" in said
    by_amount = at({"measure": "Amount"}, page="portfolio")
    assert "1–30 rolls forward at 33.3 % of ₹60,000 in 60 accounts" in words(by_amount)


def test_no_heading_tells_a_share_of_few_accounts(closes):
    make_book(closes)
    with transaction() as session:
        session.execute(text("UPDATE bucket_flow SET loans = 9"))  # 27 in all
    said = words(opened(token_of(Role.LEADER), url_path="portfolio"))
    assert "Too few accounts to name a change: no bucket began the month with 30" in said
    assert f"Too few accounts to name a worst segment in {closes[1]:%b %Y}: none began it with 30 past due" in said
    assert "What became of each bucket, by month" in said


@pytest.mark.parametrize(
    ("loans", "said"),
    [
        (40, "Q2 2025 ages worse than Q1 2025: 10.0 % of 40 loans 30+ at month 3, against 5.0 % of 200"),
        (29, "How quarters of disbursal age"),
    ],
)
def test_vintages_are_compared_where_both_have_loans_enough(loans, said):
    older, newer = (
        portfolio.Vintage(date(2025, month, 1), (VintagePoint(date(2025, 8, 31), 3, count, 0, 0, share, None),))
        for month, count, share in ((1, 200, D("0.05")), (4, loans, D("0.1")))
    )
    assert portfolio_words.vintages([older, newer]) == said


def test_every_chart_is_one_that_plotly_accepts(closes):
    make_book(closes)
    app = opened(token_of(Role.LEADER), url_path="portfolio")
    app.toggle(key="flow").set_value(True).run()
    kinds = []
    for chart in app.get("plotly_chart"):
        figure = go.Figure(json.loads(chart.proto.spec))  # refuses what it does not know
        assert all(trace.type == "sankey" or trace.x is not None for trace in figure.data)
        kinds += [trace.type for trace in figure.data]
    assert {"bar", "heatmap", "scatter", "sankey"} <= set(kinds)


def test_one_month_end_says_what_is_missing_for_roll_rates(closes):
    with transaction() as session:
        make_day(session, closes[1], segment_id=make_segment(session), loans=5)
    app = opened(token_of(Role.LEADER), url_path="portfolio")
    assert shown(app)["Delinquent accounts"] == "0"
    assert "Roll rates need two month-ends in a row" in words(app)


def test_a_promise_shows_on_the_next_run(closes):
    make_book(closes)
    assert shown(opened(token_of(Role.LEADER), url_path="portfolio"))["Promises pending"] == "0"
    with transaction() as session:
        session.execute(
            text("""INSERT INTO promise (borrower_id, loan_id, amount, due_on, promised_on, channel)
                    SELECT borrower_id, id, 500, current_date + 3, current_date, 'call' FROM loan LIMIT 1""")
        )
    assert shown(opened(token_of(Role.LEADER), url_path="portfolio"))["Promises pending"] == "1"


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN, Role.AUDITOR])
@pytest.mark.parametrize("url_path", ["portfolio", "accounts"])
def test_roles_without_the_permission_see_no_figure(closes, role, url_path):
    make_book(closes)
    app = opened(token_of(role), url_path=url_path)
    assert not app.metric
    assert not app.dataframe
    assert "This page is not part of your role" in words(app)


def test_accounts_are_counted_summed_and_paged(closes):
    make_book(closes, accounts=52)
    app = opened(token_of(Role.LEADER), url_path="accounts")
    said = words(app)
    assert "52 accounts · past due, as they stand now" in said
    assert "50 of 52 accounts · overdue **₹5,200**" in said
    assert len(app.dataframe[0].value) == 50
    next(button for button in app.button if button.label == "Next").click().run()
    assert len(app.dataframe[0].value) == 2


def test_a_cell_of_the_matrix_leads_to_its_accounts(closes):
    make_book(closes)
    app = opened(token_of(Role.LEADER), url_path="accounts")
    app.query_params["move"] = f"{closes[0]}~{closes[1]}~1~2"
    app.run()
    assert "3 accounts that went from 1–30 to 31–60" in words(app)
    app.query_params["move"] = f"{closes[0]}~{closes[1]}~1.2.3.4~0.1.2.3.4.5.100.101.102"
    assert f"3 accounts that were in 1–30 to 91–180 on {closes[0].day} " in words(app.run())
    app.query_params["move"] = f"{closes[0]}~{closes[1]}~1.2.3.4~worse"
    assert "3 accounts that rolled forward from 1–30 to 91–180, between" in words(app.run())
    app.query_params["move"] = "nonsense"
    assert not app.run().exception


def links_of(app) -> list[dict[str, list[str]]]:
    """The query of each link to the accounts."""
    links = [element.proto for element in app.get("page_link") if element.proto.page.startswith("accounts")]
    return [parse_qs(link.query_string) for link in links]


def at(address: dict[str, str], *, page: str = "accounts") -> AppTest:
    return opened(token_of(Role.LEADER), url_path=page, address=address)


def test_a_figure_leads_to_the_accounts_of_its_day_whatever_was_paid_since(closes):
    make_book(closes)
    with transaction() as session:
        segment = make_segment(session, branch="B2")
        for number in ("PAID-SINCE", "STILL-DUE"):
            loan = make_account(session, number, segment_id=segment, bucket=0 if number == "PAID-SINCE" else 1)
            make_snapshot(session, closes[2], loan, segment_id=segment, bucket=1, overdue_amount=D(5))
    links = links_of(opened(token_of(Role.LEADER), url_path="portfolio"))
    days = [link.get("day") for link in links]
    assert days.count([closes[2].isoformat()]) == len(days) - 1, links
    assert [link["of"] for link in links if "day" not in link] == [["Promise pending"]]  # of now, as the figure is
    app = at({"day": closes[2].isoformat()})
    assert sorted(app.dataframe[0].value["loan"]) == ["PAID-SINCE", "STILL-DUE"]
    assert f"2 accounts · past due, as of {closes[2].day}" in words(app)


def test_no_link_is_robbed_of_its_filters_by_filters_of_the_same_name(closes):
    """A link loses what the page it stands on has bound to the address; the test's runner would not show it."""
    make_book(closes)
    with transaction() as session:
        other = make_segment(session, region="South", branch="B9")
        make_day(session, closes[2], segment_id=other, loans=3)
    app = AppTest.from_file(APP, default_timeout=90)
    app.session_state[browser.TAB_KEY] = token_of(Role.LEADER)
    app.switch_page("pages/portfolio.py")
    app.query_params["in_region"] = "South"
    app.run()
    links = links_of(app)
    assert all(link["region"] == ["South"] for link in links)
    filters = [*app.multiselect, *app.selectbox]
    assert {"in_region", "in_branch", "in_band", "month"} <= {each.key for each in filters}
    assert not {each.key for each in filters} & {name for link in links for name in link}


def test_accounts_that_left_the_book_stand_in_no_bucket(closes):
    make_book(closes)
    with transaction() as session:
        segment = make_segment(session, branch="B2")
        for number, status, bucket in (("GONE", "closed", 100), ("LOST", "written_off", 101)):
            loan = make_account(session, number, segment_id=segment, status=status, bucket=bucket)
            make_snapshot(session, closes[0], loan, segment_id=segment, bucket=2)
            make_snapshot(session, closes[1], loan, segment_id=segment, status=status, bucket=bucket)
    table = at({"move": f"{closes[0]}~{closes[1]}~2~100.101"}).dataframe[0].value
    assert dict(zip(table["loan"], table["bucket"], strict=True)) == {"GONE": ["Closed"], "LOST": ["Written off"]}


def test_an_address_of_a_day_that_was_not_closed_says_so(closes):
    make_book(closes)
    said = words(at({"day": "2020-02-02"}))
    assert "Nothing is kept of 2 Feb 2020" in said
    assert "as they stand now" in words(at({"move": f"{closes[0]}~{closes[1]}~99999999999~1"}))
    assert not at({"day": "9999-12-31", "of": "Promise pending"}).exception


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements on tables that run within; the frame's own checks of the session are not counted."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if any(name in statement for name in TABLES.split(", ")) or "FROM segment" in statement:
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def test_the_page_costs_a_fixed_number_of_statements(closes):
    make_book(closes)
    token = token_of(Role.LEADER)
    with statements() as first:
        opened(token, url_path="portfolio")
    with statements() as again:
        opened(token, url_path="portfolio")
    assert len(first) == 12, "\n".join(first)
    assert len(again) == 1, "\n".join(again)  # promises as they stand now


def test_vintages_say_that_a_risk_band_does_not_narrow_them(closes):
    make_book(closes)
    assert "Of all risk bands" not in words(opened(token_of(Role.LEADER), url_path="portfolio"))
    app = AppTest.from_file(APP, default_timeout=90)
    app.session_state[browser.TAB_KEY] = token_of(Role.LEADER)
    app.switch_page("pages/portfolio.py")
    app.query_params["in_band"] = "not scored"
    app.run()
    assert not app.exception
    assert "Of all risk bands" in words(app)


def test_a_row_by_bucket_leads_to_the_accounts_that_began_the_month_in_it(closes, cast):
    last, month = closes[1:]
    moved = {"L-FELL": (0, 1), "L-STAYED": (0, 0), "L-WORSE": (2, 3), "L-CURED": (2, 0), "L-OTHER": (1, 2)}
    with transaction() as session:
        segment = make_segment(session)
        for close in closes:
            make_day(session, close, segment_id=segment)
        for number, (before, now) in moved.items():
            loan = make_account(session, number, segment_id=segment, bucket=now)
            make_snapshot(session, last, loan, segment_id=segment, bucket=before)
            make_snapshot(session, month, loan, segment_id=segment, bucket=now)
    book = portfolio.choices(cast[Role.LEADER])
    for bucket, expected, said in (
        (0, ["L-FELL"], "1 account that went from Current to past due"),
        (2, ["L-WORSE", "L-CURED"], "2 accounts that went from 31–60 to anywhere"),
    ):
        labels = len(book.bucket_labels)
        found = of_bucket(bucket, as_of=month, closes=book.months, scope=portfolio.PortfolioFilter(), buckets=labels)
        app = AppTest.from_file(APP, default_timeout=90)
        app.session_state[browser.TAB_KEY] = token_of(Role.LEADER)
        app.switch_page("pages/accounts.py")
        for name, value in account_query(found, book).items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        assert sorted(app.dataframe[0].value["loan"]) == sorted(expected)
        assert said in words(app)
