"""What each figure means, with numerator, denominator and lag: the words of the screen, the exports and the reports.

docs/performance.md holds the same words; a test keeps the two equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.performance.sums import Sums


class Unit(StrEnum):
    """How a figure is written."""

    COUNT = "count"
    MONEY = "money"
    SHARE = "share"


class Figure(StrEnum):
    """The figures of the performance page, in the order of its table."""

    CASES = "cases"
    TO_COLLECT = "to_collect"
    COLLECTED = "collected"
    COLLECTED_SHARE = "collected_share"
    CURED = "cured"
    CURE_RATE = "cure_rate"
    WORKED = "worked"
    CONTACTED = "contacted"
    ATTEMPTS = "attempts"
    RIGHT_PARTY = "right_party"
    RPC_OF_ATTEMPTS = "right_party_of_attempts"
    RPC_OF_CONNECTS = "right_party_of_connects"
    PROMISES = "promises"
    PROMISE_RATE = "promise_rate"
    FALLEN_DUE = "fallen_due"
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    BROKEN = "broken"
    KEPT_RATE = "kept_rate"
    KEPT_AMOUNT_RATE = "kept_amount_rate"


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's name and meaning."""

    label: str
    unit: Unit
    meaning: str

    def of(self, figure: Figure) -> Callable[[Sums], Decimal | int | None]:
        """Reads the figure from sums."""
        return lambda sums: getattr(sums, figure.value)


_TO_DATE = "Month to date at the day-end named above; a late fact changes it when the day is restated."
_CREDIT = "Credited to who had the case on that date."

DEFINITIONS: dict[Figure, Definition] = {
    Figure.CASES: Definition(
        "Allocated",
        Unit.COUNT,
        "Cases past due at the day-end before the month, or opened in it, that the owner had on at least one day. A "
        "case that changed hands counts once for each who had it.",
    ),
    Figure.WORKED: Definition(
        "Worked", Unit.COUNT, f"Cases with at least one outbound contact attempt by a person in the month. {_CREDIT}"
    ),
    Figure.CONTACTED: Definition(
        "Contacted", Unit.COUNT, "Cases with at least one attempt in the month that was connected to anyone."
    ),
    Figure.ATTEMPTS: Definition(
        "Attempts", Unit.COUNT, "Outbound calls, visits, letters and messages of the month that a person recorded."
    ),
    Figure.RIGHT_PARTY: Definition(
        "Right party",
        Unit.COUNT,
        "Attempts of the month that reached the right party, as the outcome's entry in the outcome table says.",
    ),
    Figure.RPC_OF_ATTEMPTS: Definition(
        "RPC of attempts", Unit.SHARE, "Right-party contacts ÷ outbound attempts, both of the month to date."
    ),
    Figure.RPC_OF_CONNECTS: Definition(
        "RPC of connects", Unit.SHARE, "Right-party contacts ÷ connected attempts, both of the month to date."
    ),
    Figure.PROMISES: Definition(
        "Promises made",
        Unit.COUNT,
        "Promises to pay recorded in the month, also those taken back later; one of several dates counts once. "
        f"{_CREDIT}",
    ),
    Figure.PROMISE_RATE: Definition(
        "Promise rate",
        Unit.SHARE,
        "Right-party contacts that gave a promise ÷ right-party contacts, both of the month to date.",
    ),
    Figure.FALLEN_DUE: Definition(
        "Fallen due",
        Unit.COUNT,
        "Promises whose date with grace passed in the month, whenever they were made, without those taken back; of "
        "several dates each falls due for itself. "
        "Credited to who had the case when the promise was made. Lag: the grace days.",
    ),
    Figure.KEPT: Definition("Kept", Unit.COUNT, "Promises fallen due that were paid in full by their date with grace."),
    Figure.PARTLY_KEPT: Definition(
        "Partly kept", Unit.COUNT, "Promises fallen due that were paid in part by their date with grace."
    ),
    Figure.BROKEN: Definition(
        "Broken", Unit.COUNT, "Promises fallen due towards which nothing was paid by their date with grace."
    ),
    Figure.KEPT_RATE: Definition(
        "Kept rate", Unit.SHARE, "Promises kept ÷ promises fallen due in the month, by count; partly kept is not kept."
    ),
    Figure.KEPT_AMOUNT_RATE: Definition(
        "Kept, by amount", Unit.SHARE, "Paid against the promises fallen due in the month ÷ the amounts they promised."
    ),
    Figure.TO_COLLECT: Definition(
        "To collect",
        Unit.MONEY,
        "Overdue at the day-end before the month + dues of the month to date, of the borrowers of the cases. A case "
        "that changed hands is divided by the days for which each had it.",
    ),
    Figure.COLLECTED: Definition(
        "Collected",
        Unit.MONEY,
        "Money received in the month by its value date while the case was open, less what was reversed or bounced in "
        "the month, whenever it had been received. Credited to who had the case on the value date of the payment; a "
        f"reversal takes it back from the same owner. {_TO_DATE}",
    ),
    Figure.COLLECTED_SHARE: Definition(
        "Collected share", Unit.SHARE, "Collected ÷ to collect, both of the month to date."
    ),
    Figure.CURED: Definition(
        "Cured",
        Unit.COUNT,
        "Cases whose borrower has nothing past due at the day-end, and no loan written off in the month. Credited to "
        "who had the case on the value date of the last payment.",
    ),
    Figure.CURE_RATE: Definition(
        "Cure rate",
        Unit.SHARE,
        "Cases cured ÷ cases, each counted by the part of its open days for which the owner had it.",
    ),
}

INDEX_MEANING = (
    "Actual ÷ expected. Expected: what the owner's cases would have brought if each opening bucket had done as in the "
    "whole book shown. 1 is the book; the whisker is the 95 % interval. Where it crosses 1, or there are fewer than 30 "
    "cases, the owner cannot be told from the book."
)
COST_MEANING = (
    "(Attempts by channel × cost of each + agent-months × cost of a month, for the days gone by + what agencies are "
    "paid) ÷ collected. An agency is paid its commission on what its people collected, less what was taken back, and "
    "its fee for the days gone by; its people cost no agent-month. An agent's month and an agency's fee are divided "
    "over buckets, products and regions by cases. Legal cost is not in it."
)
TARGET_MEANING = "Collected in the month to date ÷ the target of the whole month."
