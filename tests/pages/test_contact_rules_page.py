"""The page of contact rules: what is in force in words, and changes that hold from a day on."""

from datetime import time, timedelta

import pytest
from sqlalchemy import text

from db.engine import reading
from services import lender, policy
from services.actors import Role
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_borrower_page import press


def page_of(role, rule=None):
    app = opened(token_of(role), url_path="contact_rules")
    if rule is not None:
        app.query_params["rule"] = str(rule)
        app.run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def calls(cast):
    with reading() as session:
        return session.execute(
            text("SELECT id FROM policy_rule WHERE rule = 'hours' AND source LIKE '%no recovery call before%'")
        ).scalar_one()


def listed(app):
    return list(app.dataframe[0].value["says"])


@pytest.mark.parametrize("role", [Role.LEADER, Role.AUDITOR])
def test_who_may_not_change_rules_reads_them_in_words(calls, role):
    app = page_of(role, calls)
    assert "Call: only 08:00–19:00, the borrower's time" in listed(app)
    assert "WhatsApp: only with consent" in listed(app)
    assert "IN-01: no recovery call before 08:00" in words(app)
    assert not app.text_input


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST])
def test_nobody_else_sees_the_page(role):
    app = opened(token_of(role), url_path="contact_rules")
    assert not app.dataframe
    assert "19:00" not in words(app)


def test_admin_narrows_the_hours_takes_it_back_and_ends_a_rule(cast, calls):
    tomorrow = lender.current().today + timedelta(days=1)
    app = page_of(Role.ADMIN, calls)
    form = f"contact_rules.change.{calls}"
    app.time_input(key=f"{form}.to").set_value(time(21))
    app.text_input(key=f"{form}.reason").set_value("Agreed with compliance")
    app = press(app, "Change the rule")
    assert "IN-01 allows 08:00 to 19:00" in words(app)
    app.time_input(key=f"{form}.to").set_value(time(18))
    app = press(app, "Change the rule")
    assert not app.exception
    assert "Call: only 08:00–18:00, the borrower's time" in words(app)
    app.segmented_control(key="contact_rules.shown").set_value("planned").run()
    assert listed(app) == ["Call: only 08:00–18:00, the borrower's time"]
    app.text_input(key=f"contact_rules.take_back.{calls}.reason").set_value("Not agreed after all")
    app = press(app, "Take back what is planned")
    assert "No change is planned." in words(app)
    app.text_input(key=f"contact_rules.end.{calls}.reason").set_value("Another rule says the same")
    press(app, "End the rule")
    rule = next(rule for rule in policy.rules(cast[Role.ADMIN]) if rule.id == calls)
    assert rule.effective_to == tomorrow


def test_admin_adds_a_calendar_of_our_own_and_takes_a_shipped_rule_into_force(cast):
    app = page_of(Role.ADMIN)
    app.segmented_control(key="contact_rules.kind").set_value("calendar").run()
    form = "contact_rules.add.calendar"
    app.text_input(key=f"{form}.name").set_value("Diwali")
    app.text_area(key=f"{form}.days").set_value("someday")
    app.text_input(key=f"{form}.reason").set_value("Festival of lights")
    app = press(app, "Add the rule")
    assert "“someday” cannot be read: write 15 Aug or 8 Nov 2026." in words(app)
    app.text_area(key=f"{form}.days").set_value("8 Nov 2026\n29 Feb")
    app = press(app, "Add the rule")
    app.segmented_control(key="contact_rules.shown").set_value("planned").run()
    assert "Any contact: not on 29 Feb and 8 Nov 2026" in listed(app)
    app.segmented_control(key="contact_rules.shown").set_value("off").run()
    assert any("microfinance loans: only 09:00–18:00" in said for said in listed(app))
    off = next(rule for rule in policy.rules(cast[Role.ADMIN]) if not rule.is_enabled and rule.rule == "hours")
    app.query_params["rule"] = str(off.id)
    app.run()
    app.text_input(key=f"contact_rules.resume.{off.id}.reason").set_value("Checked against the Directions")
    app = press(app, "Take into force")
    assert any(rule.replaces_id == off.id for rule in policy.rules(cast[Role.ADMIN]))


def test_a_rule_of_each_check_is_shown_as_it_is_and_saved_only_if_it_says_something_else(cast):
    today = lender.current().today
    shown = {rule.rule: rule for rule in policy.rules(cast[Role.ADMIN]) if rule.is_on(today) and not rule.effective_to}
    assert len(shown) > 8
    for rule in shown.values():
        app = page_of(Role.ADMIN, rule.id)
        app.text_input(key=f"contact_rules.change.{rule.id}.reason").set_value("Nothing")
        assert "Nothing differs from what holds now." in words(press(app, "Change the rule")), rule
