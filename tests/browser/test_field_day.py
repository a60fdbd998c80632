"""A field agent's day on a phone: plan, check in with a position, outcome, cash with a receipt, deposit; the leader."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from db.engine import reading, transaction
from services import cases, lender
from tests import builders
from tests.browser.conftest import PATIENCE_MS, SLOW, LiveApp, settle, sign_in, work_as

pytestmark = pytest.mark.browser
PHOTO = b"\xff\xd8\xff\xe0 a door"


@pytest.fixture
def savita(live_app: LiveApp) -> int:
    """A borrower of Ana's who owes 10,000, has an address, and lives where it is noon now."""
    today = lender.current().today
    noon = (datetime.now(UTC).hour - 12) % 24
    zone = f"Etc/GMT+{noon}" if noon <= 12 else f"Etc/GMT-{24 - noon}"  # signs as POSIX has them
    with transaction() as session:
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name="Savita Patil", as_of=today)
        session.execute(text("UPDATE borrower SET time_zone = :zone WHERE id = :id"), {"zone": zone, "id": borrower_id})
        builders.make_instalment(session, loan_id, 1, today, 10_000)
        builders.make_address(session, borrower_id, "12 Hill Road, Bandra, Mumbai 400050", is_primary=True)
        builders.make_case(session, borrower_id, owner_id=live_app.actors["ana"].id, opened_on=today)
        cases.refresh_for(session, today, [borrower_id])
    return borrower_id


