"""The answer to a complaint as a letter: one file that any browser shows and prints, without outside resources."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from db.engine import reading
from db.queries import complaints as queries
from services.actors import Actor, Permission
from services.complaints.configuring import load
from services.complaints.values import number_of
from services.errors import NotFound

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # names and texts come from files and forms: hostile until escaped
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_SUBJECTS: Final = {
    "acknowledged": "We have received your complaint",
    "answered": "Our answer to your complaint",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, ready to print."""

    file_name: str
    content: bytes


def letter(actor: Actor, complaint_id: int, event_id: int) -> Letter:
    """The letter of an acknowledgment or answer, exactly as it was recorded.

    Raises:
        NotAllowed: the actor may not see complaints.
        NotFound: there is no such complaint, or nothing was written to the borrower then.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        complaint = queries.by_id(session, complaint_id)
        found = [each for each in queries.events(session, complaint_id) if each.id == event_id]
        if complaint is None or not found or found[0].kind not in _SUBJECTS:
            raise NotFound("No letter was written then.")
        event, settings = found[0], load(session)
    content = _TEMPLATES.get_template("letter.html").render(
        subject=_SUBJECTS[event.kind],
        number=number_of(complaint_id),
        borrower=complaint.borrower_name,
        borrower_number=complaint.borrower_number,
        received_on=spoken(complaint.received_on),
        written_on=spoken(event.on_date),
        paragraphs=event.text.split("\n\n"),
        officer=event.who,
        lender=settings.lender,
        grievance_contact=settings.grievance_contact,
    )
    return Letter(f"{number_of(complaint_id)}-{event.kind}.html", content.encode())


def spoken(day: date) -> str:
    """'14 November 2026'."""
    return f"{day.day} {day:%B %Y}"
