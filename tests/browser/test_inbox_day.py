"""The approver's inbox across kinds: a settlement, relief and a filing are asked for, read, decided, and take hold."""

import re
from datetime import date, timedelta
from io import BytesIO

import pytest
from playwright.sync_api import Download, Locator, Page, expect
from pypdf import PdfReader
from sqlalchemy import text

from db.engine import reading, transaction
from services import case_people, cases, delinquency, lender
from services.actors import Role
from tests import builders
from tests.browser.conftest import CAST, SLOW, LiveApp, _user, choose_act, settle, work_as

pytestmark = pytest.mark.browser


@pytest.fixture
def bela(live_app: LiveApp) -> str:
    """A head of collections who may approve what Marek may not: the user name."""
    assert "bela" not in CAST
    boss = _user("bela", "Bela Rao", Role.LEADER)
    with transaction() as session:
        session.execute(text("INSERT INTO authority (user_id, level) VALUES (:id, 4)"), {"id": boss.id})
    return "bela"


@pytest.fixture
def nisha(live_app: LiveApp) -> int:
    """A borrower of Ana's who owes 50,000 and whose address is known; Omar is the case's legal officer."""
    today = lender.current().today
    with transaction() as session:
        borrower_id = builders.make_borrower(session, name="Nisha Kulkarni")
        loan_id = builders.make_loan(session, borrower_id, external_id="PL-5001")
        for number in range(1, 6):
            builders.make_instalment(session, loan_id, number, today - timedelta(days=30 * number), 10_000)
        where = "12 Hill Road, Pune"
        builders.make_address(session, borrower_id, where)
        builders.make_case(session, borrower_id, owner_id=live_app.actors["ana"].id, opened_on=today)
        delinquency.derive(session, today, [loan_id])
        cases.refresh_for(session, today, [borrower_id])
    omar, marek = live_app.actors["omar"], live_app.actors["marek"]
    case_people.add(marek, borrower_id, user_id=omar.id or 0, role="legal", reason="He knows the court")
    return borrower_id


def test_what_agents_ask_for_is_decided_in_one_inbox_and_takes_effect(page: Page, nisha: int, bela: str) -> None:
    _agent_proposes_a_settlement(page, nisha)
    _agent_applies_for_relief(page)
    action = _officer_sends_the_notice_of_a_bounced_cheque(page, nisha)
    _filing_is_too_early(page, action)
    _leader_decides_relief_and_sees_nothing_above_that(page)
    _head_reads_the_facts_and_approves_settlement_and_filing(page, bela)
    _filing_is_still_too_early(page, action)
    _agent_records_the_yes_and_takes_the_letter(page, nisha)
    _the_trail_names_who_asked_and_who_decided(nisha)


# --- what agents ask for --------------------------------------------------------------------------------------------


def _drawn(last: Locator) -> None:
    """Wait for what stands last on the form, so that it is wholly there."""
    expect(last).to_be_visible(timeout=SLOW)
    settle(last.page)


def _type(page: Page, label: str, typed: str) -> None:
    """Into a field outside a form: what follows from it is drawn when it is left."""
    field = page.get_by_role("textbox", name=label, exact=True)
    field.fill(typed)
    field.press("Tab")
    settle(page)


