"""The sums of a month to date, and the rates made of them. Definitions: docs/performance.md."""

from dataclasses import dataclass, fields
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sums:
    """What came of cases; see `db.models.performance.PerformanceDay` for each."""

    cases: int = 0
    case_share: Decimal = ZERO
    to_collect: Decimal = ZERO
    worked: int = 0
    contacted: int = 0
    reached: int = 0
    calls: int = 0
    visits: int = 0
    letters: int = 0
    messages: int = 0
    connects: int = 0
    right_party: int = 0
    right_party_promised: int = 0
    promises: int = 0
    promised: Decimal = ZERO
    fallen_due: int = 0
    fallen_due_amount: Decimal = ZERO
    kept: int = 0
    partly_kept: int = 0
    broken: int = 0
    kept_amount: Decimal = ZERO
    collected: Decimal = ZERO
    collected_squares: Decimal = ZERO
    paying: int = 0
    cured: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in NAMES))

    @property
    def attempts(self) -> int:
        """Outbound attempts by a person, on any channel."""
        return self.calls + self.visits + self.letters + self.messages

    @property
    def worked_share(self) -> Decimal | None:
        """Cases worked ÷ cases."""
        return _share(self.worked, self.cases)

    @property
    def contact_rate(self) -> Decimal | None:
        """Cases with a connected attempt ÷ cases."""
        return _share(self.contacted, self.cases)

    @property
    def right_party_of_attempts(self) -> Decimal | None:
        """Right-party contacts ÷ attempts."""
        return _share(self.right_party, self.attempts)

    @property
    def right_party_of_connects(self) -> Decimal | None:
        """Right-party contacts ÷ connected attempts."""
        return _share(self.right_party, self.connects)

    @property
    def promise_rate(self) -> Decimal | None:
        """Right-party contacts that gave a promise ÷ right-party contacts."""
        return _share(self.right_party_promised, self.right_party)

    @property
    def kept_rate(self) -> Decimal | None:
        """Promises kept ÷ promises fallen due."""
        return _share(self.kept, self.fallen_due)

    @property
    def kept_amount_rate(self) -> Decimal | None:
        """Paid against promises fallen due ÷ what they promised."""
        return _share(self.kept_amount, self.fallen_due_amount)

    @property
    def collected_share(self) -> Decimal | None:
        """Collected ÷ to collect."""
        return _share(self.collected, self.to_collect)

    @property
    def cure_rate(self) -> Decimal | None:
        """Cases cured ÷ cases by the part held."""
        return _share(self.cured, self.case_share)


NAMES = tuple(field.name for field in fields(Sums))


def _share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    return Decimal(part) / Decimal(whole) if whole else None
