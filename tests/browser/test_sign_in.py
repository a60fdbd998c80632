"""Signing in and out in a browser, against the running product."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from db.engine import transaction
from services import lender, users
from services.actors import Actor, Role
from tests import builders
from tests.browser.conftest import PASSWORD, LiveApp, choose_act, fill_sign_in, settle, sign_in, work_as

pytestmark = pytest.mark.browser
COOKIE = "recoup_session"


def session_cookie(page: Page):
    return next(cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE)


def test_first_sign_in_asks_for_a_password_of_ones_own_and_sign_out_ends_the_session(page, live_app, browser):
    made = users.create(live_app.actors["adam"], username="first.timer", name="First Timer", role=Role.ADMIN)

    page.goto("/users")
    expect(page.get_by_text("may sign in")).to_have_count(0)  # a stranger sees nothing of the page
    fill_sign_in(page, "first.timer", made.one_time_password)
    page.get_by_label("Password you were given").fill(made.one_time_password)
    save = page.get_by_role("button", name="Change password and go on")
    page.get_by_label("New password", exact=True).press_sequentially("short1")
    expect(page.get_by_text("at least 12 characters")).to_be_visible()
    expect(save).to_be_disabled()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    expect(save).to_be_enabled()
    save.click()

    expect(page.get_by_text(re.compile(r"\d+ may sign in"))).to_be_visible()  # and is back on the page asked for
    page.reload()
    expect(page.get_by_text(re.compile(r"\d+ may sign in"))).to_be_visible()  # the session outlives a reload
    cookie = session_cookie(page)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    assert COOKIE not in {held["name"] for held in page.context.cookies()}
    thief = browser.new_context(base_url=live_app.address)
    thief.add_cookies([cookie])
    tab = thief.new_page()
    tab.goto("/users")
    expect(tab.get_by_label("User name")).to_be_visible()  # the token copied before sign-out opens nothing
    thief.close()


def test_an_open_tab_is_shut_out_when_its_user_is_disabled(page: Page, live_app: LiveApp):
    made = users.create(live_app.actors["adam"], username="leaver", name="Lea Ver", role=Role.ADMIN)
    users.change_own_password(Actor(made.id, "Lea Ver", Role.ADMIN), current=made.one_time_password, new=PASSWORD)
    work_as(page, "leaver", "/users")
    users.disable(live_app.actors["adam"], made.id, reason="left")
    page.get_by_role("button", name="Add user").click()
    page.get_by_label("Name", exact=True).fill("Nobody")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Add user").click()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    assert "nobody" not in {user.username for user in users.all_users(live_app.actors["adam"])}


def test_a_form_that_is_drawn_by_itself_is_of_no_use_once_the_session_is_over(page: Page, live_app: LiveApp):
    """Its buttons run it alone, without the frame of the page, which asks for the session."""
    with transaction() as session:
        borrower_id, _ = builders.make_overdue(session, dpd=40, name="Ravi Shah", as_of=lender.current().today)
        builders.make_case(session, borrower_id, owner_id=live_app.actors["ana"].id, opened_on=lender.current().today)
    work_as(page, "ana", f"/borrower?borrower={borrower_id}")
    choose_act(page, "Hardship")
    apply = page.get_by_role("button", name="Apply")
    expect(apply).to_be_visible()
    settle(page)  # a run that still goes on would find the session ended, and draw no form
    users.end_sessions(live_app.actors["adam"], live_app.actors["ana"].id or 0)
    apply.click()
    expect(page.get_by_label("User name")).to_be_visible()
    expect(page.get_by_text("Ravi Shah")).to_have_count(0)


def test_a_page_that_is_not_of_ones_role_says_so(page: Page):
    work_as(page, "ana", "/users")
    expect(page.get_by_text("This page is not part of your role")).to_be_visible()
    expect(page.get_by_text("may sign in")).to_have_count(0)


def test_a_link_of_another_site_signs_nobody_in_or_out(page: Page, live_app: LiveApp):
    sign_in(page, "adam", path="/users")
    for path in ("/session/end", "/session/start?ticket=x&to=//example.org"):
        answer = page.context.request.get(f"{live_app.address}{path}", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 403
    page.reload()
    expect(page.get_by_text("may sign in")).to_be_visible()


def test_a_file_that_a_page_offered_is_for_those_who_are_signed_in(page: Page, browser: Browser):
    work_as(page, "adam", "/audit")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").last.click()
    address = download.value.url
    assert "/media/" in address
    assert page.context.request.get(address).ok
    stranger = browser.new_context()
    assert stranger.request.get(address).status == 404
    stranger.add_cookies([{"name": COOKIE, "value": "made up", "url": address}])
    assert stranger.request.get(address).status == 404
    stranger.close()


def test_metrics_are_closed_and_pages_may_not_be_framed(page: Page, live_app: LiveApp):
    assert page.context.request.get(f"{live_app.address}/_stcore/metrics").status == 404
    headers = page.context.request.get(live_app.address).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_nothing_is_blocked_by_the_content_security_policy(page: Page, browser: Browser):
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if "Content Security" in message.text else None)
    sign_in(page, "adam", path="/users")
    expect(page.get_by_text("may sign in")).to_be_visible()
    assert blocked == []