def _agent_proposes_a_settlement(page: Page, borrower_id: int) -> None:
    work_as(page, "ana", f"/borrower?borrower={borrower_id}")
    choose_act(page, "Settlement")
    _drawn(page.get_by_text("Enter what is waived"))  # a field that is drawn anew loses what was typed into it
    _type(page, "Principal", "60,000")
    _drawn(page.get_by_text("Something must be left to pay"))
    _type(page, "Principal", "20,000")
    _drawn(page.get_by_text("Say why, to see what the offer is worth"))
    _type(page, "Why should the lender settle?", "Lost the shop in the flood")
    expect(page.get_by_text(re.compile("40.0 % is waived"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_text("The settlement of ₹30,000 waits for approval")).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Agreements").click()
    expect(page.get_by_role("button", name="Letter")).to_have_count(0)


def _agent_applies_for_relief(page: Page) -> None:
    choose_act(page, "Hardship")
    _drawn(page.get_by_role("button", name="Apply", exact=True))
    _type(page, "What happened, as the borrower says", "The flood took the stock of the shop")
    _type(page, "Income", "30,000")
    page.get_by_label("Evidence").or_(page.locator("input[type=file]")).last.set_input_files(
        {"name": "survey.txt", "mimeType": "text/plain", "buffer": b"Municipal survey of 3 June: shop under water"}
    )
    expect(page.get_by_text("survey.txt")).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text(re.compile("waits for a decision. Reminders stop"))).to_be_visible(timeout=SLOW)


def _officer_sends_the_notice_of_a_bounced_cheque(page: Page, borrower_id: int) -> str:
    """From the return memo to the notice as a PDF with its text; the address of the action."""
    work_as(page, "omar", f"/borrower?borrower={borrower_id}")
    choose_act(page, "Legal")
    _drawn(page.get_by_role("button", name="Open the action"))
    memo = lender.current().today - timedelta(days=10)
    page.get_by_role("textbox", name="Cheque no. or reference").fill("004217")
    _fill_day(page, "Return memo received", memo)
    _fill_day(page, "Dated", memo - timedelta(days=5))
    page.get_by_role("textbox", name="Why", exact=True).fill("Cheque of the settlement talks came back")
    page.get_by_role("button", name="Open the action").click()
    expect(page.get_by_text(re.compile(r"LEG-\d+ is open"))).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("tab", name="Agreements").click()
    opens = page.get_by_role("link", name="Open", exact=True).get_attribute("href")
    assert opens is not None
    action = f"/{opens.lstrip('/')}"
    page.goto(action)
    settle(page)
    page.get_by_role("button", name="Make the notice and record it as sent today").click()
    expect(page.get_by_text("The notice is kept under Documents")).to_be_visible(timeout=SLOW)
    settle(page)
    with page.expect_download() as coming:
        page.get_by_role("button", name=re.compile(r"LEG-.*\.pdf")).click()
    notice = _words(coming.value)
    for said in ("004217", "Nisha Kulkarni", "12 Hill Road, Pune", "50,000"):
        assert said in notice, said
    return action


def _fill_day(page: Page, label: str, day: date) -> None:
    page.get_by_role("group", name=label, exact=True).get_by_role("spinbutton").first.click()
    page.keyboard.type(f"{day:%d%m%Y}")
    page.keyboard.press("Tab")


def _words(download: Download) -> str:
    with download.path().open("rb") as file:
        return "\n".join(part.extract_text() for part in PdfReader(BytesIO(file.read())).pages).replace("\n", " ")


def _filing_is_too_early(page: Page, action: str) -> None:
    """The notice was received today: the borrower has fifteen days, whatever anybody approves."""
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("Recorded; the clock line shows what follows")).to_be_visible(timeout=SLOW)
    _still_refused(page)
    page.get_by_test_id("stButtonGroup").get_by_text("Ask to file", exact=True).click()
    settle(page)
    page.get_by_label("Why it is to be filed").fill("No answer to three calls")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_text("The request waits in the approvals inbox")).to_be_visible(timeout=SLOW)


def _still_refused(page: Page) -> None:
    settle(page)
    expect(page.get_by_text(re.compile("^Too early: S.142.*allows filing from"))).to_be_visible(timeout=SLOW)
    acts = page.locator(".st-key-legal_actions").get_by_role("radio")
    expect(acts.filter(has_text="Note")).to_have_count(1)
    expect(acts.filter(has_text=re.compile("^Filing$"))).to_have_count(0)


# --- who decides ----------------------------------------------------------------------------------------------------


def _open(page: Page, label: str) -> None:
    rows = page.locator(".st-key-approvals_rows")
    rows.get_by_role("button", name=re.compile(f"^{label}")).first.click()
    expect(page.get_by_role("heading", name=re.compile(f"^{label}"))).to_be_visible(timeout=SLOW)
    settle(page)


