"""An agent's work in the browser: sign-in, queue, case, promise; it shows on the leader's page and in the audit."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from db.engine import reading, transaction
from services import cases, lender
from tests import builders
from tests.browser.conftest import SLOW, LiveApp, settle, sign_in, work_as

pytestmark = pytest.mark.browser


@pytest.fixture
def meera(live_app: LiveApp) -> int:
    """A borrower of Ana's, 85 days late; every hour is allowed, so that the day's time does not matter."""
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id, _ = builders.make_overdue(session, dpd=85, name="Meera Iyer", as_of=today)
        builders.make_phone(session, borrower_id, "+919811111111", is_primary=True)
        builders.make_case(session, borrower_id, owner_id=live_app.actors["ana"].id, opened_on=today)
        cases.refresh_for(session, today, [borrower_id])
    return borrower_id


def test_promise_of_an_agent_reaches_the_leader_and_the_audit(page: Page, meera: int) -> None:
    sign_in(page, "ana", path="/queue")
    page.get_by_role("button", name=re.compile("Meera Iyer")).click()
    expect(page.get_by_role("heading", name="Meera Iyer")).to_be_visible(timeout=SLOW)
    # from here on by keyboard alone: 1 is 'Promise to pay', the cursor stands in the first field, Enter submits
    settle(page)
    page.keyboard.press("1")
    amount = page.get_by_role("textbox", name="Amount")
    expect(amount).to_be_focused(timeout=SLOW)
    page.keyboard.type("5,000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Contact recorded")).to_be_visible(timeout=SLOW)
    with reading() as session:
        promises = session.execute(
            text("SELECT amount, status FROM promise WHERE borrower_id = :id"), {"id": meera}
        ).all()
    assert promises == [(5000, "pending")]
    _leader_sees_it(page, meera)
    _audit_tells_it(page)


def _leader_sees_it(page: Page, borrower_id: int) -> None:
    work_as(page, "marek", f"/borrower?borrower={borrower_id}")
    expect(page.get_by_text("Promised for", exact=False).first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("₹5,000").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("pending", exact=False).first).to_be_visible(timeout=SLOW)
    page.set_viewport_size({"width": 390, "height": 844})  # on a phone the acts stand before the long timeline
    acts, tabs = page.locator(".st-key-borrower_actions").bounding_box(), page.get_by_role("tablist").bounding_box()
    assert acts is not None
    assert tabs is not None
    assert acts["y"] + acts["height"] <= tabs["y"]
    page.set_viewport_size({"width": 1440, "height": 900})


def _audit_tells_it(page: Page) -> None:
    work_as(page, "ada", "/audit")
    settle(page)
    with reading() as session:
        told = session.execute(
            text("SELECT actor_name, summary FROM audit_event WHERE action = 'promise.recorded'")
        ).all()
    assert [(who, what.startswith("recorded a promise of 5,000.00")) for who, what in told] == [("Ana Pereira", True)]
    page.get_by_label("Who", exact=True).fill("Ana")
    page.keyboard.press("Enter")
    # the table is drawn on a canvas; its export and count tell what it holds
    expect(page.get_by_text(re.compile(r"\d+ events")).first).to_be_visible(timeout=SLOW)
