"""What was not yet tried with a borrower: each way with its last attempt, and whether it is allowed now."""

from dataclasses import dataclass

import streamlit as st

from components import dates, empty, tables
from components.tables import Column
from services import contacts
from services.actors import Actor
from services.contacts import untried
from services.contacts.untried import Way

_COLUMNS = (
    Column("who", "Who", help="The borrower, co-borrowers and guarantors; nobody else may be contacted (IN-03)"),
    Column("channel", "Channel", width=90),
    Column("where", "Where", width=150),
    Column("now", "Allowed now?", width=160, help="What the gate says of the channel at this moment"),
    Column("last", "Last attempt", width=130),
    Column("outcome", "Outcome"),
    Column("tries", "Tries", "number", width=60),
    Column("why", "Why not now", width="large"),
)


@dataclass(frozen=True, slots=True)
class _Line:
    who: str
    channel: str
    where: str
    now: str
    last: str
    outcome: str | None
    tries: int | None
    why: str | None


def show(actor: Actor, borrower_id: int) -> None:
    """The ways, never tried first."""
    ways = untried.of_borrower(actor, borrower_id)
    if not ways:
        empty.empty("No way to reach anyone is on record.", "Import a contacts file with numbers and addresses.")
        return
    never = sum(way.last_at is None and way.channel is not None for way in ways)
    said = f"{never} of {len(ways)} ways were never tried." if never else "Every way on record was tried."
    st.markdown(f"**Not yet tried.** {said}")
    tables.table([_line(way) for way in ways], _COLUMNS, key=f"untried.{borrower_id}")


def _line(way: Way) -> _Line:
    if way.channel is None:
        return _Line(way.who, "none", "nothing on record", "No", "–", None, None, "Find the number or address first.")
    last = dates.moment(way.last_at) if way.last_at else "never tried"
    now, why = _now(way)
    return _Line(way.who, contacts.CHANNELS[way.channel], way.masked or "", now, last, way.last_outcome, way.tries, why)


def _now(way: Way) -> tuple[str, str | None]:
    if way.is_refused:
        return "No", "Contact was refused here."
    if way.gate is None or way.gate.is_allowed:
        return "Yes", None
    later = way.gate.next_allowed_at
    return (f"From {dates.moment(later)}" if later else "No"), way.gate.reason
