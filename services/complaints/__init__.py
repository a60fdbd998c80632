"""Complaints: received with a stop on contact, answered within the clock, closed with an outcome (IN-09, 11, 20)."""

from db.queries.complaints import Cursor
from services.complaints.clock import Urgency
from services.complaints.configuring import configure, settings
from services.complaints.handling import acknowledge, answer, close, compensate, note, reopen
from services.complaints.letters import Letter, letter
from services.complaints.receiving import Person, agencies, people, receive
from services.complaints.values import (
    ABOUT,
    ACTS,
    CHANNELS,
    OUTCOMES,
    SENT_BY,
    STATUSES,
    Complaint,
    Entry,
    Event,
    Received,
    Settings,
    number_of,
)
from services.complaints.viewing import (
    EXPORT_FIELDS,
    LISTS,
    PAGE,
    ComplaintPage,
    Figures,
    Opened,
    Wanted,
    export,
    figures,
    of_borrower,
    opened,
    page,
)

__all__ = [
    "ABOUT",
    "ACTS",
    "CHANNELS",
    "EXPORT_FIELDS",
    "LISTS",
    "OUTCOMES",
    "PAGE",
    "SENT_BY",
    "STATUSES",
    "Complaint",
    "ComplaintPage",
    "Cursor",
    "Entry",
    "Event",
    "Figures",
    "Letter",
    "Opened",
    "Person",
    "Received",
    "Settings",
    "Urgency",
    "Wanted",
    "acknowledge",
    "agencies",
    "answer",
    "close",
    "compensate",
    "configure",
    "export",
    "figures",
    "letter",
    "note",
    "number_of",
    "of_borrower",
    "opened",
    "page",
    "people",
    "receive",
    "reopen",
    "settings",
]
