"""A batch of notices on its way to the post: the carrier's list and its numbers, and the letters as ZIP files."""

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from db.base import AnyRow
from db.engine import transaction
from db.queries import legal_notices as queries
from services import audit, exports, lender, personal_data
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.legal.values import number_of
from services.wording import counted

ZIP_SIZE: Final = 200
"""Notices of one ZIP file."""
_UPLOAD_AT_MOST: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a dispatch list brought back."""

    recorded: int
    unchanged: int
    wrong: tuple[str, ...]
    """What could not be taken, a sentence a line."""


_COLUMNS: Final = ("reference", "name", "address", "city", "state", "sent_on", "document_sha256", "tracking_number")


def dispatch_list(actor: Actor, batch_id: int) -> bytes:
    """The list for the post or courier as CSV; the last column is for its numbers. The download is recorded.

    Raises:
        NotAllowed: the actor may not set up legal actions, or not see personal data.
    """
    actor.require(Permission.SET_UP_LEGAL)
    actor.require(Permission.REVEAL_PERSONAL_DATA)
    with transaction() as session:
        rows = queries.dispatch_rows(session, batch_id)
        audit.record(
            session,
            actor,
            "legal.dispatch_list_downloaded",
            subject=("legal_batch", batch_id),
            summary=f"downloaded the dispatch list of batch {batch_id} with "
            + counted(len(rows), "address", "addresses"),
        )
    fields = [exports.Field(name, name) for name in _COLUMNS]
    return exports.to_csv([_line(row) for row in rows], fields)


def _line(row: AnyRow) -> dict[str, Any]:
    return {
        "reference": number_of(row.action_id),
        "name": row.name,
        "address": personal_data.decrypt(row.address) if row.address is not None else "",
        "city": row.city,
        "state": row.state,
        "sent_on": row.on_date,
        "document_sha256": bytes(row.sha256).hex() if row.sha256 is not None else "",
        "tracking_number": row.tracking_number or "",
    }


def upload_dispatch(actor: Actor, batch_id: int, content: bytes) -> Uploaded:
    """Take the carrier's numbers from the list that came back. Sent in again it changes nothing.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: not a CSV with the columns `reference` and `tracking_number`.
    """
    actor.require(Permission.SET_UP_LEGAL)
    given = _read(content)
    with transaction() as session:
        known = {number_of(row.action_id): row for row in queries.dispatch_rows(session, batch_id)}
        today = lender.load(session).today
        events, wrong, unchanged = [], [], 0
        for line, (reference, number) in enumerate(given, start=2):
            row = known.pop(reference, None)
            if row is None:
                wrong.append(f"Line {line}: {reference or 'no reference'} is not in this batch, or stands twice.")
            elif not number:
                continue
            elif len(number) > 60:
                wrong.append(f"Line {line}: a tracking number has at most 60 characters.")
            elif number == row.tracking_number:
                unchanged += 1
            else:
                events.append(_dispatched(row, number, batch_id, today, actor))
        queries.insert_dispatches(session, events)
        if events:
            audit.record(
                session,
                actor,
                "legal.dispatch_recorded",
                subject=("legal_batch", batch_id),
                summary=f"recorded {len(events)} tracking numbers of batch {batch_id}",
                after={"recorded": len(events), "wrong": len(wrong)},
            )
    return Uploaded(len(events), unchanged, tuple(wrong))


def _dispatched(row: AnyRow, number: str, batch_id: int, today: date, actor: Actor) -> dict[str, Any]:
    return {
        "action_id": row.action_id,
        "kind": "dispatched",
        "on_date": today,
        "done_by": actor.id,
        "refers_to": row.event_id,
        "tracking_number": number,
        "batch_id": batch_id,
    }


def _read(content: bytes) -> list[tuple[str, str]]:
    if len(content) > _UPLOAD_AT_MOST:
        raise InvalidInput({"file": "The file has more than 5 MB: this is not the dispatch list."})
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if not {"reference", "tracking_number"} <= names.keys():
            raise InvalidInput({"file": "The file needs the columns reference and tracking_number."})
        return [
            ((row[names["reference"]] or "").strip(), (row[names["tracking_number"]] or "").strip().lstrip("'"))
            for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput({"file": "Save the list as CSV in UTF-8 and choose it again."}) from error


def notices_zip(actor: Actor, batch_id: int, *, part: int = 0) -> bytes:
    """Notices of a batch as a ZIP of at most 200; `part` counts from 0. The download is recorded.

    Raises:
        NotAllowed: the actor may not set up legal actions, or not see personal data.
    """
    actor.require(Permission.SET_UP_LEGAL)
    actor.require(Permission.REVEAL_PERSONAL_DATA)
    with transaction() as session:
        rows = queries.documents_of(session, batch_id, skip=part * ZIP_SIZE, limit=ZIP_SIZE)
        audit.record(
            session,
            actor,
            "legal.notices_downloaded",
            subject=("legal_batch", batch_id),
            summary=f"downloaded {counted(len(rows), 'notice')} of batch {batch_id}",
        )
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for row in rows:
                archive.writestr(row.file_name, bytes(row.content))
    return made.getvalue()
