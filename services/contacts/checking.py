"""Whether the fields of a contact go together: who was reached, what the outcome asks for, nothing to third parties."""

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from db.queries import contacts as queries
from services import cases
from services.contacts import recordings
from services.contacts.values import CHANNELS, DIRECTIONS, PERSONS, Entry, Outcome, outcome_of
from services.errors import InvalidInput


def chosen_outcome(session: Session, entry: Entry, today: date) -> Outcome:
    """The outcome of an entry, once all its fields go with it.

    Raises:
        InvalidInput: a field is missing, unknown, or does not go with the outcome.
    """
    row = queries.disposition(session, entry.outcome, today)
    if row is None:
        raise InvalidInput({"outcome": "Choose one of the outcomes in the list."})
    outcome = outcome_of(row)
    wrong = _wrong_choices(entry) | _missing(entry, outcome) | recordings.missing(session, entry)
    if (outcome.channels and entry.channel not in outcome.channels) or outcome.direction not in {None, entry.direction}:
        wrong["outcome"] = f"“{outcome.label}” does not end such a contact; choose another outcome or channel."
    if entry.person not in outcome.persons:
        wrong["person"] = _person_sentence(entry, outcome)
    if entry.note is not None and not outcome.takes_note:
        wrong["note"] = (
            "With a third party nothing is disclosed, and nothing about them is noted. Leave the note empty."
        )
    if entry.next_action_on is not None and entry.next_action_on < today:
        wrong["next_action_on"] = "The date is past; choose today or later."
    if wrong:
        raise InvalidInput(wrong)
    return outcome


def _person_sentence(entry: Entry, outcome: Outcome) -> str:
    if entry.person == "third_party":
        return "With a third party nothing may be disclosed or agreed; choose “Third party, nothing disclosed”."
    who = " or ".join(PERSONS[person].lower() for person in outcome.persons)
    return f"“{outcome.label}” goes with {who} as the person reached."


def _wrong_choices(entry: Entry) -> dict[str, str]:
    allowed = {"channel": CHANNELS, "direction": DIRECTIONS, "person": PERSONS}
    wrong = {
        field: f"Choose a {field} from the list." for field in allowed if getattr(entry, field) not in allowed[field]
    }
    if entry.next_action is not None and entry.next_action not in cases.ACTIONS:
        wrong["next_action"] = "Choose a next action from the list."
    return wrong


_ASKED: Final = {
    "promise": ("promise", "amount", "Enter what is promised and by when."),
    "follow_up": ("follow_up_at", "follow_up_at", "Enter when to call back."),
    "hold": ("hold", "hold", "Say what kind of hold it is and until when."),
    "note": ("note", "note", "Write a short note of what was said."),
}


def _missing(entry: Entry, outcome: Outcome) -> dict[str, str]:
    asked = (_ASKED[need] for need in outcome.requires)
    missing = {field: sentence for attribute, field, sentence in asked if getattr(entry, attribute) is None}
    if entry.promise is not None and "promise" not in outcome.requires:
        missing["outcome"] = "A promise goes with the outcome “Promise to pay”."
    return missing
