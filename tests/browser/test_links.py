"""Links between pages as a browser follows them: what they name in the address arrives."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from components.tables import ROW_HEIGHT
from db.engine import transaction
from db.queries.lender import bump_data_version
from services import lender
from tests.browser.conftest import LiveApp, settle, work_as
from tests.portfolio_rows import make_account, make_day, make_segment, make_snapshot

pytestmark = pytest.mark.browser


@pytest.fixture
def two_regions(live_app: LiveApp) -> Iterator[None]:
    """A closed day of a book in two regions, taken away again for the tests that count their own."""
    with transaction() as session:
        for region in ("North", "South"):
            segment, closed = make_segment(session, product="LNK", region=region), lender.load(session).today
            make_day(session, closed - timedelta(days=1), segment_id=segment, bucket=1, loans=4)
            loan = make_account(session, f"LNK-{region}", segment_id=segment, bucket=1)
            make_snapshot(session, closed - timedelta(days=1), loan, segment_id=segment, bucket=1)
        bump_data_version(session)
    yield
    of_product = "product_id = (SELECT id FROM product WHERE code = 'LNK')"
    with transaction() as session:
        for table in ("loan_snapshot", "loan_state"):
            session.execute(text(f"DELETE FROM {table} WHERE loan_id IN (SELECT id FROM loan WHERE {of_product})"))
        session.execute(text(f"DELETE FROM loan WHERE {of_product}"))
        session.execute(text("DELETE FROM borrower WHERE external_id LIKE 'C-LNK-%'"))
        session.execute(
            text(f"DELETE FROM portfolio_day WHERE segment_id IN (SELECT id FROM segment WHERE {of_product})")
        )
        session.execute(text(f"DELETE FROM segment WHERE {of_product}"))
        session.execute(text("DELETE FROM product WHERE code = 'LNK'"))
        bump_data_version(session)


def test_a_figure_of_a_filtered_portfolio_leads_to_accounts_under_the_same_filter(
    page: Page, two_regions: None
) -> None:
    work_as(page, "marek", "/portfolio?in_region=South&in_product=LNK+loans")  # others import books, too
    page.locator(".st-key-portfolio_figures").get_by_role("link", name=re.compile(r"of \d+ active")).click()
    page.wait_for_url("**/accounts?**")
    settle(page)
    expect(page.get_by_text("as of", exact=False).first).to_be_visible()
    assert "region=South" in page.url
    _one_step_back_undoes_a_borrower_opened_from_the_table(page)


def _one_step_back_undoes_a_borrower_opened_from_the_table(page: Page) -> None:
    listed = page.url
    table = page.locator("[data-testid='stDataFrame']").first
    table.click(position={"x": 12, "y": 1.5 * ROW_HEIGHT})  # drawn on a canvas: the box before the first row
    page.wait_for_url("**/borrower?**")
    expect(page.get_by_role("heading", name="Borrower LNK-South")).to_be_visible()
    page.go_back()
    settle(page)
    assert page.url == listed
    expect(table).to_be_visible()
