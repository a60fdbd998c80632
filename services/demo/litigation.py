"""Legal actions of the demo: bounces and recalls at every step, clocks that run out soon, hearings in these weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.legal import LegalAction, LegalActionLoan, LegalEvent
from db.queries import demo
from db.queries import legal as queries
from services import lender
from services.demo import users
from services.legal import settling
from services.legal.values import BOUNCES

SHARE: Final = 0.008
"""Actions per loan of the book."""
_WORDS: Final = ("insufficient funds",)
# kind, days since the return memo or opening, how far it is
_STORIES: Final = (
    ("s25", 4, "opened"),
    ("s25", 26, "opened"),
    ("s25", 12, "noticed"),
    ("s25", 22, "served"),
    ("s138", 50, "served"),
    ("recall", 6, "opened"),
    ("recall", 20, "served"),
    ("s138", 75, "filed"),
    ("arbitration", 80, "filed"),
    ("s25", 95, "filed"),
    ("suit", 60, "filed"),
)
_STEPS: Final = ("opened", "noticed", "served", "filed")
_EVENTS_AT_MOST: Final = 12
"""Ids that are set aside for the events of one action."""
_PURPOSES: Final = ("first_hearing", "summons", "evidence", "arguments")
_COURTS: Final = {"arbitration": "Sole arbitrator", "suit": "Civil Judge, Senior Division"}
_BLANK: Final[dict[str, Any]] = dict.fromkeys(
    ("text_", "refers_to", "how", "tracking_number", "forum", "case_number", "amount", "is_recoverable")
)


@dataclass(frozen=True, slots=True)
class _Made:
    """One action of the demo: on what, which story, and from which day."""

    id: int
    bounce: AnyRow
    kind: str
    since: date
    step: int
    """Place in `_STEPS`."""
    place: int
    officer_id: int


def add(session: Session, *, loans: int, seed: int, as_of: date) -> int:
    """Write the demo's legal actions with their events; how many. Does nothing when there are some already."""
    if queries.any_at_all(session):
        return 0
    zone = ZoneInfo(lender.load(session).time_zone)
    made = _choose(session, users.known(session), loans=loans, seed=seed, as_of=as_of)
    demo.insert_rows(session, LegalAction, [_action(each, zone) for each in made])
    on_loans = [{"action_id": each.id, "loan_id": each.bounce.loan_id} for each in made]
    demo.insert_rows(session, LegalActionLoan, on_loans)
    _write_events(session, made, zone, as_of)
    settling.derive(session, [each.id for each in made])
    return len(made)


def _choose(session: Session, known: dict[str, int], *, loans: int, seed: int, as_of: date) -> list[_Made]:
    """Borrowers whose auto-debit bounced near the day of each story; the same seed chooses the same."""
    rng = np.random.default_rng([seed, 23])
    taken, chosen = set[int](), list[tuple[AnyRow, date, int]]()
    pools = {days: _bounced(session, as_of, days) for _, days, _ in _STORIES}
    for place in range(round(loans * SHARE)):
        _, days, _ = _STORIES[place % len(_STORIES)]
        free = [row for row in pools[days] if row.borrower_id not in taken]
        if free:
            row = free[int(rng.integers(len(free)))]
            taken.add(row.borrower_id)
            chosen.append((row, as_of - timedelta(days=days - int(rng.integers(3))), place))
    first = demo.reserve_ids(session, "legal_action", len(chosen)) if chosen else 0
    leaders = (known["leela"], known["vikram"])
    return [
        _Made(
            id=first + number,
            bounce=row,
            kind=_STORIES[place % len(_STORIES)][0],
            since=since,
            step=_STEPS.index(_STORIES[place % len(_STORIES)][2]),
            place=place,
            officer_id=leaders[place % 2],
        )
        for number, (row, since, place) in enumerate(chosen)
    ]


def _bounced(session: Session, as_of: date, days: int) -> Sequence[AnyRow]:
    last = as_of - timedelta(days=days)
    return queries.bounced_between(session, last - timedelta(days=25), last, _WORDS)


def _at(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12, 15), zone)


def _action(each: _Made, zone: ZoneInfo) -> dict[str, Any]:
    is_bounce, is_debit = each.kind in BOUNCES, each.kind == "s25"
    number = each.bounce.reference if is_debit else f"{482_000 + each.place:06}"
    return {
        "id": each.id,
        "borrower_id": each.bounce.borrower_id,
        "kind": each.kind,
        "opened_at": _at(each.since, zone),
        "opened_on": each.since,
        "opened_by": each.officer_id,
        "amount": each.bounce.amount if is_bounce else max(each.bounce.outstanding, Decimal(1000)),
        "reason": "Reminders and calls brought nothing",
        "presentation_id": each.bounce.id if is_debit else None,
        "instrument_number": number if is_bounce else None,
        "instrument_on": each.bounce.presented_on if is_bounce else None,
        "return_reason": "insufficient_funds" if is_bounce else None,
        "memo_on": each.since if is_bounce else None,
    }


def _write_events(session: Session, made: Sequence[_Made], zone: ZoneInfo, as_of: date) -> None:
    """Notices, receipts, filings with their approval, hearings and expenses, each after what it refers to."""
    if not made:
        return
    rows: list[dict[str, Any]] = []
    first = demo.reserve_ids(session, "legal_event", _EVENTS_AT_MOST * len(made))
    for number, each in enumerate(made):
        base = first + number * _EVENTS_AT_MOST
        for place, event in enumerate(_story(each, as_of, base)):
            told = _at(min(event["on_date"], as_of), zone)
            rows.append({**_BLANK, "id": base + place, "action_id": each.id, "at": told, **event})
    demo.insert_rows(session, LegalEvent, rows)


def _story(each: _Made, as_of: date, first: int) -> list[dict[str, Any]]:
    """The events of one action in their order; the first gets the id `first`, the next the one after it."""

    def event(kind: str, on: date, **over: Any) -> dict[str, Any]:
        return {"kind": kind, "on_date": on, "done_by": each.officer_id, **over}

    sent, received = each.since + timedelta(days=3), each.since + timedelta(days=8)
    tracked = f"RM{73_100_000 + each.place}IN"
    found = [
        event("notice_issued", sent, how="registered_post", tracking_number=tracked),
        event("expense", sent, how="postage", amount=Decimal(62), is_recoverable=True),
        event("served", received, refers_to=first),
    ]
    if each.step < 3:
        return found[: (0, 2, 3)[each.step]]
    filed = received + timedelta(days=33 if each.kind == "arbitration" else 20)
    court = _COURTS.get(each.kind, "Judicial Magistrate First Class")
    number = f"{each.kind.upper()}/{1200 + each.place}/{filed.year}"
    coming = as_of + timedelta(days=1 + each.place % 12)
    return [
        *found,
        event("filing_asked", received + timedelta(days=10), text_="The borrower does not answer"),
        event("filing_approved", received + timedelta(days=11), done_by=None),
        event("filed", filed, forum=court, case_number=number),
        event("expense", filed, how="court_fee", amount=Decimal(1500), is_recoverable=True),
        event("expense", filed, how="advocate_fee", amount=Decimal(5000), is_recoverable=False),
        event("hearing", filed + timedelta(days=6), how="first_hearing"),
        event("hearing_held", filed + timedelta(days=6), refers_to=first + 8, text_="Summons issued to the borrower"),
        event("hearing", coming, how=_PURPOSES[each.place % len(_PURPOSES)]),
    ]
