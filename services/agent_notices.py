"""Notice of an agent's particulars before the first contact (IN-06): by e-mail through the outbox, else by letter.

Who must be told of whom is derived: an open case whose owner falls under the setting, and no notice that went out.
Messages are planned and sent as reminders are. Who cannot be told by e-mail gets a letter: printed many to a file, then
marked as given to the post. Until then the gate stops the agent's calls and visits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import agent_notices as queries
from db.queries import settlements as lender_queries
from services import audit, clock, documents, lender, pdf, personal_data, policy
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, Refused
from services.lender import LenderSettings
from services.wording import Words, counted

WHOM: Final = {"none": "Of nobody", "agencies": "Of agencies' people", "all": "Of every collector"}
"""Of whom borrowers are told, as screens say it."""
LETTERS_A_FILE: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Borrowers who must still be told of an agent, and by which way."""

    agent_id: int
    agent_name: str
    agency: str | None
    waiting: int
    by_email: int
    """A message is on its way, or will be planned."""
    printed: int
    """The letter is made, and not marked as dispatched."""
    by_letter: int
    unreachable: int
    """Neither e-mail nor address: give the case to somebody else, or find an address."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file of letters that is not dispatched."""

    document_id: int
    made_at: datetime
    made_by_name: str | None
    letters: int


def standing(actor: Actor) -> list[Standing]:
    """By agent: how many borrowers must still be told.

    Raises:
        NotAllowed: the actor may not allocate cases.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return [Standing(**row._mapping) for row in queries.standing(session)]  # noqa: SLF001 - SQLAlchemy's public name


def open_files(actor: Actor) -> list[OpenFile]:
    """Files of letters that are not dispatched yet.

    Raises:
        NotAllowed: the actor may not allocate cases.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return [OpenFile(**row._mapping) for row in queries.open_files(session)]  # noqa: SLF001 - a public name


def write_letters(actor: Actor) -> documents.Document:
    """Make the letters that wait, up to 500, as one file to print: the largest overdue first.

    Raises:
        NotAllowed: the actor may not allocate cases.
        Refused: no letter waits.
        PersonalDataUnreadable: the key of an address is not on this server.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction(statement_timeout_ms=0) as session:
        return write_in(session, actor, limit=LETTERS_A_FILE)


def write_in(session: Session, actor: Actor, *, limit: int) -> documents.Document:
    """`write_letters` in the caller's transaction, up to so many."""
    rows = _allowed(session, queries.letters_to_write(session, limit=limit))
    if not rows:
        raise Refused("No letter waits that may be written now.")
    settings = lender.load(session)
    document = documents.store(
        session,
        actor,
        kind="agent_notice",
        file_name=f"Notices {settings.today.isoformat()}.pdf",
        content=_file(rows, settings, lender_queries.grievance_contact(session)),
        borrower_id=None,
        subject=("agent_notice", 0),
    )
    letters = [
        {
            "borrower_id": row.borrower_id,
            "agent_id": row.agent_id,
            "document_id": document.id,
            "made_at": clock.now(),
            "made_by": actor.id,
        }
        for row in rows
    ]
    if queries.insert_letters(session, letters) != len(rows):
        raise Conflict("Somebody else made these letters just now. Look again.")
    _record(session, actor, "written", document.id, f"wrote {counted(len(rows), 'notice')} of agents, with addresses")
    return document


def dispatched(actor: Actor, document_id: int) -> int:
    """Mark the letters of a file as given to the post: from now on their agents may be in touch. How many they were.

    Raises:
        NotAllowed: the actor may not allocate cases.
        Conflict: they are marked already.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        done = queries.dispatch(session, document_id, at=clock.now(), by=actor.id)
        if not done:
            raise Conflict("These letters are marked as dispatched already.")
        _record(session, actor, "dispatched", document_id, f"marked {counted(done, 'notice')} of agents as dispatched")
        return done


def whom(actor: Actor) -> str:
    """Of whom borrowers are told: a key of `WHOM`.

    Raises:
        NotAllowed: the actor may not allocate cases.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return queries.whom(session)


def change_whom(actor: Actor, value: str, *, reason: str) -> None:
    """Set of whom borrowers are told from now on; who is in touch with a borrower already may go on.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: no such choice, or no reason.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    wrong = {} if value in WHOM else {"whom": "Choose of whom borrowers are told."}
    if not reason.strip():
        wrong["reason"] = "Say why it changes."
    if wrong:
        raise InvalidInput(wrong)
    with transaction() as session:
        before = queries.whom(session)
        if before == value:
            return
        is_wider = list(WHOM).index(value) > list(WHOM).index(before)
        queries.set_whom(session, value, since=clock.now() if is_wider else None)
        audit.record(
            session,
            actor,
            "setting.changed",
            subject=("lender", "agent_notice"),
            summary=f"changed of whom borrowers are told before the first contact: {WHOM[value].lower()}",
            before={"agent_notice": before},
            after={"agent_notice": value},
            reason=reason.strip(),
        )


def _allowed(session: Session, rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Those to whom a letter may be sent now: a hold stops letters, too. The gate's answers are kept."""
    answers = policy.ask_many(
        session,
        {row.borrower_id for row in rows},
        channel="letter",
        purpose="send",
        at=clock.now(),
        is_about_promise=True,
    )
    return [row for row in rows if answers[row.borrower_id].is_allowed]


def _record(session: Session, actor: Actor, verb: str, document_id: int, summary: str) -> None:
    audit.record(session, actor, f"agent_notice.{verb}", subject=("document", document_id), summary=summary)


def _file(rows: Sequence[AnyRow], settings: LenderSettings, contact: str | None) -> bytes:
    words = Words(settings)
    blocks: list[pdf.Block] = []
    for row in rows:
        blocks += ([pdf.PageBreak()] if blocks else []) + _letter(row, settings, words, contact)
    return pdf.render(
        title="Who will be in touch about your loan",
        letterhead=(settings.name, words.day(settings.today)),
        made_at=clock.now(),
        blocks=blocks,
    )


def _letter(row: AnyRow, settings: LenderSettings, words: Words, contact: str | None) -> list[pdf.Block]:
    facts = [
        ("Name", row.agent_name),
        *([("Agency", row.agency)] if row.agency else []),
        *([("Identity card", row.id_card_number)] if row.id_card_number else []),
        *([("Certificate", row.certificate_number)] if row.certificate_number else []),
    ]
    return [
        pdf.Paragraph(f"{row.borrower_name}\n{personal_data.decrypt(row.address)}"),
        pdf.Gap(6),
        pdf.Paragraph(f"Dear {row.borrower_name},"),
        pdf.Paragraph(f"we have asked the following person to speak with you about your loan ({row.borrower_number}):"),
        pdf.Facts(facts),
        pdf.Paragraph(
            "Ask for the identity card before you say anything about your loan. Nobody else may speak with you about "
            "it for us, and nobody may take money from you without a receipt of ours."
        ),
        pdf.Paragraph(
            "If something is wrong, or you are treated badly, write to our grievance officer at "
            f"{words.contact(contact)}."
        ),
        pdf.Signature((f"For {settings.name}",)),
    ]
