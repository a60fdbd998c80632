"""What a borrower's record says: loans, contact details in masks, all that happened, what the gate answered, all acts.

Read once, in one transaction, and then written as a signed PDF or as a web page (`documents`): both say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import audit as queries
from db.queries import borrowers, timeline
from services import clock, lender
from services.lender import LenderSettings

ENTRIES_AT_MOST = 20_000
"""Far beyond what one borrower's record ever holds; keeps a broken import from making a file that nothing opens."""

_OF_A_DAY = frozenset({"payment", "bounce", "stage"})
"""Kinds of fact that are known by their day; the timeline puts them at its noon."""


@dataclass(frozen=True, slots=True)
class Record:
    """One borrower's record at a moment."""

    settings: LenderSettings
    made_at: datetime
    made_by: str
    reason: str
    borrower: AnyRow
    loans: Sequence[AnyRow]
    contact_points: Sequence[AnyRow]
    """Masked: a document that leaves the house tells which numbers were used, not the numbers."""
    happened: Sequence[AnyRow]
    """Contacts, promises, plans, settlements, relief, payments, bounces, messages, allocations, stages, holds,
    follow-ups, complaints, legal steps; oldest first."""
    decisions: Sequence[AnyRow]
    """What the gate answered, with the rule; oldest first."""
    entries: Sequence[AnyRow]
    """Every event of the trail about the borrower, oldest first."""
    chain: AnyRow
    verified: AnyRow | None
    """The last check of the chain; None: it was never checked."""

    @property
    def zone(self) -> ZoneInfo:
        """The lender's time zone, which the record's times are in."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def last_check(self) -> str:
        """What the last check of the trail found: a record out of a broken one must not look as good as another."""
        if self.verified is None:
            return "none yet"
        at = self.local(self.verified.verified_at)
        if not self.verified.is_intact:
            return f"BROKEN on {at}. {self.verified.finding}"
        return f"intact on {at}, events {int(self.verified.events):,}, seals {self.verified.seals:,}"

    @property
    def lines(self) -> int:
        """How long it is."""
        return len(self.happened) + len(self.decisions) + len(self.entries)

    def when(self, fact: AnyRow) -> str:
        """When a fact happened: a day's fact has no hour."""
        return f"{fact.at.astimezone(self.zone):%d %b %Y}" if fact.kind in _OF_A_DAY else self.local(fact.at)

    def local(self, moment: datetime) -> str:
        """A moment as the record writes it."""
        return f"{moment.astimezone(self.zone):%d %b %Y %H:%M:%S}"


def load(session: Session, borrower_id: int, *, made_by: str, reason: str) -> Record:
    """The record of a borrower as it stands in the caller's transaction.

    Args:
        session: the caller's transaction; permission was asked.
        borrower_id: whose.
        made_by: name of who takes it out.
        reason: why.
    """
    settings = lender.load(session)
    newest_first = timeline.page(
        session, borrower_id, tuple(timeline.PARTS), zone=settings.time_zone, before=None, limit=ENTRIES_AT_MOST
    )
    return Record(
        settings=settings,
        made_at=clock.now(),
        made_by=made_by,
        reason=reason,
        borrower=queries.borrower_head(session, borrower_id),
        loans=queries.loans_of(session, borrower_id),
        contact_points=borrowers.contact_points(session, borrower_id),
        happened=list(reversed(newest_first)),
        decisions=queries.gate_decisions_of(session, borrower_id, limit=ENTRIES_AT_MOST),
        entries=queries.record_of(session, borrower_id),
        chain=queries.chain_state(session),
        verified=queries.last_verification(session),
    )
