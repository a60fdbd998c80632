"""The rows that were not taken, as a CSV to be mended and uploaded again: the file's own columns and the reasons."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries.imports import batches
from db.queries.imports import checking as queries
from services import audit, clock
from services.actors import Actor, Permission
from services.exports import escaped
from services.imports.batches import BatchSummary, loaded, summary_of
from services.imports.mapping import REASON_HEADER
from services.imports.messages import sentences

KEEP_DAYS = 90
"""Rejected rows hold personal data in the clear: they are kept as long as somebody may still be mending them."""
_PAGE = 5_000
_PLAIN_NUMBER = re.compile(r"^[-+][\d.,\s]+$")


def rejects_csv(actor: Actor, batch_id: int) -> bytes:
    """The rejected rows of a batch as CSV in UTF-8 with a byte-order mark. It holds personal data: the act is recorded.

    Raises:
        NotAllowed, NotFound.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id)
        audit.record(
            session,
            actor,
            "import.rejects_downloaded",
            subject=("import", batch_id),
            summary=f"downloaded the rejected rows of import {batch_id}",
        )
    batch = summary_of(row)
    headers, kind = list(batch.headers), batch.kind
    buffer, width = io.StringIO(newline=""), len(headers)
    # where the decimal sign is a comma, spreadsheets part cells by semicolons: so they open the rows as a table
    writer = csv.writer(buffer, delimiter=";" if batch.options.get("decimal") == "," else ",")
    writer.writerow([*(_cell(header) for header in headers), REASON_HEADER])
    for rejected in _rows(batch_id):
        cells = [_cell(cell or "") for cell in rejected.cells]
        # cells beyond the header come after the reason, so that each of the others stands under its own
        writer.writerow([*cells[:width], sentences(kind, rejected.reasons), *cells[width:]])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def are_kept(batch: BatchSummary) -> bool:
    """Whether the rejected rows of the batch are still there."""
    return batch.committed_at is None or batch.committed_at >= clock.now() - timedelta(days=KEEP_DAYS)


def forget_old(actor: Actor) -> int:
    """Remove rejected rows of imports committed over `KEEP_DAYS` ago; how many.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction(statement_timeout_ms=0) as session:
        rows = batches.forget_rejected_before(session, clock.now() - timedelta(days=KEEP_DAYS))
        if rows:
            summary = f"removed {rows:,} rejected rows of imports older than {KEEP_DAYS} days"
            audit.record(session, actor, "import.rejects_forgotten", subject=("lender", 1), summary=summary)
    return rows


def _rows(batch_id: int) -> Iterator[AnyRow]:
    after = 0
    while True:
        with reading() as session:
            rows = queries.rejected_rows(session, batch_id, after=after, limit=_PAGE)
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].line


def _cell(text: str) -> str:
    """Escaped against spreadsheets; numbers with a sign are safe as they are, and the import takes the escape off."""
    return text if _PLAIN_NUMBER.match(text) else escaped(text)
