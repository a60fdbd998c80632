"""Contacts with borrowers by people: each passes the gate, has an outcome, and says what comes next."""

from services.contacts.recording import record
from services.contacts.values import CHANNELS, DIRECTIONS, PARTIES, PERSONS, Contact, Outcome
from services.contacts.viewing import latest, outcomes

__all__ = ["CHANNELS", "DIRECTIONS", "PARTIES", "PERSONS", "Contact", "Outcome", "latest", "outcomes", "record"]
