"""The portfolio's sentences, written from the data."""

from collections.abc import Sequence
from decimal import Decimal

from components import money, notices
from components.dates import day
from services.portfolio import Measure, Overview, Rolls, Vintage, WorstSegments
from services.portfolio.changes import Changes, Moved, Movement
from services.portfolio.rolls import FEWEST, Cell, Outcome

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
        return f"{money.counted(past_due, 'account')} past due"
    change = past_due - sum(opening)
    turned = f"{money.count(abs(change))} {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    return f"{money.counted(past_due, 'account')} past due, {turned} at month start"


def rolls(seen: Rolls, measure: Measure) -> str:
    """What the matrix says, as a heading: the bucket whose roll forward changed most."""
    line = seen.headline(measure)
    if line is None:
        latest = seen.latest
        could = any(latest.row(bucket).loans for bucket in range(len(seen.bucket_labels) - 1)) if latest else False
        few = f"Too few accounts to name a change: no bucket began the month with {FEWEST}"
        return few if could else "No account could roll in this month"
    label, told = seen.bucket_labels[line.bucket], share_of(line.share, line.whole, measure)
    if line.change is None:
        return f"{label} rolls forward at {told}"
    if abs(line.change) < Decimal("0.0005"):
        return "Buckets roll forward as in the month before"
    pace = "faster" if line.change > 0 else "slower"
    return f"{label} rolls forward {pace} than the month before: {told} ({points(line.change)})"


def trend(seen: Rolls, measure: Measure) -> str:
    """What the trends say, as a heading: how the first bucket past due is cured."""
    latest, line = seen.latest, seen.told(1, Outcome.CURE, measure)
    if latest is None or line is None:
        return "What became of each bucket, by month"
    turned = f" ({points(line.change)} on the month before)" if line.change is not None else ""
    cured = share_of(line.share, line.whole, measure)
    return f"{cured} in {seen.bucket_labels[1]} cured in {latest.closing_on:%b %Y}{turned}"


def segments(found: WorstSegments, measure: Measure) -> str:
    """What the segments say, as a heading: the worst of those with accounts enough."""
    worst = found.segments[0]
    month = f"{found.closing_on:%b %Y}"
    if worst.is_small:
        return f"Too few accounts to name a worst segment in {month}: none began it with {FEWEST} past due"
    name = notices.plain(worst.name)
    whole = Cell(worst.loans, worst.exposure)
    return f"{name} rolls forward most in {month}: {share_of(worst.forward, whole, measure)}"


def vintages(curves: Sequence[Vintage]) -> str:
    """The newest quarter that others reached the age of, against the one before it."""
    for newer, older in zip(reversed(curves[1:]), reversed(curves[:-1]), strict=True):
        now = newer.points[-1]
        was = next((point for point in older.points if point.month == now.month), None)
        if now.month < 3 or was is None or min(now.loans, was.loans) < FEWEST:
            continue
        if now.share_30 is not None and was.share_30 is not None:
            word = (
                "worse than" if now.share_30 > was.share_30 else "better than" if now.share_30 < was.share_30 else "as"
            )
            loans = money.counted(now.loans, "loan")
            return (
                f"{newer.label} ages {word} {older.label}: {percent(now.share_30)} of {loans} 30+ "
                f"at month {now.month}, against {percent(was.share_30)} of {money.count(was.loans)}"
            )
    return "How quarters of disbursal age"


def share_of(share: Decimal, whole: Cell, measure: Measure) -> str:
    """A share with what it is of: '13.6 % of 59 accounts', '13.6 % of ₹1.2 Cr in 59 accounts'."""
    of = money.counted(whole.loans, "account")
    amount = "" if measure is Measure.COUNT else f"{notices.said(money.short(whole.amount))} in "
    return f"{percent(share)} of {amount}{of}"