def _decide(page: Page, button: str, reason: str, told: str) -> None:
    expect(page.get_by_text(told)).to_have_count(0, timeout=SLOW)  # what was told of the request before is gone
    page.get_by_role("textbox", name="Reason").fill(reason)
    page.get_by_role("button", name=re.compile(f"^{button}")).click()
    expect(page.get_by_text(told)).to_be_visible(timeout=SLOW)
    settle(page)


def _leader_decides_relief_and_sees_nothing_above_that(page: Page) -> None:
    work_as(page, "marek", "/approvals")
    rows = page.locator(".st-key-approvals_rows")
    expect(rows.get_by_role("button", name=re.compile("^Hardship"))).to_be_visible(timeout=SLOW)
    expect(rows.get_by_role("button", name=re.compile("^Settlement"))).to_have_count(0)
    _open(page, "Hardship")
    expect(page.get_by_text(re.compile("Ana Pereira asks, because: The flood took"))).to_be_visible()
    expect(page.get_by_text("survey.txt").first).to_be_visible()
    _decide(page, "Approve", "Survey seen", "Approved; it takes effect now.")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible(timeout=SLOW)


def _head_reads_the_facts_and_approves_settlement_and_filing(page: Page, username: str) -> None:
    work_as(page, username, "/approvals")
    _open(page, "Settlement")
    facts = page.get_by_role("table").first
    for label, value in (("Owed", "₹50,000"), ("Waived of principal", "₹20,000"), ("To be paid", "₹30,000")):
        expect(facts.get_by_role("row").filter(has_text=label).filter(has_text=value)).not_to_have_count(0)
    _decide(page, "Approve", "Better than waiting two years", "Approved; it takes effect now.")
    _open(page, "Legal filing")
    _decide(page, "Approve", "File when the time is over", "Approved; it takes effect now.")


# --- what follows ---------------------------------------------------------------------------------------------------


def _agent_records_the_yes_and_takes_the_letter(page: Page, borrower_id: int) -> None:
    work_as(page, "ana", f"/borrower?borrower={borrower_id}")
    page.get_by_role("tab", name="Agreements").click()
    expect(page.get_by_text(re.compile("granted .* by Marek Nowak: Survey seen"))).to_be_visible(timeout=SLOW)
    letters = page.get_by_role("button", name="Letter")
    expect(letters).to_have_count(2)
    with page.expect_download() as coming:
        letters.last.click()
    letter = _words(coming.value)
    for said in ("Settlement of loan PL-5001", "Nisha Kulkarni", "₹30,000", "₹20,000"):
        assert said in letter, said
    page.get_by_role("button", name="Accepted").click()
    page.get_by_role("button", name="Record the yes").click()
    expect(page.get_by_text("The settlement is in force")).to_be_visible(timeout=SLOW)
    settle(page)
    page.get_by_role("tab", name="Agreements").click()
    expect(page.get_by_text(re.compile("Settlement of ₹30,000.*running")).first).to_be_visible(timeout=SLOW)


def _filing_is_still_too_early(page: Page, action: str) -> None:
    """A yes from above does not shorten the borrower's fifteen days."""
    page.goto(action)
    _still_refused(page)


def _the_trail_names_who_asked_and_who_decided(borrower_id: int) -> None:
    with reading() as session:
        told = session.execute(
            text("SELECT action, actor_name FROM audit_event WHERE borrower_id = :id ORDER BY id"), {"id": borrower_id}
        ).all()
    done = [(action, who) for action, who in told]
    for act in (
        ("settlement.proposed", "Ana Pereira"),
        ("settlement.offered", "Bela Rao"),
        ("settlement.accepted", "Ana Pereira"),
        ("hardship.granted", "Marek Nowak"),
    ):
        assert act in done, act
    assert [who for action, who in done if action == "request.approved"] == ["Marek Nowak", "Bela Rao", "Bela Rao"]
