"""Contacts with borrowers by people: each passes the gate, has an outcome, and says what comes next."""

from services.contacts.recording import record, record_in
from services.contacts.values import CHANNELS, DIRECTIONS, PARTIES, PERSONS, RIGHT_PARTIES, Contact, Entry, Outcome
from services.contacts.viewing import latest, outcomes

__all__ = [
    "CHANNELS",
    "DIRECTIONS",
    "PARTIES",
    "PERSONS",
    "RIGHT_PARTIES",
    "Contact",
    "Entry",
    "Outcome",
    "latest",
    "outcomes",
    "record",
    "record_in",
]
