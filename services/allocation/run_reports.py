"""What a run of the rules does, or would do, told by rule, by collector, and what it could not place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.allocation.dealing import Work
from services.allocation.values import Miss, Plan

MISSES: dict[Miss, str] = {
    Miss.NO_RULE: "No rule matches",
    Miss.NO_ONE: "Nobody of the rule may be given cases today (absent, papers, suspended, or no members)",
    Miss.NO_SKILL: "Nobody of the rule has the product, language, region and stage",
    Miss.FULL: "All who could take it are at their capacity",
}


@dataclass(frozen=True, slots=True)
class RuleShare:
    """What a rule placed."""

    rule: str
    cases: int


@dataclass(frozen=True, slots=True)
class PersonShare:
    """What a collector would have."""

    name: str
    agency: str | None
    before: int
    given: int
    """Placed by rules in this run, also cases that were theirs before."""
    after: int
    capacity: int | None


@dataclass(frozen=True, slots=True)
class MissShare:
    """Cases that were not placed, and why."""

    why: str
    rule: str | None
    """The last rule that was asked; None: none matched."""
    cases: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run does, or would do."""

    considered: int
    allocated: int
    changed: int
    """Of these, cases that change hands, with those that are taken from someone."""
    unallocated: int
    """Not placed by any rule."""
    complaints: int
    """Left out: a complaint is open (IN-09)."""
    in_work: int
    """Left out: someone has the case open now."""
    rules: tuple[RuleShare, ...]
    people: tuple[PersonShare, ...]
    misses: tuple[MissShare, ...]

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> "RunReport":
        """Read what `allocation_run.report` keeps."""
        parts = {
            "rules": tuple(RuleShare(**row) for row in held["rules"]),
            "people": tuple(PersonShare(**row) for row in held["people"]),
            "misses": tuple(MissShare(**row) for row in held["misses"]),
        }
        return cls(**{**held, **parts})


def report_of(work: Work, found: Plan) -> RunReport:
    """What was, or would be, done."""
    was = work.cases.owner
    names = [rule.name for rule in work.rules]
    rules = tuple(
        RuleShare(name, int((found.placed & (found.rule == place)).sum())) for place, name in enumerate(names)
    )
    return RunReport(
        considered=len(was),
        allocated=int(found.placed.sum()),
        changed=int((found.owner != was).sum()),
        unallocated=int((~found.placed).sum()),
        complaints=work.complaints,
        in_work=work.in_work,
        rules=rules,
        people=_people(work, found),
        misses=_misses(found, names),
    )


def _people(work: Work, found: Plan) -> tuple[PersonShare, ...]:
    """Everybody who is given something, or has something to lose."""
    shares = []
    for member, person in zip(work.crew, work.people, strict=True):
        given = int((found.placed & (found.owner == person.id)).sum())
        after = person.load + int((found.owner == person.id).sum())
        if given or after != member.open_cases:
            shares.append(PersonShare(member.name, member.agency, member.open_cases, given, after, member.capacity))
    return tuple(sorted(shares, key=lambda share: -share.given))


def _misses(found: Plan, names: Sequence[str]) -> tuple[MissShare, ...]:
    lost = np.flatnonzero(~found.placed)
    pairs, counts = np.unique(np.stack([found.miss[lost], found.rule[lost]]), axis=1, return_counts=True)
    shares = [
        MissShare(MISSES[Miss(int(why))], names[int(rule)] if rule >= 0 else None, int(count))
        for why, rule, count in zip(pairs[0], pairs[1], counts, strict=True)
    ]
    return tuple(sorted(shares, key=lambda share: -share.cases))
