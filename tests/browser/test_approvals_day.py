"""A request and a complaint in the browser: who asks cannot decide, the leader decides, the records name both."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from db.engine import reading, transaction
from services import cases, lender
from tests import builders
from tests.browser.conftest import SLOW, LiveApp, choose_act, settle, work_as

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def kavya(live_app: LiveApp) -> int:
    """A borrower of Ana's who owes 10,000 for 45 days."""
    return _late(live_app, "Kavya Reddy")


@pytest.fixture
def rohan(live_app: LiveApp) -> int:
    """Another borrower of Ana's, who will complain."""
    return _late(live_app, "Rohan Das")


def _late(app: LiveApp, name: str) -> int:
    today = lender.current().today
    with transaction() as session:
        borrower_id, loan_id = builders.make_overdue(session, dpd=45, name=name, as_of=today)
        builders.make_instalment(session, loan_id, 1, today - timedelta(days=45), 10_000)
        builders.make_case(session, borrower_id, owner_id=app.actors["ana"].id, opened_on=today)
        cases.refresh_for(session, today, [borrower_id])
    return borrower_id


def test_plan_waits_for_the_leader_and_a_complaint_stops_the_work(page: Page, kavya: int, rohan: int) -> None:
    _agent_asks(page, kavya)
    _agent_cannot_decide(page)
    _leader_approves(page)
    _plan_is_in_force(page, kavya)
    _complaint_takes_the_case(page, rohan)
    _closing_releases_the_hold(page, rohan)
    _audit_names_both(page, kavya, rohan)


def _fits(page: Page) -> None:
    """The page itself does not scroll sideways."""
    wide = page.evaluate(
        "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((part) => part.scrollWidth - part.clientWidth)"
    )
    assert max(wide) <= 1


def _agent_asks(page: Page, borrower_id: int) -> None:
    """Less than is overdue changes the loan, so that another person must agree; made on a phone."""
    page.set_viewport_size(PHONE)
    work_as(page, "ana", f"/borrower?borrower={borrower_id}")
    choose_act(page, "Plan")
    for label, typed in (("Amount", "8,000"), ("Income", "30,000")):
        field = page.get_by_role("textbox", name=label, exact=True)
        field.fill(typed)
        field.press("Enter")
        settle(page)
    expect(page.get_by_text("Another person must approve it")).to_be_visible(timeout=SLOW)
    ask = page.get_by_role("button", name="Ask for approval")
    ask.scroll_into_view_if_needed()
    expect(ask).to_be_in_viewport()
    _fits(page)
    ask.click()
    expect(page.get_by_text(re.compile("The plan of ₹8,000.* waits for approval"))).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Agreements").click()
    expect(page.get_by_text(re.compile("Plan of ₹8,000.*waits for approval")).first).to_be_visible(timeout=SLOW)


def _agent_cannot_decide(page: Page) -> None:
    page.goto("/approvals")
    expect(page.get_by_text("You asked for this yourself")).to_be_visible(timeout=SLOW)
    settle(page)
    expect(page.get_by_role("button", name="Take the request back")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_role("button", name="Refuse")).to_have_count(0)


def _leader_approves(page: Page) -> None:
    """First the list on the phone, then the request opened; the facts are read before the yes."""
    work_as(page, "marek", "/approvals")
    line = page.locator(".st-key-approvals_rows").get_by_role("button", name=re.compile("₹8,000"))
    expect(line).to_be_visible(timeout=SLOW)
    _fits(page)
    line.click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_visible(timeout=SLOW)
    approve = page.get_by_role("button", name=re.compile("^Approve"))
    approve.scroll_into_view_if_needed()
    expect(approve).to_be_in_viewport()
    _fits(page)
    page.set_viewport_size(DESK)
    expect(page.get_by_text(re.compile("Ana Pereira asks, because")).first).to_be_visible()
    expect(page.get_by_role("table").get_by_text(re.compile("30,000")).first).to_be_visible()
    page.get_by_role("textbox", name="Reason").fill("Payslip seen; six months is right")
    approve.click()
    expect(page.get_by_text("Approved; it takes effect now.")).to_be_visible(timeout=SLOW)


def _plan_is_in_force(page: Page, borrower_id: int) -> None:
    page.goto(f"/borrower?borrower={borrower_id}")
    expect(page.get_by_text(re.compile("Ana Pereira")).first).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("tab", name="Agreements").click()
    expect(page.get_by_text(re.compile("Plan of ₹8,000.*running")).first).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Timeline").click()
    entry = page.locator(".timeline > div").filter(has_text=re.compile("Repayment plan to"))
    expect(entry).to_contain_text("₹8,000", timeout=SLOW)
    expect(entry).to_contain_text("running")
    expect(entry).to_contain_text("Ana Pereira")


