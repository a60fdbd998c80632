"""Dealing out cases by rules: pure, over arrays, no store. A hundred thousand cases take well under a second.

A case is offered to the rules in order. The first that matches it and has somebody who is there, has the skill and
has room takes it; where nobody has, the next rule is asked. Within a rule the cases of the fewest possible collectors
are dealt first, each group from the highest priority down, so that everyone gets a like share of the urgent ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from services.allocation.values import Bools, Cases, Ints, Miss, Person, Plan, Terms, Way

NOBODY = -1
NO_LIMIT = 1 << 40


def matches(terms: Terms, cases: Cases) -> Bools:
    """Which cases a rule is about."""
    # who owes nothing overdue yet is given only by a rule that says so
    found = np.ones(len(cases.ids), bool) if terms.stages else ~cases.stage.among(("pre_due",))
    for wanted, column in (
        (terms.stages, cases.stage),
        (terms.product_ids, cases.product),
        (terms.regions, cases.region),
        (terms.languages, cases.language),
    ):
        if wanted:
            found &= column.among(wanted)
    if terms.risk_bands:
        found &= np.isin(cases.risk_band, terms.risk_bands)
    for (low, high), held in (
        (terms.dpd, cases.dpd),
        (terms.overdue, cases.overdue),
        (terms.outstanding, cases.outstanding),
    ):
        if low is not None:
            found &= held >= low
        if high is not None:
            found &= held <= high
    return found


@dataclass(frozen=True, slots=True)
class _Offer:
    """A rule's cases in groups of the same eligible people."""

    cases: Ints
    """Positions of the cases it matches."""
    group: Ints
    """Of each of them."""
    eligible: Bools
    """By group and person."""


def _offer(terms: Terms, cases: Cases, people: Sequence[Person]) -> _Offer:
    """Group a rule's cases by who could work them."""
    chosen = np.flatnonzero(matches(terms, cases))
    columns = (cases.stage, cases.product, cases.region, cases.language)
    key = np.zeros(len(chosen), np.int64)
    for column in columns:
        key = key * (len(column.values) + 1) + np.where(
            column.codes[chosen] < 0, len(column.values), column.codes[chosen]
        )
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    able = np.zeros((len(first), len(people)), bool)
    asked = set(terms.person_ids)
    for place, person in enumerate(people):
        if person.id in asked and person.is_available:
            able[:, place] = True
            skills = (person.stages, person.product_ids, person.regions, person.languages)
            for column, known in zip(columns, skills, strict=True):
                able[:, place] &= column.known_to(known)[column.codes[chosen][first]]
    groups, of_kind = np.unique(able, axis=0, return_inverse=True)
    return _Offer(chosen, of_kind.reshape(-1)[kind.reshape(-1)], groups)


def deal(number: int, levels: Ints, room: Ints) -> Ints:
    """Who gets each of so many cases: always who stands lowest and has room, in order where they stand equal.

    Args:
        number: how many cases.
        levels: where each stands: what they have, or what they were given.
        room: how many each can still take.

    Returns:
        Positions in `levels`, one a case; shorter than `number` when all are full.
    """
    number = min(number, int(room.sum()))
    if number == 0:
        return np.zeros(0, np.int64)
    low, high = int(levels.min()), int(levels.max()) + number + 1
    while high - low > 1:  # the highest level to which all can be filled
        middle = (low + high) // 2
        if int(np.clip(middle - levels, 0, room).sum()) <= number:
            low = middle
        else:
            high = middle
    counts = np.clip(low - levels, 0, room)
    after = np.flatnonzero((levels + counts == low) & (room > counts))
    counts[after[: number - int(counts.sum())]] += 1
    places = np.repeat(np.arange(len(levels)), counts)
    within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    return places[np.lexsort((places, levels[places] + within))]


