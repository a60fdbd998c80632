"""What each figure means: the words shown on hover and in docs/figures.md. A test keeps the two the same."""

from dataclasses import dataclass
from enum import StrEnum


class FigureKey(StrEnum):
    """The headline figures, in the order in which they are shown."""

    OVERDUE = "overdue"
    DELINQUENT = "delinquent"
    EFFICIENCY = "efficiency"
    RECOVERY = "recovery"
    PROMISES = "promises"
    NPA = "npa"


class Unit(StrEnum):
    """What a figure counts."""

    MONEY = "money"
    COUNT = "count"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's name, unit and exact meaning."""

    label: str
    unit: Unit
    meaning: str


DEFINITIONS: dict[FigureKey, Definition] = {
    FigureKey.OVERDUE: Definition(
        "Overdue",
        Unit.MONEY,
        "Sum of all dues (principal, interest, charges) that fell due on or before the date and are not paid, over "
        "active loans. Closed and written-off loans are left out.",
    ),
    FigureKey.DELINQUENT: Definition(
        "Delinquent accounts",
        Unit.COUNT,
        "Active loans in a bucket past due at the day-end, that is, whose oldest unpaid due date lies further back "
        "than the first bucket reaches.",
    ),
    FigureKey.EFFICIENCY: Definition(
        "Collection efficiency",
        Unit.SHARE,
        "Excluding arrears: part of the month's demand that is paid ÷ the month's demand (dues falling due in the "
        "month up to the date); money settles older dues first. Including arrears: all money received in the month ÷ "
        "(the month's demand + overdue at the last day-end of the month before); advances count, so it can pass 100 %.",
    ),
    FigureKey.RECOVERY: Definition(
        "Recovery rate",
        Unit.SHARE,
        "Collected on overdue ÷ overdue assigned. Overdue assigned: overdue at the last day-end of the month before + "
        "dues of this month not paid by the date. Collected on overdue: money of the month beyond what paid the "
        "month's own demand, never more than the fall of the overdue assigned, so that advances and foreclosures do "
        "not count as recovery.",
    ),
    FigureKey.PROMISES: Definition(
        "Promises pending",
        Unit.COUNT,
        "Pending: promises to pay whose date, with grace, has not passed and that are neither kept nor cancelled. "
        "Broken: promises of the month whose date, with grace, passed with nothing paid towards them or less than the "
        "lender counts as partly kept. For the newest day both are as they stand now, else as at the day-end.",
    ),
    FigureKey.NPA: Definition(
        "NPA share",
        Unit.SHARE,
        "Outstanding principal of active loans classed as non-performing at the day-end (RBI: more than 90 days past "
        "due, until all arrears are paid) ÷ outstanding principal of all active loans.",
    ),
}

ROLL_MEANING = (
    "Cohort: loans active at the opening month-end, frozen. Each is counted by its bucket at the opening and what it "
    "was at the closing month-end: a bucket, closed, written off, or no longer reported. Rows add to 100 %. Amounts "
    "are outstanding principal at the opening."
)
OUTCOME_MEANINGS: dict[str, str] = {
    "forward": "In the bucket at the opening and in a worse one at the closing ÷ in the bucket at the opening.",
    "stabilised": "In the bucket at the opening and still in it at the closing ÷ in the bucket at the opening.",
    "back": "In a better bucket at the closing, but not current ÷ in the bucket at the opening.",
    "cure": "Past due at the opening and current at the closing ÷ in the bucket at the opening.",
}
VINTAGE_MEANING = (
    "Loans by quarter of disbursal: those more than 30 (or 90) days past due at a month-end, or written off, ÷ all "
    "loans disbursed in the quarter by then; by amount, their outstanding principal ÷ the amount disbursed. Month 0 is "
    "the month in which the quarter begins; the first three points are of a quarter still being disbursed."
)
SEGMENT_MEANING = (
    "Of loans past due at the opening month-end that could still get worse (the last bucket left out): share that was "
    "in a worse bucket at the closing. Change is against the month before, in points. Segments of fewer than 30 such "
    "loans come last, since one loan moves them too far."
)
