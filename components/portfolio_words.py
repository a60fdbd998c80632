"""The portfolio's sentences, written from the data."""

from decimal import Decimal

from components import money
from components.dates import day
from services.portfolio import Measure, Overview, Rolls
from services.portfolio.changes import Changes, Moved, Movement
from services.portfolio.rolls import Outcome

NOTHING = "–"
MINUS = "−"


def percent(share: Decimal | None) -> str:
    """'18.2 %'; a dash for none."""
    return NOTHING if share is None else f"{share * 100:.1f} %"


def points(change: Decimal) -> str:
    """'+2.1 pts'; what rounds to nothing has no sign."""
    return signed(f"{abs(change) * 100:.1f} pts", change if _shows(change) else 0)


def _shows(share: Decimal) -> bool:
    """Whether a share is more than nothing at the one decimal that is written."""
    return round(abs(share) * 100, 1) > 0


def signed(written: str, change: Decimal | int) -> str:
    """With its sign before it."""
    return f"{MINUS if change < 0 else '+' if change > 0 else ''}{written}"


def plural(number: Decimal | int, noun: str) -> str:
    """'1 account', '12,345 accounts'."""
    return f"{money.count(int(number))} {noun}" + ("" if number == 1 else "s")


def movement(moved: Movement, labels: tuple[str, ...]) -> str:
    """'61–90 grew by 214 accounts, ₹1.2 Cr (+8.4 %)'."""
    verb = "grew" if moved.amount > 0 or (moved.amount == 0 and moved.loans > 0) else "fell"
    share = f" ({signed(percent(abs(moved.share)), moved.share)})" if moved.share and _shows(moved.share) else ""
    if moved.what is Moved.OVERDUE:
        return f"Overdue {verb} by {money.short(abs(moved.amount))}{share}"
    if moved.what is Moved.NPA:
        turned = f" ({points(moved.points)})" if moved.points is not None else ""
        return f"NPA {verb} by {money.short(abs(moved.amount))}{turned}"
    assert moved.bucket is not None
    return f"{labels[moved.bucket]} {verb} by {money.short(abs(moved.amount))}{share}"


def nothing_moved(changes: Changes) -> str:
    """Said when no figure moved."""
    return f"Nothing moved since {day(changes.since)}."


def ageing(seen: Overview) -> str:
    """What the buckets say, as a heading."""
    past_due = sum(age.now.loans for age in seen.ageing if age.bucket)
    if not past_due:
        return "No account is past due"
    opening = [age.opening.loans for age in seen.ageing if age.bucket and age.opening is not None]
    if not opening:
        return f"{plural(past_due, 'account')} past due"
    change = past_due - sum(opening)
    turned = f"{money.count(abs(change))} {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    return f"{plural(past_due, 'account')} past due, {turned} at month start"


def rolls(seen: Rolls, measure: Measure) -> str:
    """What the matrix says, as a heading: the bucket whose roll forward changed most."""
    line = seen.headline(measure)
    if line is None:
        return "No account could roll in this month"
    label = seen.bucket_labels[line.bucket]
    if line.change is None:
        return f"{label} rolls forward at {percent(line.share)}"
    if abs(line.change) < Decimal("0.0005"):
        return "Buckets roll forward as in the month before"
    pace = "faster" if line.change > 0 else "slower"
    return f"{label} rolls forward {pace} than the month before: {percent(line.share)} ({points(line.change)})"


def trend(seen: Rolls, measure: Measure) -> str:
    """What the trends say, as a heading: how the first bucket past due is cured."""
    latest = seen.latest
    cured = latest.outcome(1, Outcome.CURE, measure) if latest is not None else None
    if latest is None or cured is None:
        return "What became of each bucket, by month"
    before = seen.months[-2].outcome(1, Outcome.CURE, measure) if len(seen.months) > 1 else None
    turned = f" ({points(cured - before)} on the month before)" if before is not None else ""
    return f"{percent(cured)} of {seen.bucket_labels[1]} cured in {latest.closing_on:%b %Y}{turned}"
