"""Delinquency in slow, plain Python: walks through the day-ends one by one. What the SQL definition must equal.

It shares nothing with db/queries/delinquency.py but the meaning of its words.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

ZERO = Decimal(0)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    due_on: date
    principal: Decimal = ZERO
    interest: Decimal = ZERO
    charges: Decimal = ZERO
    waived: tuple[tuple[date, Decimal, date | None], ...] = ()
    """From when, how much of the charges, and until when (None: for good)."""

    def known_on(self, as_of: date) -> "Due":
        """What is owed of it as of a date."""
        off = sum((amount for day, amount, end in self.waived if day <= as_of and (end is None or end > as_of)), ZERO)
        return Due(self.due_on, self.principal, self.interest, self.charges - off)

    @property
    def amount(self) -> Decimal:
        return self.principal + self.interest + self.charges


@dataclass(frozen=True)
class Paid:
    paid_on: date
    amount: Decimal
    reversals: tuple[tuple[date, Decimal], ...] = ()
    """Day on which it became known that so much was taken back."""


@dataclass(frozen=True)
class Report:
    as_of: date
    dpd: int


@dataclass(frozen=True)
class LoanFacts:
    schedule: tuple[Due, ...] = ()
    payments: tuple[Paid, ...] = ()
    bounces: tuple[date, ...] = ()
    reports: tuple[Report, ...] | None = None
    """None: the loan has a schedule. Else the lender's own figures."""
    allocation: tuple[str, str, str] = ("interest", "principal", "charges")
    closed_on: date | None = None
    written_off_on: date | None = None
    principal: Decimal = ZERO


@dataclass
class Walk:
    """What one loan owed at each day-end, as known on a business date."""

    facts: LoanFacts
    as_of: date
    received: list[tuple[date, Decimal]] = field(init=False)
    dues: list[Due] = field(init=False)

    def __post_init__(self) -> None:
        known = []
        for paid in sorted(self.facts.payments, key=lambda p: p.paid_on):
            if paid.paid_on <= self.as_of:
                back = sum((amount for day, amount in paid.reversals if day <= self.as_of), ZERO)
                if paid.amount > back:
                    known.append((paid.paid_on, paid.amount - back))
        self.received = known
        known_dues = [due.known_on(self.as_of) for due in sorted(self.facts.schedule, key=lambda d: d.due_on)]
        self.dues = [due for due in known_dues if due.amount]

    def unpaid(self, paid: Decimal) -> list[tuple[Due, Decimal]]:
        """Dues not wholly paid, with what was paid towards each: the oldest due is settled first."""
        left, found = paid, []
        for due in self.dues:
            settled = min(left, due.amount)
            left -= settled
            if settled < due.amount:
                found.append((due, settled))
        return found

    def paid_by(self, day: date) -> Decimal:
        return sum((amount for paid_on, amount in self.received if paid_on <= day), ZERO)

    def oldest_overdue(self, day: date) -> date | None:
        """Oldest due date that is unpaid at the end of the day."""
        if self.facts.closed_on is not None and self.facts.closed_on <= min(day, self.as_of):
            return None
        if self.facts.reports is not None:
            return self._oldest_reported(day)
        return next((due.due_on for due, _ in self.unpaid(self.paid_by(day)) if due.due_on <= day), None)

    def _oldest_reported(self, day: date) -> date | None:
        """A report says since when something is unpaid; it holds until the next one."""
        reports = sorted((r for r in self.facts.reports or () if r.as_of <= self.as_of), key=lambda r: r.as_of)
        earlier = [r for r in reports if r.as_of <= day]
        if earlier and earlier[-1].as_of == day and earlier[-1].dpd == 0:
            return None
        later = [r for r in reports if r.as_of > day]
        since = [r.as_of - r.dpd * DAY for r in (*earlier[-1:], *later[:1]) if r.dpd > 0]
        since += [self._begun(report) for report in later if report.dpd > 0]
        return min((start for start in since if start <= day), default=None)

    def is_npa_at(self, day: date) -> bool:
        """Something is 90 days overdue at the end of the day."""
        if self.facts.reports is not None:
            return any(
                r.dpd >= 90 and r.as_of - r.dpd * DAY + 90 * DAY <= day and self._holds(r, day)
                for r in self.facts.reports
                if r.as_of <= self.as_of
            )
        oldest = self.oldest_overdue(day)
        return oldest is not None and (day - oldest).days >= 90

    def _begun(self, report: Report) -> date:
        """Since when something is unpaid; beyond an earlier report without arrears it is not believed."""
        cleared = [r.as_of for r in self.facts.reports or () if r.as_of < report.as_of and r.dpd == 0]
        return max([report.as_of - report.dpd * DAY, *(on + DAY for on in cleared)])

    def _holds(self, report: Report, day: date) -> bool:
        reports = sorted((r for r in self.facts.reports or () if r.as_of <= self.as_of), key=lambda r: r.as_of)
        after = [r.as_of for r in reports if r.as_of > report.as_of]
        start = self._begun(report)
        closed = self.facts.closed_on is not None and self.facts.closed_on <= min(day, self.as_of)
        return start <= day and (not after or day < after[0]) and not closed


def npa_since(borrower: list[LoanFacts], as_of: date) -> date | None:
    """First day on which the borrower's loans are NPA and stayed so: until a day-end without any arrears (IN-15)."""
    walks = [Walk(facts, as_of) for facts in borrower]
    starts = [due.due_on for walk in walks for due in walk.dues]
    starts += [r.as_of - r.dpd * DAY for walk in walks for r in walk.facts.reports or ()]
    since: date | None = None
    day = min(starts, default=as_of)
    while day <= as_of:
        if all(walk.oldest_overdue(day) is None for walk in walks):
            since = None
        elif since is None and any(walk.is_npa_at(day) for walk in walks):
            since = day
        day += DAY
    return since


