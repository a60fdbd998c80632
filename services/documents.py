"""Files kept with a borrower: stored as bytes, never changed, taken out with a record of who took them.

An uploaded file is hostile until shown otherwise: only a few kinds are taken, each is recognised by its bytes and not
by its name, and none is ever shown by the product: a document is downloaded, by the name that we made for it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from unicodedata import category

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import documents as queries
from services import audit, cases, clock
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound

MAX_MB: Final = 10
MAX_BYTES: Final = MAX_MB * 1024 * 1024
"""Largest document. A photo of a phone has 2 to 6 MB, a scanned letter less."""
EXTENSIONS: Final = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "text/plain": "txt",
    "text/csv": "csv",
}
"""Media types that are taken, with the ending that a file of the type gets."""
UPLOADS: Final = ("pdf", "png", "jpg", "jpeg", "txt", "csv")
"""Endings that a form offers."""
KINDS: Final = {
    "evidence": "Evidence",
    "letter": "Letter from the borrower",
    "identity": "Proof of identity or address",
    "agreement": "Loan agreement",
    "settlement_letter": "Settlement letter",
    "hardship_letter": "Decision on relief",
    "notice": "Legal notice",
    "visit_photo": "Photo of a visit",
    "receipt": "Receipt",
    "agent_notice": "Notices of agents",
    "deposit_slip": "Deposit slip",
    "other": "Other",
}
"""What a document may be, as screens say it; a kind of a capability that is not named here shows its code."""
UPLOADED: Final = ("evidence", "letter", "identity", "agreement", "other")
"""Kinds that a person may choose for a file; the others Recoup makes itself."""
_NAME_AT_MOST = 100
_SIGNATURES = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_IN_NAMES = frozenset(" .()-_")
"""Beside letters with their marks, and digits, of any script."""
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|\?xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a stored document."""

    id: int
    kind: str
    file_name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    borrower_id: int | None
    subject: tuple[str, int] | None
    stored_at: datetime
    stored_by_name: str | None
    """None: Recoup itself."""

    @property
    def label(self) -> str:
        """What it is, as screens say it."""
        return KINDS.get(self.kind, self.kind.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Opened:
    """A document with its bytes, for a download."""

    document: Document
    content: bytes


def store(
    session: Session,
    actor: Actor,
    *,
    kind: str,
    file_name: str,
    content: bytes,
    borrower_id: int | None,
    subject: tuple[str, int] | None = None,
) -> Document:
    """Keep a file, in the transaction of the act that it belongs to; the caller records the act in the audit trail.

    Args:
        session: the caller's transaction.
        actor: who stores it; the system for what Recoup made.
        kind: what it is, such as 'settlement_letter', 'evidence', 'visit_photo'.
        file_name: as the user's computer calls it; what is dangerous in it is taken out.
        content: the bytes; what they are is read from them.
        borrower_id: whose it is; None for none.
        subject: type and id of what it belongs to, such as ('settlement', 17).

    Raises:
        InvalidInput: empty, too large, or none of the types that are taken.
    """
    media_type = recognised(file_name, content)
    document_id = queries.insert_document(
        session,
        kind=kind,
        file_name=safe_name(file_name, media_type),
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
        content=content,
        borrower_id=borrower_id,
        subject_kind=subject[0] if subject else None,
        subject_id=subject[1] if subject else None,
        stored_at=clock.now(),
        stored_by=actor.id,
    )
    row = queries.by_id(session, document_id)
    assert row is not None, "inserted above"
    return _document(row)


def recognised(file_name: str, content: bytes) -> str:
    """The media type of a file, from its bytes.

    Raises:
        InvalidInput: empty, too large, or none of the types that are taken.
    """
    if not content:
        raise InvalidInput({"file": "The file is empty. Choose another."})
    if len(content) > MAX_BYTES:
        raise InvalidInput({"file": f"The file has more than {MAX_MB} MB. Make it smaller, for instance as a PDF."})
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    ending = file_name.rpartition(".")[2].lower()
    if ending in {"txt", "csv"} and _is_plain_text(content):
        return "text/csv" if ending == "csv" else "text/plain"
    raise InvalidInput({"file": "Only PDF, PNG, JPEG, TXT and CSV files are taken, and this is none of them."})


def _is_plain_text(content: bytes) -> bool:
    if b"\0" in content or _MARKUP.search(content[:65_536]):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def safe_name(file_name: str, media_type: str) -> str:
    """A file name without folders, control characters or a misleading ending."""
    bare = file_name.replace("\\", "/").rpartition("/")[2]
    stem = bare.rpartition(".")[0] or bare
    letters = (letter if letter in _IN_NAMES or category(letter)[0] in "LMN" else "_" for letter in stem)
    cleaned = re.sub("_+", "_", "".join(letters)).strip(" .")[:_NAME_AT_MOST] or "document"
    return f"{cleaned}.{EXTENSIONS[media_type]}"


def add(actor: Actor, borrower_id: int, *, kind: str, file_name: str, content: bytes) -> Document:
    """Keep a file with a borrower.

    Raises:
        NotAllowed: the actor may not record contacts.
        NotFound: the borrower is not the actor's to see.
        InvalidInput: see `store`; or the kind is not one that a person may choose.
    """
    actor.require(Permission.RECORD_CONTACT)
    if kind not in UPLOADED:
        raise InvalidInput({"kind": "Choose one of the kinds of document in the list."})
    with transaction() as session:
        cases.require_access(session, actor, borrower_id)
        document = store(session, actor, kind=kind, file_name=file_name, content=content, borrower_id=borrower_id)
        _record(session, actor, "document.stored", document, "stored the document")
    return document


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 100) -> list[Document]:
    """The borrower's documents, newest first, without their bytes.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return [_document(row) for row in queries.of_borrower(session, borrower_id, limit=limit)]


def of_subject(session: Session, subject: tuple[str, int], *, limit: int = 100) -> list[Document]:
    """The documents of one subject, in the caller's transaction, for an actor already let in."""
    return _documents(queries.of_subject(session, *subject, limit=limit))


