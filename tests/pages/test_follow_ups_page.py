"""Follow-ups by agent on the performance page."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from components import follow_up_figures, performance_cached
from db.engine import transaction
from services import cases, lender
from services.actors import Role
from services.adherence import Part
from tests import builders
from tests.pages.conftest import opened, token_of, words
from tests.pages.test_performance_page import summed
from tests.portfolio_rows import make_day


@pytest.fixture(scope="module")
def meera(cast):
    today = lender.current().today
    with transaction() as session:
        session.execute(text("UPDATE policy_rule SET is_enabled = false"))
        borrower_id, _ = builders.make_overdue(session, dpd=45, name="Meera Iyer", as_of=today)
        builders.make_case(session, borrower_id, owner_id=cast[Role.AGENT].id, opened_on=today - timedelta(days=9))
        cases.refresh(session, today, 0, 2**62)
        segment = builders.make_segment(session)
        make_day(session, today.replace(day=1), segment_id=segment)
        summed(session, today.replace(day=1), cast[Role.AGENT].id, segment, cases=1)
    performance_cached.clear()
    follow_up_figures.clear()
    return borrower_id


def follow_ups(role):
    app = opened(token_of(role), url_path="performance")
    app.segmented_control(key="view").set_value("Follow-ups")
    return app.run()


@pytest.mark.parametrize("role", [Role.LEADER, Role.ANALYST])
def test_a_leader_sees_what_waits_by_agent_and_the_cases_behind_it(meera, role):
    app = follow_ups(role)
    assert not app.exception
    assert "0 cases worked today, 1 still wait; 0 follow-ups overdue" in [head.value for head in app.subheader]
    agents = app.dataframe[0].value
    assert list(agents["name"]) == ["Agent Person", "Everybody"]
    assert list(agents["untouched_8"]) == [1, 1]
    app.selectbox(key="follow_ups.part").select_index(list(Part).index(Part.UNTOUCHED_8))
    app = app.run()
    assert list(app.dataframe[2].value["name"]) == ["Meera Iyer"]


def test_an_agent_sees_none_of_it(meera):
    app = opened(token_of(Role.AGENT), url_path="performance")
    assert "still wait" not in words(app)
