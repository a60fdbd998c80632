"""Dealing by rules, by properties: nobody over capacity, nobody unable, and no one left out who has room."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.planning import deal, matches, plan
from services.allocation.values import Cases, Coded, Miss, Person, Terms, Way

STAGES, PRODUCTS, REGIONS, LANGUAGES = ("soft", "mid", "hard"), (1, 2), ("North", "West"), ("hi", "mr", "ta")


def coded(held, values):
    return Coded(np.array([values.index(one) if one is not None else -1 for one in held], np.int64), values)


def make_cases(rows):
    """Rows of (stage, product, region, language, dpd, owner, previous), highest priority first."""
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in range(7)]
    stage, product, region, language, dpd, owner, previous = columns
    numbers = np.array(dpd, np.int64)
    return Cases(
        ids=np.arange(1, len(rows) + 1),
        stage=coded(stage, STAGES),
        product=coded(product, PRODUCTS),
        region=coded(region, REGIONS),
        language=coded(language, LANGUAGES),
        risk_band=numbers % 6,
        dpd=numbers,
        overdue=numbers * 100,
        outstanding=numbers * 1000,
        owner=np.array(owner, np.int64),
        previous=np.array(previous, np.int64),
    )


def some_cases(number, **over):
    base = {"stage": "soft", "product": 1, "region": "West", "language": "hi", "dpd": 10, "owner": 0, "previous": 0}
    return make_cases([tuple({**base, **over}.values())] * number)


def counts(found, people):
    return [int((found.owner == person.id).sum()) for person in people]


def by_heap(number, levels, room):
    """The same dealing one case at a time."""
    left = list(room)
    heap = [(level, place) for place, level in enumerate(levels) if room[place]]
    heapq.heapify(heap)
    given_to = []
    while heap and len(given_to) < number:
        level, place = heapq.heappop(heap)
        given_to.append(place)
        left[place] -= 1
        if left[place]:
            heapq.heappush(heap, (level + 1, place))
    return given_to


@given(st.integers(0, 120), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=8))
def test_dealing_is_what_a_dealer_does_case_by_case(number, standing):
    levels, room = (np.array(column, np.int64) for column in zip(*standing, strict=True))
    assert deal(number, levels, room).tolist() == by_heap(number, levels.tolist(), room.tolist())


@given(st.integers(0, 200), st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_in_turn_sizes_differ_by_at_most_one(number, loads):
    people = [Person(place + 1, load, None) for place, load in enumerate(loads)]
    rule = Terms(tuple(person.id for person in people), Way.ROUND_ROBIN)
    shares = counts(plan(some_cases(number), [rule], people), people)
    assert sum(shares) == number
    assert max(shares) - min(shares) <= 1


any_skill = st.sampled_from
people_strategy = st.builds(
    lambda load, capacity, products, languages, regions, stages, there: {
        "load": load,
        "capacity": capacity,
        "product_ids": products,
        "languages": languages,
        "regions": regions,
        "stages": stages,
        "is_available": there,
    },
    st.integers(0, 6),
    st.none() | st.integers(0, 12),
    st.lists(st.sampled_from(PRODUCTS), unique=True).map(tuple),
    st.lists(st.sampled_from(LANGUAGES), unique=True).map(tuple),
    st.lists(st.sampled_from(REGIONS), unique=True).map(tuple),
    st.lists(st.sampled_from(STAGES), unique=True).map(tuple),
    st.booleans(),
)
cases_strategy = st.lists(
    st.tuples(
        st.sampled_from([*STAGES]),
        st.sampled_from([*PRODUCTS, None]),
        st.sampled_from([*REGIONS, None]),
        st.sampled_from([*LANGUAGES, None]),
        st.integers(0, 200),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=60,
)
rules_strategy = st.lists(
    st.builds(
        lambda ids, way, stages, regions, low: Terms(
            tuple(ids), way, stages=tuple(stages), regions=tuple(regions), dpd=(low, None)
        ),
        st.lists(st.integers(1, 5), unique=True, min_size=1),
        st.sampled_from(Way),
        st.lists(st.sampled_from(STAGES), unique=True),
        st.lists(st.sampled_from(REGIONS), unique=True),
        st.none() | st.integers(0, 200),
    ),
    max_size=4,
)


def able(person, case):
    stage, product, region, language = case
    skills = (
        (person.stages, stage),
        (person.product_ids, product),
        (person.regions, region),
        (person.languages, language),
    )
    return person.is_available and all(not known or held in known for known, held in skills)


@settings(max_examples=150, deadline=None)
@given(cases_strategy, rules_strategy, st.lists(people_strategy, min_size=1, max_size=5), st.booleans())
def test_nobody_is_given_what_they_may_not_or_cannot_have(rows, rules, facts, is_anew):
    """Whatever the rules: skill, presence, target and capacity hold; and what was not placed had nobody with room."""
    if not is_anew:
        rows = [(*row[:5], 0, row[6]) for row in rows]
    people = [Person(place + 1, **fact) for place, fact in enumerate(facts)]
    by_id = {person.id: person for person in people}
    cases = make_cases(rows)
    found = plan(cases, rules, people)
    matching = [matches(rule, cases) for rule in rules]
    total = {person.id: person.load + int((found.owner == person.id).sum()) for person in people}
    for at, row in enumerate(rows):
        offered = [
            person
            for rule, is_about in zip(rules, matching, strict=True)
            for person in people
            if is_about[at] and person.id in rule.person_ids and able(person, row[:4])
        ]
        if found.placed[at]:
            rule = rules[found.rule[at]]
            owner = by_id[int(found.owner[at])]
            assert matching[found.rule[at]][at]
            assert owner.id in rule.person_ids
            assert able(owner, row[:4])
        elif offered:
            assert found.miss[at] == Miss.FULL
            assert all(p.capacity is not None and total[p.id] >= p.capacity for p in offered)
            assert found.owner[at] in {0, row[5]}
        else:
            assert found.owner[at] == row[5]  # stays with who has it, or with nobody
    for person in people:
        given_to = int((found.placed & (found.owner == person.id)).sum())
        if given_to and person.capacity is not None:
            assert total[person.id] <= max(person.capacity, person.load)


def test_most_loaded_gets_nothing_by_load_until_others_have_caught_up():
    people = [Person(1, 10, None), Person(2, 4, None), Person(3, 4, None)]
    assert counts(plan(some_cases(12), [Terms((1, 2, 3), Way.BY_LOAD)], people), people) == [0, 6, 6]


def test_borrower_goes_to_who_had_them_before_within_capacity():
    people = [Person(1, 0, 2), Person(2, 0, None)]
    found = plan(some_cases(5, previous=1), [Terms((1, 2), Way.KEEP_AGENT)], people)
    assert counts(found, people) == [2, 3]
    assert found.owner[:2].tolist() == [1, 1]  # the most urgent ones


def test_what_the_first_rule_has_no_room_for_goes_to_the_next():
    people = [Person(1, 0, 3), Person(2, 0, 1)]
    rules = [Terms((1,), Way.ROUND_ROBIN), Terms((2,), Way.ROUND_ROBIN)]
    found = plan(some_cases(6), rules, people)
    assert found.owner.tolist() == [1, 1, 1, 2, 0, 0]
    assert found.rule.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.miss[4:].tolist() == [Miss.FULL, Miss.FULL]


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (Person(1, 0, None, is_available=False), Miss.NO_ONE),
        (Person(1, 0, None, languages=("ta",)), Miss.NO_SKILL),
        (Person(1, 5, 5), Miss.FULL),
    ],
)
def test_why_nothing_was_placed_is_told(person, why):
    found = plan(some_cases(2), [Terms((1,), Way.BY_LOAD)], [person])
    assert not found.placed.any()
    assert found.miss.tolist() == [why, why]


def test_case_without_a_rule_is_told_apart():
    found = plan(some_cases(1), [Terms((1,), Way.BY_LOAD, stages=("hard",))], [Person(1, 0, None)])
    assert (found.miss.tolist(), found.rule.tolist()) == ([Miss.NO_RULE], [-1])


def test_amounts_and_days_are_inclusive():
    cases = some_cases(1, dpd=30)
    assert matches(Terms((), Way.BY_LOAD, dpd=(30, 30), overdue=(3000, 3000), outstanding=(30_000, None)), cases).all()
    assert not matches(Terms((), Way.BY_LOAD, dpd=(31, None)), cases).any()
    assert not matches(Terms((), Way.BY_LOAD, overdue=(None, 2999)), cases).any()
