"""A lender's first day in the browser: first sign-in, the book's files from upload to commit, the portfolio."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from db.engine import reading
from services import lender, users
from services.actors import SYSTEM, Role
from services.demo import write_files
from tests.browser.conftest import PASSWORD, SLOW, LiveApp, fill_sign_in, settle, work_as
from tests.conftest import wait_until

pytestmark = pytest.mark.browser
LOANS = 150


@pytest.fixture
def files(tmp_path: Path, live_app: LiveApp) -> dict[str, Path]:
    """The files of a book made up for this test."""
    return write_files(tmp_path / "book", loans=LOANS, seed=7, as_of=lender.current().today)


def test_a_first_sign_in_leads_through_imports_to_a_portfolio(
    page: Page, live_app: LiveApp, files: dict[str, Path]
) -> None:
    _first_sign_in(page)
    for label, kind in (("Loan book", "loan_book"), ("Instalment schedule", "schedule"), ("Payments", "payments")):
        _import(page, label, files[kind])
    wait_until(_state_followed, seconds=120, what="the close of the imported book")
    work_as(page, "marek", "/portfolio")
    expect(page.get_by_text("Delinquent accounts").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile(r"of [\d,]+ active")).first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile(r"Where accounts of .* were on")).first).to_be_visible(timeout=SLOW)


def _first_sign_in(page: Page) -> None:
    made = users.create(SYSTEM, username="first.admin", name="First Admin", role=Role.ADMIN)
    page.goto("/")
    fill_sign_in(page, "first.admin", made.one_time_password)
    page.get_by_label("Password you were given").fill(made.one_time_password)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    save = page.get_by_role("button", name="Change password and go on")
    expect(save).to_be_enabled(timeout=SLOW)
    save.click()
    expect(page.get_by_text("What does the file hold?")).to_be_visible(timeout=SLOW)


def _import(page: Page, label: str, file: Path) -> None:
    page.goto("/imports")
    page.get_by_role("combobox", name=re.compile("What does the file hold")).click()
    page.get_by_role("option", name=re.compile(f"^{label}")).click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(file.name).first).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("button", name="Upload", exact=True).last.click()
    check = page.get_by_role("button", name="Check the file")
    expect(check).to_be_visible(timeout=SLOW)
    settle(page)
    check.click()
    commit = page.get_by_role("button", name=re.compile("^Commit"))
    expect(commit).to_be_visible(timeout=SLOW)
    settle(page)
    commit.click()
    expect(page.get_by_text("Committed on")).to_be_visible(timeout=SLOW)


def _state_followed() -> bool:
    """Every payment's batch has been derived, and the newest day-end is closed."""
    with reading() as session:
        waiting = session.execute(
            text("SELECT count(*) FROM job_run WHERE status IN ('queued', 'running') AND kind <> 'audit.seal'")
        ).scalar_one()
        closed = session.execute(text("SELECT closed_through FROM lender")).scalar_one()
    return waiting == 0 and closed is not None
