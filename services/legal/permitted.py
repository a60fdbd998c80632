"""Which acts an action allows, and on which days: pure. A refusal names the rule and the day that would do."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from services.errors import Refused
from services.legal.clock import Happened, State, in_force, outstanding, unheld
from services.legal.values import FILED

_NOTICE_RULE: Final = {"s138": "S.138 proviso (b) NI Act", "s25": "S.25 PSS Act"}
_FILING_RULE: Final = {
    "s138": "S.142(1)(b) with S.138 proviso (c) NI Act",
    "s25": "S.25 PSS Act with S.142 NI Act",
    "arbitration": "S.11 Arbitration and Conciliation Act",
}
_ALWAYS: Final = ("expense", "noted")
VOIDABLE: Final = frozenset(
    {"notice_issued", "served", "returned", "hearing", "hearing_held", "order", "award", "expense"}
)
"""Events that can be taken back as a mistake while nothing later rests on them."""


def possible(kind: str, state: State, events: Sequence[Happened], today: date) -> tuple[str, ...]:
    """The acts that may be done today, in the order in which they come."""
    acts = ("notice_issued", "served", "filing_asked", "filed", "hearing", "hearing_held", "order", "award", "closed")
    allowed = [act for act in acts if why_not(kind, state, events, act, today) is None]
    return (*allowed, *_ALWAYS) if state.status != "closed" else ()


def require(kind: str, state: State, events: Sequence[Happened], act: str, on: date) -> None:
    """Refuse an act that is too early, too late, or does not follow.

    Raises:
        Refused: the sentence names the rule and the day from which, or until which, it is allowed.
    """
    refusal = why_not(kind, state, events, act, on)
    if refusal is not None:
        raise Refused(refusal)


def why_not(kind: str, state: State, events: Sequence[Happened], act: str, on: date) -> str | None:
    """Why an act is not allowed on a day; None: it is."""
    if state.status == "closed":
        return "This action is closed."
    if act == "notice_issued":
        return _notice(kind, state, on)
    if act in {"served", "returned"}:
        return _receipt(events, on)
    if act == "filing_asked":
        return _asking(kind, state, events, on)
    if act == "filed":
        return _filing(kind, state, events, on)
    if act in {"hearing", "order", "award", "hearing_held"}:
        return _before_court(kind, state, events, act, on)
    return None


def _spoken(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _notice(kind: str, state: State, on: date) -> str | None:
    if state.status != "opened":
        return "The notice was sent already. Record what became of it first."
    if state.notice_by is not None and on > state.notice_by:
        return (
            f"Too late: the notice had to be sent by {_spoken(state.notice_by)}, within the time that "
            f"{_NOTICE_RULE[kind]} gives from the receipt of the return memo. Present the instrument again, or close."
        )
    return None


def _receipt(events: Sequence[Happened], on: date) -> str | None:
    notice = outstanding(events)
    if notice is None:
        return "No notice is on its way: its receipt or return is recorded already, or none was sent."
    if on < notice.on_date:
        return f"The notice was sent on {_spoken(notice.on_date)}: it cannot have been received before."
    return None


def _asking(kind: str, state: State, events: Sequence[Happened], on: date) -> str | None:
    if kind not in FILED:
        return "A recall is not filed. Open an arbitration or a suit when the time to pay is over."
    if state.status in {"filed", "decided"}:
        return "It is filed already."
    if state.paid_on is not None:
        return f"The whole amount was paid on {_spoken(state.paid_on)}, in time: there is no cause to file."
    if state.file_by is not None and on > state.file_by:
        return _too_late(kind, state.file_by)
    if kind not in {"suit", "other"} and state.notice_on is None:
        return "Send the notice first."
    if asked(events) == "waiting":
        return "The request to file waits for its decision."
    return "The filing is approved already." if asked(events) == "approved" else None


def asked(events: Sequence[Happened]) -> str | None:
    """Where the request to file stands: waiting, approved, refused; None: nobody asked."""
    kinds = [event.kind for event in in_force(events) if event.kind.startswith("filing_")]
    if not kinds:
        return None
    return {"filing_asked": "waiting", "filing_approved": "approved", "filing_refused": "refused"}[kinds[-1]]


def _too_late(kind: str, last: date) -> str:
    rule = _FILING_RULE.get(kind, "the rule")
    return f"Too late: {rule} allowed the complaint until {_spoken(last)}. Only the court may condone the delay."


def _filing(kind: str, state: State, events: Sequence[Happened], on: date) -> str | None:
    if kind not in FILED:
        return "A recall is not filed. Open an arbitration or a suit when the time to pay is over."
    if state.status in {"filed", "decided"}:
        return "It is filed already."
    if state.paid_on is not None:
        return f"The whole amount was paid on {_spoken(state.paid_on)}, in time: there is no cause to file."
    if kind not in {"suit", "other"} and state.file_from is None:
        return "Record first when the notice was received: the time to pay runs from there."
    if state.file_from is not None and on < state.file_from and kind not in {"suit", "other"}:
        return (
            f"Too early: {_FILING_RULE.get(kind, 'the rule')} allows filing from {_spoken(state.file_from)}, "
            "when the borrower's time is over."
        )
    if state.file_by is not None and on > state.file_by:
        return _too_late(kind, state.file_by)
    if asked(events) != "approved":
        return "Filing needs the approval of another person. Ask for it first."
    return None


def _before_court(kind: str, state: State, events: Sequence[Happened], act: str, on: date) -> str | None:
    if state.status not in {"filed", "decided"}:
        return "Hearings and decisions come after the filing."
    if act == "award" and kind != "arbitration":
        return "Only an arbitration ends with an award. Record an order."
    if act != "hearing_held":
        return None
    waiting = [hearing.on_date for hearing in unheld(in_force(events))]
    if not waiting:
        return "No hearing waits for its result. Set the hearing first."
    return f"Too early: the hearing is on {_spoken(min(waiting))}." if min(waiting) > on else None