def state(borrower: list[LoanFacts], index: int, as_of: date, *, npa_by_borrower: bool = True) -> dict[str, object]:
    """State of one loan of a borrower as of a business date, by the names of `loan_state`."""
    facts = borrower[index]
    walk = Walk(facts, as_of)
    since = npa_since(borrower if npa_by_borrower else [facts], as_of)
    status = _status(walk, as_of)
    oldest = None if status == "closed" else walk.oldest_overdue(as_of)
    dpd = 0 if oldest is None else (as_of - oldest).days
    if facts.reports is not None:
        reports = sorted((r for r in facts.reports if r.as_of <= as_of), key=lambda r: r.as_of)
        dpd = reports[-1].dpd if reports and status != "closed" else 0
        oldest = reports[-1].as_of - dpd * DAY if dpd else None
    return {
        "status": status,
        "dpd": dpd,
        "bucket": _bucket(status, dpd),
        "asset_class": _asset_class(status, oldest, dpd, since),
        "npa_since": None if status == "closed" else since,
        "oldest_due_on": oldest,
        **(_amounts(walk, as_of, status) if facts.reports is None else {}),
        **_counts(walk, as_of),
    }


def _status(walk: Walk, as_of: date) -> str:
    facts = walk.facts
    if facts.closed_on is not None and facts.closed_on <= as_of:
        return "closed"
    if facts.written_off_on is not None and facts.written_off_on <= as_of:
        return "written_off"
    return "closed" if facts.reports is None and _is_paid_off(walk, as_of) else "active"


def _is_paid_off(walk: Walk, as_of: date) -> bool:
    schedule = walk.facts.schedule
    is_over = bool(schedule) and max(due.due_on for due in schedule) <= as_of
    return is_over and not walk.unpaid(walk.paid_by(as_of))


def _bucket(status: str, dpd: int) -> int:
    if status != "active":
        return {"closed": 100, "written_off": 101}[status]
    return sum(dpd > edge for edge in (0, 30, 60, 90, 180))


def _asset_class(status: str, oldest: date | None, dpd: int, since: date | None) -> str:
    if status == "closed":
        return "standard"
    if status == "written_off" or since is not None:
        return "npa"
    if oldest is None:
        return "standard"
    return ("sma_0", "sma_1", "sma_2", "npa")[min(dpd // 30, 3)]


def _left(due: Due, settled: Decimal, order: tuple[str, ...]) -> dict[str, Decimal]:
    left = {}
    for component in order:
        part = min(settled, getattr(due, component))
        settled -= part
        left[component] = getattr(due, component) - part
    return left


def _amounts(walk: Walk, as_of: date, status: str) -> dict[str, object]:
    facts, paid = walk.facts, walk.paid_by(as_of)
    unpaid = [(due, _left(due, settled, facts.allocation)) for due, settled in walk.unpaid(paid)]
    overdue = [left for due, left in unpaid if due.due_on <= as_of] if status != "closed" else []
    coming = [(due.due_on, sum(left.values(), ZERO)) for due, left in unpaid if due.due_on > as_of]
    next_on = min((day for day, _ in coming), default=None) if status == "active" else None
    outstanding = sum((left["principal"] for _, left in unpaid), ZERO)
    if not facts.schedule:
        outstanding = max(facts.principal - paid, ZERO)
    demand = [due for due in walk.dues if due.due_on <= as_of and due.due_on >= as_of.replace(day=1)]
    older = sum((due.amount for due in walk.dues if due.due_on < as_of.replace(day=1)), ZERO)
    demanded = sum((due.amount for due in demand), ZERO)
    return {
        "due_to_date": older + demanded,
        "overdue_amount": sum((sum(left.values(), ZERO) for left in overdue), ZERO),
        "overdue_principal": sum((left["principal"] for left in overdue), ZERO),
        "overdue_interest": sum((left["interest"] for left in overdue), ZERO),
        "overdue_charges": sum((left["charges"] for left in overdue), ZERO),
        "outstanding": ZERO if status == "closed" else outstanding,
        "missed_instalments": len(overdue),
        "next_due_on": next_on,
        "next_due_amount": sum((amount for day, amount in coming if day == next_on), ZERO) if next_on else None,
        "demand_mtd": demanded,
        "collected_of_demand": max(min(paid - older, demanded), ZERO),
    }


def _counts(walk: Walk, as_of: date) -> dict[str, object]:
    recent = as_of - 180 * DAY
    partial, so_far = 0, ZERO
    for day, amount in walk.received:
        met = next(iter(walk.unpaid(so_far)), None)
        so_far += amount
        if walk.facts.reports is None and met is not None and day > recent and amount < met[0].amount:
            partial += 1
    closed_on = walk.facts.closed_on
    is_done = _is_paid_off(walk, as_of) or (closed_on is not None and closed_on <= as_of)
    bounces = [day for day in walk.facts.bounces if day <= as_of]
    last_on = max((day for day, _ in walk.received), default=None)
    month = [amount for day, amount in walk.received if day >= as_of.replace(day=1)]
    return {
        "paid_to_date": so_far,
        "partial_payments": 0 if is_done else partial,
        "bounces": sum(day > recent for day in bounces),
        "bounces_total": len(bounces),
        "last_paid_on": last_on,
        "last_paid_amount": sum((a for day, a in walk.received if day == last_on), ZERO) if last_on else None,
        "collected_mtd": sum(month, ZERO),
    }