def _complaint_takes_the_case(page: Page, borrower_id: int) -> None:
    page.goto(f"/borrower?borrower={borrower_id}")
    expect(page.get_by_role("heading", name="Rohan Das")).to_be_visible(timeout=SLOW)
    settle(page)
    choose_act(page, "Complaint")
    page.get_by_label("What the borrower says").fill("Called at work though I asked you not to.")
    page.get_by_role("button", name="Record complaint").click()
    expect(page.get_by_text("The case was recalled from Ana Pereira.")).to_be_visible(timeout=SLOW)
    page.goto("/queue?owner=nobody")
    settle(page)
    page.locator(".st-key-queue_list").get_by_role("radio", name=re.compile("^All")).click()
    # the innermost container of the line: the name, and beneath it to whom the case belongs
    line = page.locator(".st-key-queue_rows").get_by_test_id("stVerticalBlock").filter(has_text="Rohan Das").last
    expect(line).to_contain_text("unallocated", timeout=SLOW)
    expect(line).not_to_contain_text("Ana Pereira")
    assert _owner_and_holds(borrower_id) == (None, 1)


def _closing_releases_the_hold(page: Page, borrower_id: int) -> None:
    page.goto(f"/borrower?borrower={borrower_id}")
    settle(page)
    opens = page.get_by_role("link", name="Open complaint").get_attribute("href")
    assert opens is not None
    page.goto(f"/{opens.lstrip('/')}")
    settle(page)
    page.get_by_role("button", name="Record as sent").click()  # the acknowledgment, as it is proposed
    expect(page.get_by_text("is acknowledged; you are its officer")).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("textbox", name="Answer", exact=True).fill("We called your work by mistake and stopped it.")
    page.get_by_role("button", name="Record as sent").click()
    expect(page.get_by_text("Print the letter beside the answer")).to_be_visible(timeout=SLOW)
    settle(page)
    page.locator(".st-key-complaint_actions").get_by_text("Close", exact=True).click()
    page.get_by_label("Why", exact=True).fill("We said sorry and noted it; work is no place to call.")
    page.get_by_role("button", name="Close and release the hold").click()
    expect(page.get_by_text("is closed; contact is allowed again")).to_be_visible(timeout=SLOW)
    assert _owner_and_holds(borrower_id) == (None, 0)
    page.goto(f"/borrower?borrower={borrower_id}")
    expect(page.get_by_role("heading", name="Rohan Das")).to_be_visible(timeout=SLOW)
    settle(page)
    expect(page.get_by_text("no contact until it is closed")).to_have_count(0)
    page.get_by_role("tab", name="Timeline").click()
    for act in ("received", "acknowledged", "answered", "closed"):
        entry = page.locator(".timeline > div").filter(has_text=re.compile(f"Complaint CMP-\\d+ {act}"))
        expect(entry).to_contain_text("Marek Nowak", timeout=SLOW)


def _owner_and_holds(borrower_id: int) -> tuple[int | None, int]:
    with reading() as session:
        owner = session.execute(
            text("SELECT owner_id FROM collection_case WHERE borrower_id = :id AND closed_on IS NULL"),
            {"id": borrower_id},
        ).scalar_one()
        holds = session.execute(
            text("SELECT count(*) FROM hold WHERE borrower_id = :id AND released_at IS NULL"), {"id": borrower_id}
        ).scalar_one()
    return owner, holds


def _audit_names_both(page: Page, asked: int, complained: int) -> None:
    """Every act by who did it, in order; and the auditor finds them on the borrower."""
    assert _acts(asked, "plan.", "request.") == [
        ("plan.proposed", "Ana Pereira"),
        ("plan.began", "Marek Nowak"),
        ("request.approved", "Marek Nowak"),
    ]
    done = ("opened", "acknowledged", "answered", "closed")
    assert _acts(complained, "complaint.") == [(f"complaint.{act}", "Marek Nowak") for act in done]
    work_as(page, "ada", f"/borrower?borrower={asked}")
    page.get_by_role("tab", name="Audit").click()
    # the table is drawn on a canvas; its count tells what it holds
    expect(page.get_by_text(re.compile(r"\d+ events")).first).to_be_visible(timeout=SLOW)


def _acts(borrower_id: int, *subjects: str) -> list[tuple[str, str]]:
    with reading() as session:
        told = session.execute(
            text("SELECT action, actor_name FROM audit_event WHERE borrower_id = :id ORDER BY id"), {"id": borrower_id}
        ).all()
    return [(action, who) for action, who in told if action.startswith(subjects)]
