"""Stage rules: from when a version holds, and how it is applied."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from db.models.audit import AuditEvent
from services import cases, stages
from services.actors import SYSTEM
from services.errors import Conflict, Refused
from services.stages import State
from tests.services.stages.rules import FIRST, STRICT, TODAY, TOMORROW, make_cases, moves, save, stages_now

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_version_holds_from_its_date_and_until_the_next(session, marek, frozen_clock):
    make_cases(session, 20)
    save(marek, STRICT, begins=TOMORROW)
    cases.refresh(session, TODAY, 0, 2**62)
    assert stages_now(session) == ["soft"]
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    cases.refresh(session, TOMORROW, 0, 2**62)
    assert stages_now(session) == ["mid"]
    assert moves(session) == [("soft", "mid", "rules", 2, 2)]
    assert [(one.version, one.state, one.holds_until) for one in stages.view(marek).versions] == [
        (2, State.IN_FORCE, None),
        (1, State.REPLACED, TOMORROW),
    ]


def test_night_that_closes_yesterday_does_not_take_back_what_holds_from_today(session, marek):
    make_cases(session, 20)
    save(marek, STRICT)
    cases.refresh(session, TODAY, 0, 2**62)
    cases.refresh(session, TODAY - timedelta(days=1), 0, 2**62)
    assert stages_now(session) == ["mid"]


def test_earlier_version_saved_later_holds_until_the_later_one_begins(marek, frozen_clock):
    save(marek, STRICT, begins=TODAY + timedelta(days=10))
    save(marek, replace(FIRST, default_stage="legal"), seen=2)
    states = {one.version: one.state for one in stages.view(marek).versions}
    assert states == {1: State.REPLACED, 2: State.FUTURE, 3: State.IN_FORCE}
    frozen_clock(datetime(2025, 6, 26, 5, 30, tzinfo=UTC))
    assert stages.view(marek).in_force.version == 2


def test_withdrawn_version_never_holds_and_stays_in_the_history(session, marek, frozen_clock):
    save(marek, STRICT, begins=TOMORROW)
    stages.withdraw(marek, 2, reason="Too early")
    with pytest.raises(Conflict):
        stages.withdraw(marek, 2, reason="Again")
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    newest = stages.view(marek).versions[0]
    assert (newest.state, newest.withdraw_reason, newest.withdrawn_by_name) == (
        State.WITHDRAWN,
        "Too early",
        marek.name,
    )
    assert stages.view(marek).in_force.version == 1


def test_version_that_holds_cannot_be_withdrawn(marek):
    save(marek, STRICT)
    with pytest.raises(Refused, match="holds already"):
        stages.withdraw(marek, 2, reason="Regret")


@pytest.mark.parametrize("table", ["stage_rule_set", "stage_rule", "stage_rule_withdrawal", "stage_move"])
@pytest.mark.parametrize("order", ["DELETE FROM {}", "UPDATE {} SET version = 9", "TRUNCATE {}"])
def test_history_cannot_be_changed(session, table, order):
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(order.format(table)))


def test_rules_of_today_are_applied_by_a_job_which_may_run_twice(session, marek):
    make_cases(session, 10, 20, 50)
    assert save(marek, STRICT) == 2
    kinds = session.execute(text("SELECT kind FROM job_run")).scalars().all()
    assert kinds == ["stages.apply"]
    assert stages.view(marek).applying_run_id is not None
    assert stages_now(session) == ["soft", "soft", "mid"]
    assert stages.apply(SYSTEM) == {"version": 2, "moved": 2}
    assert stages_now(session) == ["soft", "mid", "hard"]
    assert stages.apply(SYSTEM) == {"version": 2, "moved": 0}


def test_rules_of_a_later_date_ask_for_no_job(session, marek):
    save(marek, STRICT, begins=TOMORROW)
    assert session.execute(text("SELECT count(*) FROM job_run")).scalar_one() == 0


def test_save_is_one_event_with_what_it_replaced(session, marek):
    save(marek, STRICT, reason="Call earlier")
    [event] = session.execute(select(AuditEvent)).scalars()
    assert (event.action, event.reason) == ("stage_rules.saved", "Call earlier")
    assert event.before["version"] == 1
    assert event.after["rules"][0] == {"stage": "soft", "max_dpd": 15, "position": 1}


def test_form_sent_twice_is_one_version(marek):
    assert save(marek, STRICT, request_key="k") == save(marek, STRICT, request_key="k") == 2
    assert stages.view(marek).newest == 2
