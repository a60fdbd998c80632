"""A month's performance, computed fact by fact in plain Python: slow, and plain enough to be read against the words."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

NOBODY = 0


@dataclass
class Case:
    """A case of a borrower; `given` are (day, owner or None) in the order in which they happened."""

    opened_on: date
    closed_on: date | None
    given: list[tuple[date, int | None]] = field(default_factory=list)
    id: int = 0

    def is_open_on(self, day: date) -> bool:
        """Whether it was open."""
        return self.opened_on <= day and (self.closed_on is None or day <= self.closed_on)

    def owner_on(self, day: date) -> int:
        """Who had it at the end of the day; a case given by the day after it opened was never nobody's."""
        owner = NOBODY
        for given_on, to in self.given:
            if given_on <= day or given_on <= self.opened_on + timedelta(1):
                owner = to or NOBODY
        return owner


@dataclass
class Facts:
    """Facts of one borrower with one loan."""

    cases: list[Case]
    payments: list[tuple[date, int]]
    reversals: list[tuple[int, date, int]]
    """Position of the payment, day on which it became known, amount."""
    contacts: list[tuple[date, str, bool, bool, bool]]
    """Day, channel, connected, right party, gave a promise."""
    promises: list[tuple[date, date, int, str, int]]
    """Made on, due on, amount, status, paid."""
    opening: tuple[int, int, int]
    """Bucket, DPD, overdue at the day-end before the month."""
    now: tuple[int, int, int, int]
    """Bucket, DPD, overdue and demand of the month at the day-end."""

    def case_on(self, day: date) -> Case | None:
        """The case that was open; of two that share a day, the earlier."""
        return next((case for case in self.cases if case.is_open_on(day)), None)


def performance(borrowers: list[Facts], as_of: date, grace: int) -> dict[tuple[int, int], dict[str, Fraction]]:
    """Figures by owner and opening bucket."""
    start, found = (
        as_of.replace(day=1),
        defaultdict[tuple[int, int], dict[str, Fraction]](lambda: defaultdict(Fraction)),
    )
    for facts in borrowers:
        by_owner = defaultdict[tuple[int, int], dict[str, Fraction]](lambda: defaultdict(Fraction))

        def credit(day: date, figure: str, amount: int = 1, facts=facts, by_owner=by_owner) -> None:
            case = facts.case_on(day)
            if case is not None and case.opened_on <= as_of:
                by_owner[case.owner_on(day), facts.cases.index(case)][figure] += amount

        _money(facts, start, as_of, credit)
        _conversations(facts, start, as_of, grace, credit)
        _cases(facts, start, as_of, credit, by_owner)
        bucket = facts.opening[0]
        for (owner, _), figures in by_owner.items():
            cell = found[owner, bucket]
            for name, value in figures.items():
                cell[name] += value
            cell["worked"] += figures["attempts"] > 0
            cell["contacted"] += figures["connects"] > 0
            cell["reached"] += figures["right_party"] > 0
            cell["paying"] += figures["collected"] > 0
            cell["collected_squares"] += figures["collected"] ** 2
    return found


def _money(facts: Facts, start: date, as_of: date, credit) -> None:
    for position, (paid_on, amount) in enumerate(facts.payments):
        if start <= paid_on <= as_of:
            credit(paid_on, "collected", amount)
        left = amount
        for known_on, taken in sorted((on, taken) for of, on, taken in facts.reversals if of == position):
            lost = min(taken, left)
            left -= lost
            if start <= known_on <= as_of and paid_on <= as_of:
                credit(paid_on, "collected", -lost)


def _conversations(facts: Facts, start: date, as_of: date, grace: int, credit) -> None:
    for day, channel, connected, right_party, promised in facts.contacts:
        if start <= day <= as_of:
            credit(day, {"call": "calls", "visit": "visits", "letter": "letters"}.get(channel, "messages"))
            credit(day, "attempts")
            credit(day, "connects", int(connected))
            credit(day, "right_party", int(right_party))
            credit(day, "right_party_promised", int(right_party and promised))
    for made_on, due_on, amount, status, paid in facts.promises:
        if start <= made_on <= as_of:
            credit(made_on, "promises")
            credit(made_on, "promised", amount)
        if status != "cancelled" and start <= due_on + timedelta(grace + 1) <= as_of:
            credit(made_on, "fallen_due")
            credit(made_on, "fallen_due_amount", amount)
            credit(made_on, status)
            credit(made_on, "kept_amount", min(paid, amount))


def _cases(facts: Facts, start: date, as_of: date, credit, by_owner) -> None:
    known = [case for case in facts.cases if case.opened_on <= as_of]
    for case in known:
        days = [day for day in _days(start, as_of) if facts.case_on(day) is case]
        if not days or not (case.opened_on >= start or facts.opening[1] > 0 or facts.opening[2] > 0):
            continue
        is_last = case is known[-1]
        to_collect = facts.opening[2] + facts.now[3] if is_last else 0
        for owner in {case.owner_on(day) for day in days}:
            part = Fraction(sum(case.owner_on(day) == owner for day in days), len(days))
            cell = by_owner[owner, facts.cases.index(case)]
            cell["cases"] += 1
            cell["case_share"] += part
            cell["to_collect"] += part * to_collect
        if is_last and not (facts.now[1] > 0 or facts.now[2] > 0):
            paid = [day for day, _ in facts.payments if days[0] <= day <= days[-1]]
            credit(max(paid, default=days[-1]), "cured")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(number) for number in range((last - first).days + 1)]


def money(value: Fraction) -> Decimal:
    """An exact sum as the database keeps it."""
    return round(Decimal(value.numerator) / Decimal(value.denominator), 2)