@pytest.fixture
def phone(browser: Browser, live_app: LiveApp) -> BrowserContext:
    """A phone that knows where it is."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        base_url=live_app.address,
        geolocation={"latitude": 19.0596, "longitude": 72.8295, "accuracy": 12},
        permissions=["geolocation"],
        has_touch=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def test_a_field_agents_day_from_plan_to_deposit(
    phone: BrowserContext, page: Page, savita: int, tmp_path: Path
) -> None:
    tab = phone.new_page()
    sign_in(tab, "ana", path=f"/borrower?borrower={savita}")
    _plan(tab)
    _sheet_works_without_network(tab, phone, tmp_path)
    _check_in(tab)
    _outcome(tab, tmp_path)
    _cash(tab)
    _deposit(tab)
    _leader_confirms(page)
    with reading() as session:
        trail = session.scalars(
            text("SELECT action FROM audit_event WHERE borrower_id = :id ORDER BY id"), {"id": savita}
        ).all()
    assert [action for action in trail if action.partition(".")[0] in {"visit", "contact", "receipt"}] == [
        "visit.planned",
        "visit.checked_in",
        "contact.recorded",
        "receipt.issued",
    ]


def _fits(tab: Page) -> None:
    """The page itself does not scroll sideways."""
    wide = tab.evaluate(
        "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((part) => part.scrollWidth - part.clientWidth)"
    )
    assert max(wide) <= 1


def _plan(tab: Page) -> None:
    settle(tab)
    tab.get_by_role("radiogroup", name="Act").get_by_text("Visit", exact=True).click()
    settle(tab)
    tab.get_by_role("button", name="Plan the visit").click()
    expect(tab.get_by_text(re.compile("Visit V-.* is planned for"))).to_be_visible(timeout=SLOW)


def _sheet_works_without_network(tab: Page, phone: BrowserContext, tmp_path: Path) -> None:
    """The page for the phone is saved, opened with the network cut, filled, and gives a CSV."""
    tab.goto("/visits")
    settle(tab)
    tab.get_by_role("tab", name="Sheet").click()
    tab.get_by_role("button", name="Make the sheet").click()
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Page for the phone").click()
    sheet = tmp_path / "sheet.html"
    saved.value.save_as(sheet)
    other = phone.new_page()
    other.route(re.compile("^https?:"), lambda route: route.abort())
    other.goto(sheet.as_uri())
    other.locator("summary").get_by_text("Savita Patil").click()
    expect(other.get_by_text("12 Hill Road")).to_be_visible()
    other.get_by_label("Arrived at").fill("11:30")
    other.get_by_label("Outcome").select_option("no_answer")
    with other.expect_download() as filled:
        other.get_by_role("button", name="Save the file").click()
    lines = Path(filled.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "11:30" in lines[1]
    assert "no_answer,nobody" in lines[1]
    other.close()


def _check_in(tab: Page) -> None:
    tab.goto("/visits")
    settle(tab)
    expect(tab.get_by_role("heading", name=re.compile("1 to make today"))).to_be_visible(timeout=SLOW)
    _fits(tab)
    tab.get_by_role("button", name="Open", exact=True).click()
    settle(tab)
    expect(tab.get_by_text("A visit is allowed now")).to_be_visible(timeout=SLOW)
    tab.get_by_role("button", name="Show the address").click()
    expect(tab.get_by_text("12 Hill Road, Bandra, Mumbai 400050")).to_be_visible(timeout=SLOW)
    tab.get_by_role("button", name="I am there: share the position").click()
    expect(tab.get_by_text("Position known, exact to 12 m")).to_be_visible(timeout=SLOW)
    _fits(tab)
    tab.get_by_role("button", name="Check in").click()
    expect(tab.get_by_role("heading", name="What came of it?")).to_be_visible(timeout=SLOW)


def _outcome(tab: Page, tmp_path: Path) -> None:
    tab.get_by_test_id("stButtonGroup").get_by_text("Refuses to pay", exact=True).click()
    settle(tab)
    tab.get_by_role("textbox", name="Note").fill("Pays a part in cash today")
    (tmp_path / "door.jpg").write_bytes(PHOTO)
    # by name: while the form is being drawn, the first place for files is that of photos that come later
    photos = tab.get_by_role("region", name="Photos (optional)")
    photos.locator("input[type=file]").set_input_files(tmp_path / "door.jpg")
    expect(photos.get_by_text("door.jpg")).to_be_visible(timeout=SLOW)
    settle(tab)
    tab.get_by_role("button", name="Save the visit").click()
    expect(tab.get_by_text("1 photo is kept with the visit")).to_be_visible(timeout=SLOW)
    _fits(tab)


def _cash(tab: Page) -> None:
    tab.get_by_text("Take money", exact=True).click()
    tab.get_by_role("textbox", name="Amount").fill("4,000")
    tab.get_by_role("button", name="Give the receipt").click()
    expect(tab.get_by_text(re.compile(r"₹4,000.*cash.*-\d\d/\d{6}.*in hand"))).to_be_visible(timeout=SLOW)
    with tab.expect_download() as paper:
        tab.get_by_role("button", name="Receipt", exact=True).click()
    assert Path(paper.value.path()).read_bytes().startswith(b"%PDF-")


def _deposit(tab: Page) -> None:
    tab.goto("/visits")
    settle(tab)
    tab.get_by_role("tab", name="Money").click()
    expect(tab.get_by_role("heading", name="You hold ₹4,000 in 1 receipt")).to_be_visible(timeout=SLOW)
    _fits(tab)
    tab.get_by_role("textbox", name="Bank account or branch").fill("SBI 4471")
    tab.get_by_role("textbox", name="Number of the slip").fill("S-88")
    tab.get_by_role("button", name="Record the deposit of ₹4,000").click()
    expect(tab.get_by_role("heading", name="You hold no money")).to_be_visible(timeout=SLOW)


def _leader_confirms(page: Page) -> None:
    work_as(page, "marek", "/visits")
    expect(page.get_by_role("heading", name=re.compile("1 of 1 visits made today, somebody met on 1"))).to_be_visible(
        timeout=SLOW
    )
    page.get_by_role("tab", name="Money", exact=True).click()
    expect(page.get_by_text(re.compile("Ana Pereira.*₹4,000.*for 1 receipt")).first).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="It arrived").click()
    expect(page.get_by_role("heading", name="No deposit waits to be confirmed")).to_be_visible(timeout=SLOW)
