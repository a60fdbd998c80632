"""One borrower's record as a document: everything from the first contact to today, ready to print or hand over.

The document is one HTML file without scripts or outside resources, so that any browser shows and prints it, in every
script that names are written in. Its SHA-256 goes into the audit trail: whoever holds a copy can show that it is the
one that was exported, and the seal over that event dates it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import audit as queries
from db.queries import timeline
from services import clock, lender
from services.actors import Actor, Permission
from services.audit.recording import record
from services.errors import NotFound

ENTRIES_AT_MOST = 20_000
"""Far beyond what one borrower's record ever holds; keeps a broken import from making a file that no browser opens."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # names and notes come from files and forms: hostile until escaped
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A finished document."""

    file_name: str
    content: bytes
    sha256: str
    """Also in the audit trail."""


def borrower_record(actor: Actor, number: str, *, reason: str) -> Document:
    """The record of one borrower: loans, all that happened, every act of the trail, and how far it is sealed.

    Args:
        actor: who asks; the export is itself recorded.
        number: the lender's own number of the borrower, or of one of the loans.
        reason: why the record is taken out, kept in the trail.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        NotFound: no borrower or loan has the number.
    """
    actor.require(Permission.VIEW_AUDIT)
    with transaction(statement_timeout_ms=0) as session:
        borrower_id = queries.borrower_with_number(session, number.strip())
        if borrower_id is None:
            raise NotFound(f"No borrower or loan has the number “{number.strip()}”.")
        head = queries.borrower_head(session, borrower_id)
        settings = lender.load(session)
        content = _render(
            settings=settings,
            zone=ZoneInfo(settings.time_zone),
            made_at=clock.now(),
            made_by=actor.name,
            reason=reason,
            borrower=head,
            loans=queries.loans_of(session, borrower_id),
            happened=_happened(session, borrower_id, zone=settings.time_zone),
            entries=[_entry(row) for row in queries.record_of(session, borrower_id)],
            chain=queries.chain_state(session),
        )
        digest = hashlib.sha256(content).hexdigest()
        record(
            session,
            actor,
            "record.exported",
            subject=("borrower", borrower_id),
            summary=f"took out the record of {head.external_id} as a document",
            borrower_id=borrower_id,
            after={"sha256": digest, "bytes": len(content)},
            reason=reason,
        )
    return Document(f"record-{_safe(head.external_id)}.html", content, digest)


def _happened(session: Session, borrower_id: int, *, zone: str) -> list[AnyRow]:
    """Contacts, promises, payments, bounces, messages, allocations, holds: all of them, oldest first."""
    newest_first = timeline.page(
        session, borrower_id, tuple(timeline.PARTS), zone=zone, before=None, limit=ENTRIES_AT_MOST
    )
    return list(reversed(newest_first))


def _entry(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "who": row.actor_name,
        "role": row.actor_role,
        "what": row.summary,
        "reason": row.reason,
        "before": row.before,
        "after": row.after,
        "digest": (row.digest or b"").hex()[:16],
    }


def _render(*, zone: ZoneInfo, **facts: Any) -> bytes:
    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%d %b %Y %H:%M:%S}"

    template = _TEMPLATES.get_template("borrower_record.html")
    return template.render(local=local, zone=zone.key, **facts).encode()


def _safe(number: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in number)
