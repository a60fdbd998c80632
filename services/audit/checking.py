"""Whether a document is a record that was taken out here, and still says what it said.

The trail holds the fingerprint of each record that was taken out, so no key is trusted for it: a signing key may change
or be another's, what the trail knows was issued here. A changed copy is known by its signature, which nobody can make
for other content, and which the trail holds the fingerprint of, too.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from db.base import AnyRow
from db.engine import reading
from db.queries import audit as queries
from services import pdf
from services.actors import Actor, Permission
from services.errors import InvalidInput

MAX_BYTES: Final = 50 * 1024 * 1024
"""Largest file that is looked at; the longest record has less."""


class Verdict(StrEnum):
    """What is to be said of a document."""

    UNCHANGED = "unchanged"
    """Byte for byte as it was issued."""
    ADDED_TO = "added to"
    """What was issued is in it unchanged, and something follows it: a comment, another's signature, a new page."""
    CHANGED = "changed"
    """It carries our signature, and no longer says what was signed."""
    UNKNOWN = "unknown"
    """The trail knows neither it nor a signature in it."""


@dataclass(frozen=True, slots=True)
class Issue:
    """When a record was taken out, by whom, of whom."""

    at: datetime
    by: str
    role: str
    borrower_number: str
    reason: str | None
    event_id: int
    """Of the audit trail."""
    is_sealed: bool
    """The event stands under a seal."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    verdict: Verdict
    sha256: str
    """Of the file that was checked."""
    signatures: int
    """How many signatures the file carries, whoever's."""
    issue: Issue | None
    """Of the record that the file is, or was before somebody changed it; None: unknown."""


def check(actor: Actor, content: bytes) -> Finding:
    """Say of a file whether it was issued here and is unchanged.

    Raises:
        NotAllowed: the actor may not read the audit trail.
        InvalidInput: the file is empty, or larger than any record.
    """
    actor.require(Permission.VIEW_AUDIT)
    if not content:
        raise InvalidInput({"file": "The file is empty. Choose another."})
    if len(content) > MAX_BYTES:
        raise InvalidInput({"file": f"The file has more than {MAX_BYTES // 1024 // 1024} MB: it is no record of ours."})
    digest = hashlib.sha256(content).hexdigest()
    carried = {hashlib.sha256(found.cms).hexdigest(): found for found in pdf.signatures(content)}
    with reading() as session:
        known = queries.exported_record(session, sha256=digest, signatures=list(carried))
    if known is None:
        return Finding(Verdict.UNKNOWN, digest, len(carried), None)
    issue = _issue(known)
    if known.after["sha256"] == digest:
        return Finding(Verdict.UNCHANGED, digest, len(carried), issue)
    carrier = carried[known.after["signature_sha256"]]
    is_whole = carrier.signed_sha256 == known.after["signed_sha256"] and carrier.end < len(content)
    return Finding(Verdict.ADDED_TO if is_whole else Verdict.CHANGED, digest, len(carried), issue)


def _issue(row: AnyRow) -> Issue:
    return Issue(
        at=row.at,
        by=row.actor_name,
        role=row.actor_role,
        borrower_number=row.borrower_number,
        reason=row.reason,
        event_id=row.id,
        is_sealed=row.is_sealed,
    )
