"""Links between pages as a browser follows them: what they name in the address arrives."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from db.engine import transaction
from db.queries.lender import bump_data_version
from services import lender
from tests.browser.conftest import LiveApp, settle, work_as
from tests.portfolio_rows import make_day, make_segment

pytestmark = pytest.mark.browser


@pytest.fixture
def two_regions(live_app: LiveApp) -> Iterator[None]:
    """A closed day of a book in two regions, taken away again for the tests that count their own."""
    with transaction() as session:
        for region in ("North", "South"):
            segment = make_segment(session, product="LNK", region=region)
            make_day(session, lender.load(session).today - timedelta(days=1), segment_id=segment, bucket=1, loans=4)
        bump_data_version(session)
    yield
    of_product = "product_id = (SELECT id FROM product WHERE code = 'LNK')"
    with transaction() as session:
        session.execute(
            text(f"DELETE FROM portfolio_day WHERE segment_id IN (SELECT id FROM segment WHERE {of_product})")
        )
        session.execute(text(f"DELETE FROM segment WHERE {of_product}"))
        session.execute(text("DELETE FROM product WHERE code = 'LNK'"))
        bump_data_version(session)


def test_a_figure_of_a_filtered_portfolio_leads_to_accounts_under_the_same_filter(
    page: Page, two_regions: None
) -> None:
    work_as(page, "marek", "/portfolio?in_region=South")
    page.locator(".st-key-portfolio_figures").get_by_role("link", name=re.compile(r"of \d+ active")).click()
    page.wait_for_url("**/accounts?**")
    settle(page)
    expect(page.get_by_text("as of", exact=False).first).to_be_visible()
    assert "region=South" in page.url
