"""Stages on the Strategy page: rules in a grid, the dry run, applying, withdrawing, and who sees what."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from components import stage_grid, stage_words
from db.engine import reading, transaction
from db.models.work import CollectionCase
from services import cases, lender, stages
from services.actors import SYSTEM, Role
from services.stages import Rule, RuleSet, State
from tests import builders
from tests.pages.conftest import opened, token_of, words

GRID = "strategy.grid.{0}.{0}.rules"
STRICTER = {"edited_rows": {0: {"max_dpd": 15}, 1: {"min_dpd": 16}}, "added_rows": [], "deleted_rows": []}


@pytest.fixture(scope="module")
def book(cast):
    """Cases of 10, 20 and 45 days past due."""
    today = lender.current().today
    with transaction() as session:
        for dpd in (10, 20, 45):
            borrower_id, _ = builders.make_overdue(session, dpd=dpd, as_of=today)
            builders.make_case(session, borrower_id, opened_on=today)
        cases.refresh(session, today, 0, 2**62)
    return today


def page_of(role, edits=None, *, version=1):
    app = opened(token_of(role), url_path="strategy")
    if edits is not None:
        app.session_state[GRID.format(version)] = edits
        app.run()
    return app


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


def said(app):
    return "\n".join([words(app), *(warning.value for warning in app.warning)])


def stages_now():
    with reading() as session:
        return session.execute(select(CollectionCase.stage).order_by(CollectionCase.max_dpd)).scalars().all()


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR])
def test_who_only_looks_sees_rules_and_history_and_nothing_to_press(book, role):
    app = page_of(role)
    assert not app.exception
    assert "Version 1 decides the stage of 3 open cases" in words(app)
    assert list(app.dataframe[0].value["stage"]) == ["Soft", "Mid", "Hard"]
    assert not {"Try it", "Apply these rules"} & {button.label for button in app.button}
    assert len(app.data_editor) == 0


@pytest.mark.parametrize(("role", "stages"), [(Role.LEADER, ["Soft", "Mid"]), (Role.ANALYST, [])])
def test_figure_of_a_stage_leads_to_its_cases_where_the_queue_is_open(book, role, stages):
    links = [link.proto for link in page_of(role).main if link.type == "page_link"]
    assert [link.query_string for link in links if link.label == "Cases"] == [
        f"stage={stage}&tab=all" for stage in stages
    ]


def test_rules_that_cannot_hold_are_told_and_cannot_be_applied(book):
    edits = {"edited_rows": {1: {"min_dpd": 5, "max_dpd": 20}}, "added_rows": [], "deleted_rows": []}
    app = press(page_of(Role.LEADER, edits), "Try it")
    assert "Rule 2 can never decide: rule 1 before it takes every case that it matches" in app.error[0].value
    assert "Apply these rules" not in [button.label for button in app.button]


def test_leader_tries_applies_and_withdraws_rules(book, cast):
    """From the grid to the cases: dry run, terms that are missing, a version of today, one of later, its withdrawal."""
    app = press(page_of(Role.LEADER, STRICTER), "Try it")
    assert "1 of 3 open cases would move (33.3 %)" in words(app)
    assert stages_now() == ["soft", "soft", "mid"]
    app = press(app, "Apply these rules")
    assert "Tick this when you have looked" in words(app)
    app.checkbox(key="strategy.apply.seen").check()
    app = press(app, "Apply these rules")
    assert "Say why the rules change" in words(app)
    app.text_input(key="strategy.apply.reason").set_value("Call earlier")
    app = press(app, "Apply these rules")
    assert not app.exception
    assert "Version 2 decides" in words(app)
    stages.apply(SYSTEM)
    with transaction() as session:
        session.execute(text("UPDATE job_run SET status = 'done'"))
    assert stages_now() == ["soft", "mid", "mid"]

    later = {"edited_rows": {}, "added_rows": [], "deleted_rows": [2]}
    app = press(page_of(Role.LEADER, later, version=2), "Try it")
    app.date_input(key="strategy.apply.from").set_value(book + timedelta(days=3))
    app.text_input(key="strategy.apply.reason").set_value("Legal takes over")
    app.checkbox(key="strategy.apply.seen").check()
    app = press(app, "Apply these rules")
    assert "Version 3 takes over on" in app.info[0].value
    stages.withdraw(cast[Role.LEADER], 3, reason="Not yet")
    assert [one.state for one in stages.view(cast[Role.LEADER]).versions] == [
        State.WITHDRAWN,
        State.IN_FORCE,
        State.REPLACED,
    ]


def test_who_was_overtaken_is_told_and_keeps_the_grid(book, cast):
    leader = cast[Role.LEADER]
    newest = stages.view(leader).newest
    start = stages.view(leader).in_force.version
    app = opened(token_of(Role.LEADER), url_path="strategy")
    app.session_state[f"strategy.grid.{newest}.{start}.rules"] = {
        "edited_rows": {0: {"max_dpd": 12}, 1: {"min_dpd": 13}},
        "added_rows": [],
        "deleted_rows": [],
    }
    app = press(app.run(), "Try it")
    stages.save(
        leader, RuleSet((Rule("mid", min_dpd=9),), "soft"), seen_version=newest, effective_from=book, reason="Mine"
    )
    app.text_input(key="strategy.apply.reason").set_value("Also mine")
    app.checkbox(key="strategy.apply.seen").check()
    app = press(app, "Apply these rules")
    assert f"saved version {newest + 1} while you were editing" in said(app)
    assert stages.view(leader).newest == newest + 1
    app = press(app, "Start again from the rules that hold now")
    assert "while you were editing" not in said(app)


def test_grid_gives_back_the_rules_it_was_given():
    from decimal import Decimal

    products = {7: "Gold", 9: "Personal"}
    rules = (
        Rule("soft", max_dpd=30),
        Rule("legal", 61, 90, Decimal("25000.50"), Decimal(90_000), (0, 4, 5), (7,), is_npa=True),
        Rule("mid", is_npa=False),
    )
    assert stage_grid.rules_of(stage_grid.frame(rules, products), products) == rules
    assert stage_grid.rules_of(stage_grid.frame((), products), products) == ()
    grid = stage_grid.frame(rules, products)
    grid.loc[0, "place"] = 9
    assert [rule.stage for rule in stage_grid.rules_of(grid, products)] == ["legal", "mid", "soft"]


def test_changes_are_told_in_words(cast):
    before = RuleSet((Rule("soft", max_dpd=30), Rule("mid", 31, 60)), "hard")
    after = RuleSet((Rule("mid", 31, 60), Rule("soft", max_dpd=30), Rule("legal", is_npa=True)), "hard")
    told = stage_words.changes(before, after, {})
    assert told[0] == "Added: NPA → Legal"
    assert [line for line in told if line.startswith("Moved")]
    assert stage_words.changes(before, before, {}) == []
