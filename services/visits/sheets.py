"""The sheet of a day: visits to take along, to be filled without network, and sent in later without doubling."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from db.engine import transaction
from db.queries import visits as queries
from services import audit, contacts, exports
from services.actors import Actor, Permission
from services.errors import Refused
from services.exports import Field
from services.visits import places
from services.visits import reading as visits
from services.visits.values import PLACES, Visit
from services.wording import counted

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # names and texts come from files and forms: hostile until escaped
    undefined=StrictUndefined,
)
GIVEN: Final = {
    "visit": "Visit",
    "borrower": "Borrower",
    "number": "Number",
    "address": "Address",
    "place": "Place",
    "appointed_at": "Agreed time",
    "loan": "Loan",
    "overdue": "Overdue",
    "purpose": "Purpose",
}
"""Columns that the sheet comes with."""
FILLED: Final = {
    "arrived_at": "Arrived at (HH:MM)",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "outcome": "Outcome",
    "person": "Person met",
    "note": "Note",
    "promise_amount": "Promised amount",
    "promise_on": "Promised for (YYYY-MM-DD)",
    "call_back_at": "Call back at (YYYY-MM-DD HH:MM)",
    "received": "Money received",
    "mode": "Cash or cheque",
    "paid_by": "Paid by",
    "paper_number": "Paper receipt",
    "cheque_number": "Cheque number",
    "cheque_bank": "Cheque bank",
    "cheque_on": "Cheque date (YYYY-MM-DD)",
}
"""Columns that the agent fills."""
_FIELDS = tuple(Field(name, label) for name, label in {**GIVEN, **FILLED}.items())


def taken_along(actor: Actor, on: date) -> list[dict[str, str]]:
    """The actor's open visits of a day as lines of the sheet, with addresses in the clear; recorded who took them.

    Raises:
        NotAllowed: the actor may not make visits or see personal data in the clear.
        Refused: there is no open visit on that day.
    """
    actor.require(Permission.MAKE_VISITS)
    actor.require(Permission.REVEAL_PERSONAL_DATA)
    open_visits = [visit for visit in visits.day(actor, on).visits if visit.is_open]
    if not open_visits:
        raise Refused("No open visit is planned for that day, so there is nothing to take along.")
    with transaction() as session:
        addresses = places.in_clear(session, [visit.contact_point_id for visit in open_visits])
        loans = queries.worst_loans(session, [visit.borrower_id for visit in open_visits])
        audit.record(
            session,
            actor,
            "visit_sheet.taken",
            subject=("visit_sheet", on.isoformat()),
            summary=f"took along the sheet of {counted(len(open_visits), 'visit')}, with addresses in the clear",
            after={"visits": [visit.id for visit in open_visits]},
        )
    return [_line(visit, addresses[visit.contact_point_id], loans.get(visit.borrower_id, "")) for visit in open_visits]


def _line(visit: Visit, address: str, loan: str) -> dict[str, str]:
    given = {
        "visit": visit.number,
        "borrower": visit.borrower_name,
        "number": visit.borrower_number,
        "address": address,
        "place": PLACES[visit.place],
        "appointed_at": f"{visit.appointed_at:%H:%M}" if visit.appointed_at else "",
        "loan": loan,
        "overdue": str(visit.overdue_amount),
        "purpose": visit.purpose or "",
    }
    return given | dict.fromkeys(FILLED, "")


def as_csv(lines: Sequence[Mapping[str, str]]) -> bytes:
    """The sheet as CSV."""
    return exports.to_csv(lines, _FIELDS)


def as_page(actor: Actor, lines: Sequence[Mapping[str, str]], on: date) -> bytes:
    """The sheet as one page for a phone: forms that work without network and give the CSV to send in."""
    known = [
        {"code": outcome.code, "label": outcome.label, "persons": list(outcome.persons), "asks": list(outcome.requires)}
        for outcome in contacts.outcomes(actor)
        if outcome.fits("visit", "outbound") and "hold" not in outcome.requires
    ]
    data = {
        "id": f"{on.isoformat()}-{actor.id}",
        "columns": {**GIVEN, **FILLED},
        "lines": list(lines),
        "outcomes": known,
        "persons": contacts.PERSONS,
    }
    page = _TEMPLATES.get_template("visit_sheet.html").render(
        data=json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"), on=f"{on:%-d %b %Y}", agent=actor.name
    )
    return page.encode()
