"""Who may change the stage rules, what is refused, and what a leader is told before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings

from db.engine import transaction
from services import stages
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed
from services.stages import Rule, RuleSet
from tests.conftest import make_actor
from tests.services.stages.rules import (
    FIRST,
    SOME_AMOUNTS,
    SOME_DPD,
    STRICT,
    TODAY,
    make_cases,
    moves,
    plain_stage,
    save,
    some_rules,
    stages_now,
)

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_who_saves_from_an_older_version_is_told(marek):
    save(marek, STRICT)
    with pytest.raises(Conflict, match="while you were editing"):
        save(marek, replace(FIRST, default_stage="legal"))


def test_of_two_leaders_at_once_one_is_told(database):
    with transaction() as own:
        leaders = [make_actor(own, f"leader{n}", f"Leader {n}", Role.LEADER) for n in range(4)]

    def attempt(pair):
        number, leader = pair
        try:
            return stages.save(
                leader,
                RuleSet((Rule("mid", min_dpd=10 + number),), "soft"),
                seen_version=1,
                effective_from=stages.view(leader).today,
                reason="Mine",
            )
        except Conflict as told:
            return told.message

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(attempt, enumerate(leaders)))
    assert min(map(str, ended)) == "2"
    assert sum("while you were editing" in str(one) for one in ended) == 3
    assert stages.view(leaders[0]).newest == 2


def test_only_leaders_change_and_agents_do_not_see(ana, anil, ada, adam):
    for actor in (ana, anil, ada, adam):
        with pytest.raises(NotAllowed):
            save(actor, STRICT)
        with pytest.raises(NotAllowed):
            stages.try_out(actor, STRICT)
        with pytest.raises(NotAllowed):
            stages.withdraw(actor, 1, reason="x")
    for actor in (ana, adam):
        with pytest.raises(NotAllowed):
            stages.view(actor)
        with pytest.raises(NotAllowed):
            stages.counts(actor)
    with pytest.raises(NotAllowed):
        stages.apply(ana)
    assert stages.view(anil).newest == stages.view(ada).newest == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"begins": TODAY - timedelta(days=1)}, "effective_from"),
        ({"begins": TODAY + timedelta(days=400)}, "effective_from"),
        ({"reason": "  "}, "reason"),
        ({"wanted": FIRST}, "rules"),
    ],
)
def test_wrong_terms_are_named(marek, over, field):
    with pytest.raises(InvalidInput) as refusal:
        save(marek, over.pop("wanted", STRICT), **over)
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([Rule("soft")], "Rule 1: it asks nothing"),
        ([Rule("", max_dpd=3)], "Rule 1: choose its stage"),
        ([Rule("soft", 31, 30)], "Rule 1: days past due from 31 to 30 is no range"),
        ([Rule("soft", min_dpd=-1)], "Rule 1: days past due are between"),
        ([Rule("soft", min_overdue=Decimal(9), below_overdue=Decimal(9))], "no overdue amount is 9 or more"),
        ([Rule("soft", product_ids=(987654,))], "a product of it is not there any more"),
        ([Rule("soft", max_dpd=30), Rule("mid", 10, 20)], "Rule 2 can never decide: rule 1 before it takes every case"),
        (
            [Rule("soft", max_dpd=30), Rule("mid", min_dpd=31), Rule("hard", 20, 40)],
            "Rule 3 can never decide: rules 1 and 2 before it take every case",
        ),
        ([Rule("soft", is_npa=True), Rule("mid", is_npa=False), Rule("hard", 1, 9)], "Rule 3 can never decide"),
        ([Rule("mid", n, n) for n in range(31)], "There are 31 rules; at most 30"),
    ],
)
def test_rules_that_cannot_hold_are_refused_in_words(marek, rules, told):
    with pytest.raises(InvalidInput) as refusal:
        stages.try_out(marek, RuleSet(tuple(rules), "recovery"))
    assert any(told in sentence for sentence in refusal.value.fields.values())


def test_missing_default_is_refused(marek):
    with pytest.raises(InvalidInput, match="cases that no rule matches"):
        stages.try_out(marek, RuleSet((Rule("soft", max_dpd=30),), ""))


@settings(max_examples=60, deadline=None)
@given(some_rules([1]))
def test_rule_is_called_unreachable_just_when_no_case_reaches_it(wanted):
    """Against every case that the generated edges can tell apart."""
    try:
        stages.check(replace(wanted, rules=()), product_ids=[1])
        for rule in wanted.rules:
            stages.check(RuleSet((rule,), "soft"), product_ids=[1])
    except InvalidInput:
        return  # a rule is wrong alone
    told = set()
    try:
        stages.check(wanted, product_ids=[1])
    except InvalidInput as refusal:
        told = {int(field.removeprefix("rule.")) for field in refusal.fields}
    labelled = RuleSet(tuple(replace(rule, stage=str(n)) for n, rule in enumerate(wanted.rules, 1)), "0")
    # ranges begin at an edge, or on the day after the last day of one: a case there stands for all up to the next
    days = {*SOME_DPD, *(last + 1 for last in SOME_DPD)}
    reached = {
        plain_stage(labelled, {"max_dpd": dpd, "overdue": overdue, "band": band, "product": product, "npa": npa})
        for dpd in days
        for overdue in (Decimal(0), *SOME_AMOUNTS)
        for band in range(6)
        for product in (1, 2)
        for npa in (True, False)
    }
    assert told == {n for n in range(1, len(wanted.rules) + 1) if str(n) not in reached}
    if not told:
        assert ("0" not in reached) == any("never used" in note for note in stages.notes(wanted))


def test_overlaps_are_told(marek):
    found = stages.try_out(marek, RuleSet((Rule("soft", max_dpd=40), Rule("mid", min_dpd=31)), "hard"))
    assert found.notes == (
        "Rule 2 overlaps with rule 1: for cases that both match the first decides.",
        "The rules take every case, so the stage of all other cases is never used.",
    )


def test_dry_run_shows_the_largest_cases_of_each_move_and_changes_nothing(session, marek):
    make_cases(session, 20, 20, overdue_amount=Decimal(7000))
    make_cases(session, 25, overdue_amount=Decimal(9000))
    found = stages.try_out(marek, STRICT)
    assert (found.cases, found.moved, found.moved_amount) == (3, 3, 23_000)
    assert [sample.overdue_amount for sample in found.samples] == [9000, 7000, 7000]
    assert stages_now(session) == ["soft"] * 3
    assert moves(session) == []
