"""Where legal actions stand: derived for given actions, and when a payment or its reversal arrives on their loans."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import legal as queries
from db.queries import legal_notices as notice_queries
from services.legal.clock import STORED, Happened, Money, Opened, State, replay
from services.legal.values import Lengths

_AT_A_TIME = 2_000
_FIELDS = {"notice": "notice_days", "payment": "payment_days", "filing": "filing_months"}


@dataclass(frozen=True, slots=True)
class Standing:
    """An action with its facts and what follows from them."""

    borrower_id: int
    opened: Opened
    events: tuple[Happened, ...]
    state: State


def lengths_of(rows: Iterable[AnyRow], kind: str, on: date) -> Lengths:
    """Lengths of a kind's clocks in force on a day: of each clock the newest row that began by then."""
    found = {_FIELDS[row.clock]: row.length for row in rows if row.kind == kind and row.effective_from <= on}
    return Lengths(**found)


def standings(session: Session, action_ids: Sequence[int]) -> dict[int, Standing]:
    """Where actions stand by their facts, from three statements however many they are."""
    actions, events, payments = queries.facts(session, action_ids)
    rules = queries.rules(session)
    happened, received = defaultdict[int, list[Happened]](list), defaultdict[int, list[Money]](list)
    for row in events:
        happened[row.action_id].append(
            Happened(row.id, row.kind, row.on_date, row.refers_to, row.how, row.amount, row.is_recoverable)
        )
    for row in payments:
        received[row.action_id].append(Money(row.paid_on, row.amount))
    found = {}
    for row in actions:
        opened = Opened(row.kind, row.opened_on, row.amount, row.memo_on)
        lengths = lengths_of(rules, row.kind, row.memo_on or row.opened_on)
        state = replay(opened, happened[row.id], received[row.id], lengths)
        found[row.id] = Standing(row.borrower_id, opened, tuple(happened[row.id]), state)
    return found


def derive(session: Session, action_ids: Sequence[int]) -> int:
    """Write where these actions stand; how many borrowers that touched."""
    touched: set[int] = set()
    for start in range(0, len(action_ids), _AT_A_TIME):
        found = standings(session, action_ids[start : start + _AT_A_TIME])
        rows = [
            {"id": action_id, **{name: getattr(standing.state, name) for name in STORED}}
            for action_id, standing in found.items()
        ]
        changed = queries.write(session, rows)
        if changed:
            notice_queries.finish_reminders(session, [*found])
            touched.update(changed)
    return len(touched)


def settle_for(session: Session, loan_ids: Sequence[int]) -> int:
    """Derive the actions on a few loans, the moment a fact about them arrives; how many borrowers it touched."""
    return derive(session, queries.of_loans(session, loan_ids))


def settle(session: Session, first_loan_id: int, last_loan_id: int) -> int:
    """The same for a range of loans, both ids included."""
    return derive(session, queries.of_loan_range(session, first_loan_id, last_loan_id))
