"""One borrower's record as a document: everything from the first contact to today, ready to print or hand over.

As a PDF it is signed, so that anybody can check that it was not changed; as one HTML file without scripts or outside
resources any browser shows it. Either way its SHA-256 goes into the audit trail: whoever holds a copy can show that it
is the one that was exported (`checking`), and the seal over that event dates it.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from db.engine import transaction
from db.queries import audit as queries
from services import pdf, signing
from services.actors import Actor, Permission
from services.audit import printing, records
from services.audit.recording import record
from services.audit.records import Record
from services.errors import NotFound, Refused

PDF_LINES_AT_MOST = 10_000
"""Setting pages takes time: 10 to 15 s for as many lines. The web page has no such limit."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # names and notes come from files and forms: hostile until escaped
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Form(StrEnum):
    """What a record may be taken out as."""

    PDF = "pdf"
    """Signed, PDF/A-2u."""
    HTML = "html"
    """A web page."""


@dataclass(frozen=True, slots=True)
class Document:
    """A finished document."""

    file_name: str
    media_type: str
    content: bytes
    sha256: str
    """Also in the audit trail."""


def borrower_record(actor: Actor, number: str, *, reason: str, form: Form = Form.PDF) -> Document:
    """The record of one borrower: loans, all that happened, every act of the trail, and how far it is sealed.

    Args:
        actor: who asks; the export is itself recorded.
        number: the lender's own number of the borrower, or of one of the loans.
        reason: why the record is taken out, kept in the trail.
        form: signed PDF, or web page.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        NotFound: no borrower or loan has the number.
        Refused: too long for a PDF.
        SigningKeyUnusable: the configured signing key cannot be used.
    """
    actor.require(Permission.VIEW_AUDIT)
    with transaction(statement_timeout_ms=0) as session:
        borrower_id = queries.borrower_with_number(session, number.strip())
        if borrower_id is None:
            raise NotFound(f"No borrower or loan has the number “{number.strip()}”.")
        said = records.load(session, borrower_id, made_by=actor.name, reason=reason)
        content, marks = _pdf(said) if form is Form.PDF else (_html(said), {})
        digest = hashlib.sha256(content).hexdigest()
        record(
            session,
            actor,
            "record.exported",
            subject=("borrower", borrower_id),
            summary=f"took out the record of {said.borrower.external_id} as a {_LABELS[form]}",
            borrower_id=borrower_id,
            after={"sha256": digest, "bytes": len(content), **marks},
            reason=reason,
        )
    name = f"record-{_safe(said.borrower.external_id)}.{form}"
    return Document(name, pdf.MEDIA_TYPE if form is Form.PDF else "text/html", content, digest)


_LABELS = {Form.PDF: "signed PDF", Form.HTML: "web page"}


def _pdf(said: Record) -> tuple[bytes, dict[str, str]]:
    """The signed document, and what the trail keeps of its signature to know a changed copy by."""
    if said.lines > PDF_LINES_AT_MOST:
        raise Refused(
            f"The record has {said.lines:,} lines, more than the {PDF_LINES_AT_MOST:,} that a PDF is set for. "
            "Take it out as a web page."
        )
    identity = signing.identity()
    unsigned = pdf.render(
        title=f"Record of {said.borrower.name}",
        blocks=printing.blocks(said, certificate=identity.fingerprint),
        made_at=said.made_at,
        letterhead=(said.settings.name,),
        reference=f"{said.borrower.external_id} · {said.local(said.made_at)}",
        is_landscape=True,
        is_archival=True,
    )
    signed = pdf.sign(unsigned, identity.sign, signer=identity.name, reason=said.reason, at=said.made_at)
    signature = next(pdf.signatures(signed))
    return signed, {
        "signature_sha256": hashlib.sha256(signature.cms).hexdigest(),
        "signed_sha256": signature.signed_sha256,
        "certificate_sha256": identity.fingerprint,
    }


def _html(said: Record) -> bytes:
    facts: dict[str, Any] = {
        name: getattr(said, name)
        for name in ("settings", "made_at", "made_by", "reason", "borrower", "loans", "contact_points", "happened")
    }
    template = _TEMPLATES.get_template("borrower_record.html")
    return template.render(
        local=said.local,
        when=said.when,
        zone=said.zone.key,
        decisions=said.decisions,
        chain=said.chain,
        last_check=said.last_check,
        entries=[_entry(row) for row in said.entries],
        **facts,
    ).encode()


def _entry(row: Any) -> dict[str, Any]:
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


def _safe(number: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in number)
