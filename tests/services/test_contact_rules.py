"""Changing what the gate asks: from a day on, with what held before kept, and never wider than the law."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services import clock, policy
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.services.test_policy import INDIA, MONDAY_NOON, ask, reachable

TODAY = MONDAY_NOON.date()
TOMORROW = TODAY + timedelta(days=1)
WHY = "agreed with compliance"


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(MONDAY_NOON):
        yield


def rule_of(session, rule, says):
    statement = text("SELECT id FROM policy_rule WHERE rule = :r AND source LIKE :s AND effective_to IS NULL")
    return session.execute(statement, {"r": rule, "s": f"%{says}%"}).scalars().first()


def on(day, hour):
    return datetime(day.year, day.month, day.day, hour, 30, tzinfo=INDIA)


def test_hours_are_narrowed_from_a_day_on_and_what_held_before_stays(session, adam):
    borrower_id, calls = reachable(session), rule_of(session, "hours", "no recovery call before")
    said = {"channels": ["call"], "from": "10:00", "to": "18:00"}
    new = policy.change(adam, calls, said, severity="block", on=TOMORROW, reason=WHY)
    assert ask(session, borrower_id, at=on(TODAY, 18)).is_allowed
    stopped = ask(session, borrower_id, at=on(TOMORROW, 18))
    assert (stopped.rule, stopped.next_allowed_at.hour) == ("hours", 10)
    assert stopped.policy_version >= new
    rows = {rule.id: rule for rule in policy.rules(adam)}
    assert (rows[calls].effective_to, rows[calls].parameters["from"]) == (TOMORROW, "08:00")
    assert (rows[new].replaces_id, rows[new].source) == (calls, rows[calls].source)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [("07:30", "18:00", "from"), ("08:00", "19:30", "to"), ("12:00", "11:00", "to"), ("8 am", "18:00", "from")],
)
def test_hours_of_the_law_are_not_widened(session, adam, start, end, field):
    calls = rule_of(session, "hours", "no recovery call before")
    with pytest.raises(InvalidInput) as refused:
        policy.change(adam, calls, {"from": start, "to": end}, severity="block", on=TOMORROW, reason=WHY)
    assert field in refused.value.fields


def test_a_cap_of_our_own_is_added_ended_and_taken_into_force_again(session, adam):
    borrower_id = reachable(session)
    said = {"channels": ["call"], "per_day": 1, "per_week": None}
    cap = policy.add(adam, "cap", said, severity="block", name="one call a day", on=TOMORROW, reason=WHY)
    for day in range(4):
        session.execute(
            text("""INSERT INTO contact_attempt (borrower_id, channel, direction, person, outcome, at)
                    VALUES (:b, 'call', 'outbound', 'nobody', 'no_answer', :at)"""),
            {"b": borrower_id, "at": on(TODAY + timedelta(days=day), 10)},
        )

    def is_stopped(day):
        return ask(session, borrower_id, at=on(day, 12)).rule == "cap"

    assert [is_stopped(TODAY), is_stopped(TOMORROW)] == [False, True]
    with clock.frozen(MONDAY_NOON + timedelta(days=1)):
        policy.end(adam, cap, on=TODAY + timedelta(days=2), reason=WHY)
    with clock.frozen(MONDAY_NOON + timedelta(days=2)):
        policy.resume(adam, cap, on=TODAY + timedelta(days=3), reason=WHY)
    assert [is_stopped(TODAY + timedelta(days=n)) for n in range(4)] == [False, True, False, True]
    told = session.execute(text("SELECT action FROM audit_event WHERE subject_type = 'policy_rule' ORDER BY id"))
    assert list(told.scalars()) == ["policy_rule.added", "policy_rule.ended", "policy_rule.resumed"]


def test_one_change_is_planned_at_a_time_and_can_be_taken_back(session, adam):
    calls = rule_of(session, "hours", "no recovery call before")
    said = {"channels": ["call"], "from": "09:00", "to": "18:00"}
    policy.change(adam, calls, said, severity="block", on=TOMORROW, reason=WHY)
    with pytest.raises(Conflict, match="take that back first"):
        policy.end(adam, calls, on=TOMORROW, reason=WHY)
    policy.take_back(adam, calls, reason="not agreed after all")
    policy.end(adam, calls, on=TOMORROW, reason=WHY)
    policy.take_back(adam, calls, reason="not agreed after all")
    with pytest.raises(Conflict, match="Nothing is planned"):
        policy.take_back(adam, calls, reason="again")
    row = next(rule for rule in policy.rules(adam) if rule.id == calls)
    assert row.is_on(TODAY + timedelta(days=400))


@pytest.mark.parametrize(
    ("rule", "said", "field"),
    [
        ("cap", {}, "per_day"),
        ("cap", {"per_day": 5, "per_week": 3}, "per_week"),
        ("cap", {"per_day": 1000}, "per_day"),
        ("cap", {"per_day": 1, "channels": ["pigeon"]}, "channels"),
        ("calendar", {"channels": ["call"]}, "dates"),
        ("calendar", {"yearly": ["02-30"]}, "dates"),
        ("calendar", {"dates": ["soon"]}, "dates"),
        ("calendar", {"weekdays": [8]}, "weekdays"),
        ("hours", {"from": "10:00"}, "to"),
    ],
)
def test_what_a_check_cannot_ask_is_refused_at_its_field(session, adam, rule, said, field):
    with pytest.raises(InvalidInput) as refused:
        policy.add(adam, rule, said, severity="block", name="x", on=TOMORROW, reason=WHY)
    assert set(refused.value.fields) == {field}


def test_a_change_needs_tomorrow_a_reason_a_name_and_a_difference(session, adam):
    calls = rule_of(session, "hours", "no recovery call before")
    with pytest.raises(InvalidInput) as refused:
        policy.add(adam, "cap", {"per_day": 1}, severity="block", name=" ", on=TODAY, reason=" ")
    assert set(refused.value.fields) == {"name", "on", "reason"}
    same = {"channels": ["call"], "from": "08:00", "to": "19:00"}
    with pytest.raises(InvalidInput, match="Nothing differs"):
        policy.change(adam, calls, same, severity="block", on=TOMORROW, reason=WHY)


def test_leaders_and_auditors_see_rules_and_admins_change_them(session, adam, ana, marek, ada):
    with pytest.raises(NotAllowed):
        policy.rules(ana)
    assert policy.rules(marek) == policy.rules(ada) != []
    with pytest.raises(NotAllowed):
        policy.end(marek, 1, on=TOMORROW, reason=WHY)
    with pytest.raises(NotFound):
        policy.end(adam, 987_654, on=TOMORROW, reason=WHY)


_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(1, 9)),
        st.tuples(st.sampled_from(["end", "resume", "take_back", "night", "night"]), st.just(0)),
    ),
    max_size=14,
)


def _rows_of(actor, first):
    """The rows of one rule, from its first on."""
    ids, found = {first}, []
    for rule in policy.rules(actor):
        if rule.id in ids or rule.replaces_id in ids:
            ids.add(rule.id)
            found.append(rule)
    return found


def _newest(rows, day):
    """The row that a person would act on: what holds, else what is planned, else what was."""
    standing = [row for row in rows if row.is_on(day)] or [row for row in rows if row.is_planned(day)]
    return (standing or [row for row in rows if not row.was_taken_back] or rows[:1])[-1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_in_any_order_of_acts_each_day_has_what_was_agreed_for_it(session, adam, acts):
    first = policy.add(adam, "cap", {"per_day": 50}, severity="block", name="n", on=TOMORROW, reason=WHY)
    agreed, day = [(TOMORROW, 50)], TODAY
    for act, number in acts:
        if act == "night":
            day += timedelta(days=1)
            continue
        tomorrow, row = day + timedelta(days=1), _newest(_rows_of(adam, first), day)
        with clock.frozen(MONDAY_NOON + (day - TODAY)):
            try:
                if act == "change":
                    policy.change(adam, row.id, {"per_day": number}, severity="block", on=tomorrow, reason=WHY)
                    agreed.append((tomorrow, number))
                elif act == "end":
                    policy.end(adam, row.id, on=tomorrow, reason=WHY)
                    agreed.append((tomorrow, None))
                elif act == "resume":
                    policy.resume(adam, row.id, on=tomorrow, reason=WHY)
                    agreed.append((tomorrow, row.parameters["per_day"]))
                else:
                    policy.take_back(adam, row.id, reason=WHY)
                    assert agreed.pop()[0] > day
            except (Conflict, InvalidInput):
                continue
    rows = _rows_of(adam, first)
    for past in (TODAY + timedelta(days=n) for n in range((day - TODAY).days + 3)):
        expected = next((said for since, said in reversed(agreed) if since <= past), None)
        assert [row.parameters["per_day"] for row in rows if row.is_on(past)] == ([expected] if expected else []), past