def with_subject(actor: Actor, subject: tuple[str, int]) -> list[Document]:
    """The documents that belong to a subject, such as what a request for approval is about; newest first.

    Those of borrowers whom the actor may not see are left out.

    Raises:
        NotAllowed: the actor may not see borrowers.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        found = of_subject(session, subject)
        seen = {each.borrower_id for each in found if each.borrower_id is not None}
        allowed = {borrower_id for borrower_id in seen if cases.may_see(session, actor, borrower_id)}
    return [each for each in found if each.borrower_id in allowed]


def fetch(actor: Actor, document_id: int) -> Opened:
    """Take a document out; the download stands in the audit trail, with the fingerprint.

    Raises:
        NotAllowed: the actor may not see borrowers, or all of them where the document belongs to none.
        NotFound: there is no such document, or it is of a borrower who is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with transaction() as session:
        row = queries.by_id(session, document_id)
        if row is None:
            raise NotFound("There is no such document.")
        if row.borrower_id is None:
            actor.require(Permission.VIEW_ALL_CASES)
        else:
            cases.require_access(session, actor, row.borrower_id)
        document = _document(row)
        _record(session, actor, "document.downloaded", document, "downloaded the document")
        return Opened(document, queries.content(session, document_id))


def newest_of(actor: Actor, subject: tuple[str, int], *, kind: str) -> Opened:
    """The newest document of a kind that belongs to a subject, such as its letter; as `fetch`.

    Raises:
        NotAllowed, NotFound: see `fetch`; or there is none.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        kept = [each for each in of_subject(session, subject) if each.kind == kind]
    if not kept:
        raise NotFound("No such document is kept with it.")
    return fetch(actor, max(each.id for each in kept))


def _record(session: Session, actor: Actor, action: str, document: Document, did: str) -> None:
    audit.record(
        session,
        actor,
        action,
        subject=("document", document.id),
        summary=f"{did} {document.id} ({document.kind.replace('_', ' ')}, {document.media_type})",
        borrower_id=document.borrower_id,
        after={"sha256": document.sha256, "bytes": document.size},
    )


def _documents(rows: Sequence[AnyRow]) -> list[Document]:
    return [_document(row) for row in rows]


def _document(row: AnyRow) -> Document:
    return Document(
        id=row.id,
        kind=row.kind,
        file_name=row.file_name,
        media_type=row.media_type,
        size=row.size,
        sha256=bytes(row.sha256).hex(),
        borrower_id=row.borrower_id,
        subject=(row.subject_kind, row.subject_id) if row.subject_kind is not None else None,
        stored_at=row.stored_at,
        stored_by_name=row.stored_by_name,
    )