@dataclass(slots=True)
class _Dealing:
    """The state of a run while rules are gone through."""

    cases: Cases
    people: Sequence[Person]
    owner: Ints = field(init=False)
    rule: Ints = field(init=False)
    miss: Ints = field(init=False)
    load: Ints = field(init=False)
    room: Ints = field(init=False)
    place_of: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.cases.ids)
        self.owner = np.full(size, NOBODY, np.int64)
        self.rule = np.full(size, NOBODY, np.int64)
        self.miss = np.zeros(size, np.int64)
        self.load = np.array([person.load for person in self.people], np.int64)
        capacity = [NO_LIMIT if person.capacity is None else person.capacity for person in self.people]
        self.room = np.maximum(np.array(capacity, np.int64) - self.load, 0)
        self.place_of = {person.id: place for place, person in enumerate(self.people)}

    def places(self, ids: Ints) -> Ints:
        """Positions of people by their ids; `NOBODY` for those who may be given none."""
        known, back = np.unique(ids, return_inverse=True)
        return np.array([self.place_of.get(int(one), NOBODY) for one in known], np.int64)[back.reshape(-1)]

    def give(self, chosen: Ints, places: Ints) -> None:
        """Give cases to the people at these places."""
        self.owner[chosen] = places
        counts = np.bincount(places, minlength=len(self.people))
        self.load += counts
        self.room = np.maximum(self.room - counts, 0)

    def stay(self, chosen: Ints) -> None:
        """Count cases that stay with who has them."""
        places = self.places(self.cases.owner[chosen])
        self.give(chosen[places >= 0], places[places >= 0])


def plan(cases: Cases, rules: Sequence[Terms], people: Sequence[Person]) -> Plan:
    """Deal the cases out. Cases that have an owner and cannot be placed stay there while that person has room.

    Args:
        cases: highest priority first.
        rules: in their order.
        people: everybody that rules could give to; each counted once, whichever rules name them.
    """
    state = _Dealing(cases, people)
    offers = [_offer(rule, cases, people) for rule in rules]
    possible = np.zeros(len(cases.ids), bool)
    for offer in offers:
        possible[offer.cases[np.asarray(offer.eligible.any(axis=1))[offer.group]]] = True
    has_owner = cases.owner > 0
    state.stay(np.flatnonzero(has_owner & ~possible))
    placed = np.zeros(len(cases.ids), bool)
    for number, (rule, offer) in enumerate(zip(rules, offers, strict=True)):
        placed[_apply(state, number, rule, offer, possible)] = True
    full = np.flatnonzero(has_owner & possible & ~placed)
    if len(full):
        _keep(state, full, cases.owner[full], np.ones(len(people), bool))
    ids = np.array([person.id for person in people] + [0], np.int64)
    # who may be given no cases any more keeps those that no rule could place: nothing is forgotten
    owner = np.where(state.owner >= 0, ids[state.owner], np.where(has_owner & ~possible, cases.owner, 0))
    return Plan(owner, state.rule, placed, state.miss)


def _apply(state: _Dealing, number: int, rule: Terms, offer: _Offer, possible: Bools) -> Ints:
    """Let one rule place what is left of its cases; positions of those it placed."""
    is_left = (state.owner[offer.cases] < 0) | ~possible[offer.cases]
    left, group = offer.cases[is_left], offer.group[is_left]
    state.rule[left] = number
    anyone = any(person.is_available and person.id in rule.person_ids for person in state.people)
    given = np.zeros(len(state.people), np.int64)
    done: list[Ints] = []
    for which in np.argsort(offer.eligible.sum(axis=1), kind="stable"):
        mine, able = left[group == which], offer.eligible[which]
        if not able.any():
            _told(state, mine, Miss.NO_SKILL if anyone else Miss.NO_ONE)
            continue
        before = state.load.copy()
        rest = mine
        if rule.way is Way.KEEP_AGENT:
            rest = _keep(state, mine, state.cases.previous[mine], able)
        able_at = np.flatnonzero(able)
        levels = given if rule.way is Way.ROUND_ROBIN else state.load
        dealt = able_at[deal(len(rest), levels[able_at], state.room[able_at])]
        state.give(rest[: len(dealt)], dealt)
        given += state.load - before
        _told(state, rest[len(dealt) :], Miss.FULL)
        done.append(np.setdiff1d(mine, rest[len(dealt) :], assume_unique=True))
    return np.concatenate(done) if done else np.zeros(0, np.int64)


def _keep(state: _Dealing, chosen: Ints, owner_ids: Ints, able: Bools) -> Ints:
    """Give cases to who had them, as far as these are able and have room; the rest, in order."""
    places = state.places(owner_ids)
    fits: Bools = np.logical_and(places >= 0, able[places])
    order = np.argsort(places, kind="stable")
    ranked = places[order]
    rank = np.empty(len(places), np.int64)
    rank[order] = np.arange(len(places)) - np.searchsorted(ranked, ranked, side="left")
    fits &= rank < np.where(places >= 0, state.room[places], 0)
    state.give(chosen[fits], places[fits])
    return chosen[~fits]


def _told(state: _Dealing, chosen: Ints, why: Miss) -> None:
    state.miss[chosen] = np.maximum(state.miss[chosen], int(why))
